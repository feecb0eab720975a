use super::Offset;
use serde::{Deserialize, Serialize};

/// The gauges of one second. A line of `samples.jsonl`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    pub at_us: Offset,
    pub generator: GeneratorGauges,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fleet: Option<FleetGauges>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<StoreGauges>,
}

/// How the generator itself is doing, so that doubt has a place to look.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GeneratorGauges {
    /// Arrivals due so far, and those of them that were started.
    pub arrivals_due: u64,
    pub arrivals_started: u64,
    /// Arrivals that were due and found no free slot (a running total), and those waiting for one now.
    pub arrivals_owed: u64,
    pub arrivals_waiting: u64,
    pub sessions_in_flight: u64,
    pub requests_done: u64,
    /// CPU seconds this process used so far, and the share of its load threads in the second before (1 = all busy).
    pub cpu_seconds: f64,
    pub load_thread_busy: f64,
    /// Greatest delay in this second from a timer's due time to its firing.
    pub timer_lag_us: u64,
    pub memory_bytes: u64,
    /// Observations produced, and those that could not be recorded.
    pub observations: u64,
    pub observations_lost: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FleetGauges {
    pub desired: u32,
    pub launched: u32,
    pub healthy: u32,
    /// What the autoscaler watches (requests per target and second), where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_target: Option<f64>,
    /// Requests waiting in the balancer for an instance.
    pub balancer_queue: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StoreGauges {
    pub used_memory_bytes: u64,
    pub keys: u64,
    pub evicted_keys: u64,
    pub connected_clients: u64,
    pub commands_per_second: f64,
}
