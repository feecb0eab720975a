//! File descriptors: every session in flight may hold a connection.

use crate::plan::{FleetPlan, Plan};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// What everything but the sessions' connections takes: runtimes, the record, pipes to the lab, headroom.
const OTHERS: u64 = 128;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptors {
    pub needed: u64,
    /// What this process may have now, and what it may raise that to by itself.
    pub soft_limit: u64,
    pub hard_limit: u64,
}

pub fn descriptors(plan: &Plan) -> Descriptors {
    let (soft_limit, hard_limit) = getrlimit(Resource::RLIMIT_NOFILE).unwrap_or((u64::MAX, u64::MAX));
    // The lab's processes inherit the limit; its balancer holds each connection twice.
    let sides = if matches!(plan.fleet, FleetPlan::Lab(_)) { 2 } else { 1 };
    Descriptors { needed: u64::from(plan.workload.max_sessions) * sides + OTHERS, soft_limit, hard_limit }
}

/// Raises this process's limit to what the plan needs, where that is allowed.
///
/// # Errors
/// The limits, when they cannot be raised far enough.
pub fn raise_descriptors(plan: &Plan) -> Result<(), Descriptors> {
    let limits = descriptors(plan);
    if limits.needed <= limits.soft_limit {
        return Ok(());
    }
    if limits.needed > limits.hard_limit {
        return Err(limits);
    }
    setrlimit(Resource::RLIMIT_NOFILE, limits.needed, limits.hard_limit).map_err(|_| limits)
}
