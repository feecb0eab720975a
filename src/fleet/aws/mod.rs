//! The fleet in AWS, by way of its SDK.

mod access_log;
mod call;
mod config;
mod metrics;

pub use access_log::{AccessLogs, LogSource, Span};
pub use call::{Call, CallError, CallFailure};
pub use config::config as sdk_config;
pub use metrics::{Resources, SETTLE, read_metrics};
