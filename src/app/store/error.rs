use std::time::Duration;

use thiserror::Error;

/// Why the store gave no answer. To a user all of these are "try again".
#[derive(Debug, Error, Clone)]
pub enum StoreError {
    /// No primary was reached.
    #[error("no connection to the store: {0}")]
    NotConnected(String),
    /// No answer in time; a write may or may not have happened.
    #[error("the store did not answer within {0:?}")]
    TimedOut(Duration),
    /// The primary has the write and too few replicas have: it may be gone after a failover.
    #[error("{replicas} of {wanted} replicas have the write")]
    NotReplicated { replicas: u32, wanted: u32 },
    /// The connection was lost before the answer, or the store refused.
    #[error("the store failed: {0}")]
    Failed(String),
}

/// Whether a command may be sent again when nobody can say if it was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// Doing it twice does no harm: reads.
    Freely,
    /// Only when it surely was not carried out. Adding to a counter twice for one request would be worse than
    /// telling the user to try again.
    IfNotDone,
}
