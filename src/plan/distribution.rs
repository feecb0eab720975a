use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A distribution of durations. All fields are in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Distribution {
    Constant {
        seconds: f64,
    },
    Uniform {
        from_seconds: f64,
        to_seconds: f64,
    },
    Exponential {
        mean_seconds: f64,
    },
    /// Log-normal by its median and the standard deviation of the logarithm.
    Lognormal {
        median_seconds: f64,
        sigma: f64,
    },
}

impl Distribution {
    pub const ZERO: Distribution = Distribution::Constant { seconds: 0.0 };

    /// A draw. `cap_seconds` in the profile is applied by the caller where there is one.
    pub fn sample(&self, rng: &mut impl rand::Rng) -> Duration {
        use rand::RngExt as _;
        let seconds = match *self {
            Distribution::Constant { seconds } => seconds,
            Distribution::Uniform { from_seconds, to_seconds } => {
                from_seconds + (to_seconds - from_seconds) * rng.random::<f64>()
            }
            Distribution::Exponential { mean_seconds } => -(1.0 - rng.random::<f64>()).ln() * mean_seconds,
            Distribution::Lognormal { median_seconds, sigma } => {
                let normal: f64 = rng.sample(rand_distr::StandardNormal);
                median_seconds * (sigma * normal).exp()
            }
        };
        Duration::from_secs_f64(seconds.clamp(0.0, 86_400.0))
    }

    /// The mean, in seconds (log-normal: median · e^(σ²/2)).
    pub fn mean_seconds(&self) -> f64 {
        match *self {
            Distribution::Constant { seconds } => seconds,
            Distribution::Uniform { from_seconds, to_seconds } => (from_seconds + to_seconds) / 2.0,
            Distribution::Exponential { mean_seconds } => mean_seconds,
            Distribution::Lognormal { median_seconds, sigma } => median_seconds * (sigma * sigma / 2.0).exp(),
        }
    }

    /// The same, taking `factor` times as long.
    pub fn times(self, factor: f64) -> Distribution {
        match self {
            Distribution::Constant { seconds } => Distribution::Constant { seconds: seconds * factor },
            Distribution::Uniform { from_seconds, to_seconds } => {
                Distribution::Uniform { from_seconds: from_seconds * factor, to_seconds: to_seconds * factor }
            }
            Distribution::Exponential { mean_seconds } => {
                Distribution::Exponential { mean_seconds: mean_seconds * factor }
            }
            Distribution::Lognormal { median_seconds, sigma } => {
                Distribution::Lognormal { median_seconds: median_seconds * factor, sigma }
            }
        }
    }
}
