use serde::{Deserialize, Serialize};

/// When a difference between two runs counts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CompareRules {
    /// Least relative growth of a response time, 0 to 1, and least growth in milliseconds.
    pub response_time: f64,
    pub response_time_floor_ms: f64,
    /// Least growth of the share of requests that go wrong, 0 to 1.
    pub error_rate: f64,
    /// Least relative growth of a scale-out stage, 0 to 1, and least growth in seconds.
    pub stage: f64,
    pub stage_floor_seconds: f64,
    /// 1 less the chance of any false alarm in a comparison.
    pub confidence: f64,
    /// The unit of chance.
    pub block_seconds: f64,
}

impl Default for CompareRules {
    fn default() -> CompareRules {
        CompareRules {
            response_time: 0.10,
            response_time_floor_ms: 2.0,
            error_rate: 0.005,
            stage: 0.25,
            stage_floor_seconds: 1.0,
            confidence: 0.95,
            block_seconds: 5.0,
        }
    }
}
