use serde::{Deserialize, Serialize};

/// Where a run comes from: which tool, when, on what machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    pub tool_version: String,
    pub run_id: String,
    /// Wall-clock time of the run's zero, RFC 3339, UTC.
    pub zero_at: String,
    /// The same in microseconds since 1970-01-01 UTC.
    pub zero_unix_us: i64,
    pub machine: Machine,
    /// Load threads, each with a share of arrivals and slots.
    pub load_threads: u32,
    /// How requests were timed: `timerfd` or `tokio`.
    pub pacer: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    pub hostname: String,
    pub os: String,
    pub cpus: u32,
    pub memory_bytes: u64,
}
