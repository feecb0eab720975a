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

/// The store, as its probe sees it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StoreGauges {
    /// What the primary says of itself, or the primaries of a cluster together; None while one of them does not answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary: Option<PrimaryGauges>,
    /// What DynamoDB says of the table; None while it does not answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<TableGauges>,
    pub nodes: Vec<StoreNodeGauges>,
    pub canary: CanaryGauges,
    /// None until keys of sessions were found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_keys: Option<SessionKeyGauges>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PrimaryGauges {
    pub used_memory_bytes: u64,
    /// 0: no limit.
    pub max_memory_bytes: u64,
    pub keys: u64,
    /// Since that server was started.
    pub evicted_keys: u64,
    pub expired_keys: u64,
    pub connected_clients: u64,
    pub commands_per_second: f64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TableGauges {
    /// As DynamoDB calls it: `ACTIVE`, `UPDATING`, …
    pub status: String,
    /// Whether items are deleted once their time is over.
    pub expires: bool,
    /// Capacity that the probe's own requests consumed since the run began, as far as answers tell.
    pub consumed_units: f64,
    /// Requests of the probe that were refused for lack of capacity since the run began.
    pub throttled: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreNodeGauges {
    pub node: String,
    pub zone: String,
    pub role: StoreRole,
    /// Writes of the probe that its primary has and this node has not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behind_writes: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StoreRole {
    Primary,
    Replica,
    Unreachable,
}

impl StoreRole {
    pub fn name(self) -> &'static str {
        match self {
            StoreRole::Primary => "primary",
            StoreRole::Replica => "replica",
            StoreRole::Unreachable => "unreachable",
        }
    }
}

/// What became of the probe's own writes since the run began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanaryGauges {
    pub acknowledged: u64,
    /// Not acknowledged: they may be there or not.
    pub in_doubt: u64,
    /// Acknowledged and not there any more.
    pub lost: u64,
}

/// Keys of sessions that were looked at in this second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionKeyGauges {
    pub sampled: u64,
    pub without_ttl: u64,
    pub shortest_ttl_ms: u64,
    pub longest_ttl_ms: u64,
}
