//! What is known only some time after a run.

#[cfg(feature = "aws")]
mod access_logs;
mod gather;

pub(super) use gather::gather;
