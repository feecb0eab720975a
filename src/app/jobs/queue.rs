use std::sync::Arc;

use super::super::config::AppConfig;
use super::super::store::{Keys, Store, StoreError};
use super::job::{Job, Lease, Owner};
use super::local::LocalJobs;
use super::shared::SharedJobs;

/// The jobs that are to be done, are being done and were done.
#[derive(Debug)]
pub enum Queue {
    Shared(SharedJobs),
    /// Only for [`Defect::LocalJobs`](super::super::Defect::LocalJobs).
    Local(LocalJobs),
}

impl Queue {
    pub fn shared(store: Arc<Store>, keys: Keys, config: &AppConfig) -> Self {
        Self::Shared(SharedJobs::new(store, keys, config))
    }

    pub fn local() -> Self {
        Self::Local(LocalJobs::default())
    }

    pub async fn enqueue(&self, job: &Job) -> Result<(), StoreError> {
        match self {
            Self::Shared(jobs) => jobs.enqueue(job).await,
            Self::Local(jobs) => {
                jobs.enqueue(job);
                Ok(())
            }
        }
    }

    pub async fn get(&self, id: &str) -> Result<Option<Job>, StoreError> {
        match self {
            Self::Shared(jobs) => jobs.get(id).await,
            Self::Local(jobs) => Ok(jobs.get(id)),
        }
    }

    /// Takes a job that nobody works on, queued or left behind, if there is one.
    pub async fn claim(&self, owner: &Owner) -> Result<Option<Job>, StoreError> {
        match self {
            Self::Shared(jobs) => jobs.claim(owner).await,
            Self::Local(jobs) => Ok(jobs.claim(owner)),
        }
    }

    /// Saves progress (1 ends the job) and renews the lease.
    pub async fn save(&self, id: &str, owner: &Owner, progress: f64) -> Result<Lease, StoreError> {
        match self {
            Self::Shared(jobs) => jobs.save(id, owner, progress).await,
            Self::Local(jobs) => Ok(jobs.save(id, progress)),
        }
    }

    /// Gives a job back for another instance to go on with.
    pub async fn hand_back(&self, id: &str, owner: &Owner) -> Result<(), StoreError> {
        match self {
            Self::Shared(jobs) => jobs.hand_back(id, owner).await,
            // There is nobody who could.
            Self::Local(_) => Ok(()),
        }
    }
}
