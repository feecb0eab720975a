//! What is known only some time after a run.

#[cfg(feature = "aws")]
mod access_logs;
#[cfg(feature = "aws")]
mod cloudwatch;
mod gather;

pub(super) use gather::gather;
