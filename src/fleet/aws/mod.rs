//! An Auto Scaling group behind a load balancer. What AWS says is read at intervals, turned into events with the time and
//! the exactness that its source has, and never trusted beyond that. Nothing is changed that the profile and the tags of
//! the resource do not both allow, and what was changed is put back.
//!
//! ```text
//! clients ── readings ──> watch ──> members, activities ── notices ──> the run
//!    ^                                  │
//!    └── act, refresh, blue_green, failover <── who is there        undo: how things were before
//! ```
//!
//! After the run, `access_log` and `metrics` read what AWS has recorded of it.

mod access_log;
mod act;
mod activities;
mod after_run;
mod blue_green;
mod call;
mod clients;
mod clock;
mod config;
mod failover;
mod fleet;
mod members;
mod metrics;
mod pace;
mod permission;
mod policy;
mod reading;
mod refresh;
mod restore;
mod setup;
mod snapshot;
#[cfg(test)]
mod tests;
mod undo;
mod used;
mod watch;
mod zone;

pub use access_log::{AccessLogs, LogSource, Span};
pub use after_run::statements_after_run;
pub use call::{Call, CallError, CallFailure};
pub use config::config as sdk_config;
pub use fleet::Aws;
pub use metrics::{Resources, read_metrics};
pub use policy::policy;
pub use restore::{restore, undone};
pub use setup::{
    AlarmSetup, BalancerSetup, CacheSetup, Encryption, GroupSetup, ListenerSetup, PolicySetup, Setup, TableSetup,
    TargetGroupSetup, Told, UserSetup, read_setup, setup_calls,
};
pub use used::{calls_at_end, calls_of, calls_throughout};
