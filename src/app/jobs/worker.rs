use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::super::config::Jobs;
use super::super::lifecycle::Phase;
use super::super::state::App;
use super::job::{Job, Lease, Owner};

/// Looks for jobs and works on them, several at a time, until the instance drains.
pub struct Worker {
    app: App,
    slots: Arc<Semaphore>,
}

/// How often to look for jobs that others queued or left behind.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How often progress is saved: what at most is done again after an instance died. A lease lasts several of these.
const STEP: Duration = Duration::from_millis(100);

impl Worker {
    pub fn new(app: App, jobs: &Jobs) -> Self {
        Self { app, slots: Arc::new(Semaphore::new(jobs.slots)) }
    }

    pub async fn run(self) {
        let mut running = JoinSet::new();
        while self.app.lifecycle.phase() != Phase::Draining {
            if let Ok(slot) = self.slots.clone().try_acquire_owned()
                && self.app.lifecycle.phase() == Phase::Ready
                && let Some((owner, job)) = self.claim().await
            {
                let app = self.app.clone();
                running.spawn(async move {
                    work_on(&app, &owner, job).await;
                    drop(slot);
                });
                continue;
            }
            while running.try_join_next().is_some() {}
            tokio::select! {
                () = sleep(LOOK_EVERY) => {}
                () = self.app.job_queued.notified() => {}
                () = self.app.lifecycle.draining() => {}
            }
        }
        running.join_all().await;
    }

    /// Takes a job under a new name, so that an attempt of this very instance that lost its lease unawares is told so.
    async fn claim(&self) -> Option<(Owner, Job)> {
        let owner = Owner::new(&self.app.instance);
        match self.app.jobs.claim(&owner).await {
            Ok(job) => job.map(|job| (owner, job)),
            Err(error) => {
                log::warn!("cannot look for jobs: {error}");
                None
            }
        }
    }
}

/// Works on a job in steps, from where it is, until it is done, lost or must be handed back.
async fn work_on(app: &App, owner: &Owner, job: Job) {
    let mut progress = job.progress;
    let mut at = Instant::now();
    loop {
        let left = Duration::from_secs_f64((1.0 - progress).max(0.0) * job.seconds);
        let step = left.min(STEP);
        at += step;
        tokio::select! {
            () = sleep_until(at) => {}
            () = app.lifecycle.draining() => {
                if let Err(error) = app.jobs.hand_back(&job.id, owner).await {
                    log::warn!("job {} waits for its lease to end: {error}", job.id);
                }
                return;
            }
        }
        progress = if step == left { 1.0 } else { progress + step.as_secs_f64() / job.seconds };
        match app.jobs.save(&job.id, owner, progress).await {
            Ok(Lease::Held) if progress >= 1.0 => return,
            Ok(Lease::Lost) => return,
            Ok(Lease::Held) => {}
            // The work is done whether or not it could be saved; the next step saves both, unless the lease is lost.
            Err(error) => {
                log::warn!("cannot save the progress of job {}: {error}", job.id);
                at = Instant::now() + STEP;
            }
        }
    }
}
