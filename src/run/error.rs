use crate::fleet::FleetError;
use crate::lab::LabError;
use crate::load::{LoadError, TargetError};
use crate::record::RecordError;
use crate::store::StoreError;

/// Why a run could not begin. Once the load has begun, what goes wrong is part of the record.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error("the lab could not be started: {0}")]
    Lab(#[from] LabError),
    #[error(transparent)]
    Fleet(#[from] FleetError),
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error("the profile names no `url` under [target], and the fleet knows none")]
    NoUrl,
    #[error(
        "the run may need {needed} file descriptors and this process may have {allowed}; raise the limit \
         (`ulimit -n {needed}`), or lower `max_sessions` under [workload]"
    )]
    Descriptors { needed: u64, allowed: u64 },
    #[error("interrupted before the load began")]
    Interrupted,
}
