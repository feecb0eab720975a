use std::sync::Arc;

use super::super::store::{Store, StoreError};
use super::job::{Job, Lease, Owner};
use super::local::LocalJobs;

/// The jobs that are to be done, are being done and were done.
#[derive(Debug)]
pub enum Queue {
    Shared(Arc<dyn Store>),
    /// Only for [`Defect::LocalJobs`](super::super::Defect::LocalJobs).
    Local(LocalJobs),
}

impl Queue {
    pub fn local() -> Self {
        Self::Local(LocalJobs::default())
    }

    pub async fn enqueue(&self, job: &Job) -> Result<(), StoreError> {
        match self {
            Self::Shared(store) => store.enqueue_job(job).await,
            Self::Local(jobs) => {
                jobs.enqueue(job);
                Ok(())
            }
        }
    }

    pub async fn get(&self, id: &str) -> Result<Option<Job>, StoreError> {
        match self {
            Self::Shared(store) => store.job(id).await,
            Self::Local(jobs) => Ok(jobs.get(id)),
        }
    }

    /// Takes a job that nobody works on, queued or left behind, if there is one.
    pub async fn claim(&self, owner: &Owner) -> Result<Option<Job>, StoreError> {
        match self {
            Self::Shared(store) => store.claim_job(owner).await,
            Self::Local(jobs) => Ok(jobs.claim(owner)),
        }
    }

    /// Saves progress (1 ends the job) and renews the lease.
    pub async fn save(&self, id: &str, owner: &Owner, progress: f64) -> Result<Lease, StoreError> {
        match self {
            Self::Shared(store) => store.save_job(id, owner, progress).await,
            Self::Local(jobs) => Ok(jobs.save(id, progress)),
        }
    }

    /// Gives a job back for another instance to go on with.
    pub async fn hand_back(&self, id: &str, owner: &Owner) -> Result<(), StoreError> {
        match self {
            Self::Shared(store) => store.hand_back_job(id, owner).await,
            // There is nobody who could.
            Self::Local(_) => Ok(()),
        }
    }
}
