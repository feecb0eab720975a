//! Work that outlives the request that asked for it, and the instance that began it.
//!
//! A job's state is in the store. Whoever works on it holds a lease and renews it with each saved step; when an
//! instance dies its leases run out and others go on from the last step. A step may be worked on twice, never skipped.

mod job;
mod local;
mod queue;
mod routes;
mod worker;

#[cfg(feature = "aws")]
pub(super) use job::JobState;
pub(super) use job::{Job, Lease, MOST_ATTEMPTS, Owner};
pub(super) use queue::Queue;
pub(super) use routes::{poll, start};
pub(super) use worker::Worker;
