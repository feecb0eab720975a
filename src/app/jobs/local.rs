use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::job::{Job, JobState, Lease, Owner};

/// Jobs in one instance's memory: what [`Defect::LocalJobs`](super::super::Defect::LocalJobs) plants.
#[derive(Debug, Default)]
pub struct LocalJobs(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    jobs: HashMap<String, Job>,
    queued: VecDeque<String>,
}

impl LocalJobs {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn enqueue(&self, job: &Job) {
        let mut inner = self.inner();
        inner.jobs.insert(job.id.clone(), job.clone());
        inner.queued.push_back(job.id.clone());
    }

    pub fn get(&self, id: &str) -> Option<Job> {
        self.inner().jobs.get(id).cloned()
    }

    pub fn claim(&self, owner: &Owner) -> Option<Job> {
        let mut inner = self.inner();
        let id = inner.queued.pop_front()?;
        let job = inner.jobs.get_mut(&id)?;
        job.state = JobState::Running;
        job.by = Some(owner.instance.clone());
        Some(job.clone())
    }

    pub fn save(&self, id: &str, progress: f64) -> Lease {
        let mut inner = self.inner();
        let Some(job) = inner.jobs.get_mut(id) else { return Lease::Lost };
        job.progress = progress;
        if progress >= 1.0 {
            job.state = JobState::Done;
        }
        Lease::Held
    }
}
