use crate::history::{Event, Names, Observation, RunClock, Sample};
use crate::plan::Plan;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::watch;

/// What the conductor tells whoever shows the run.
#[derive(Clone, Debug)]
pub enum Update {
    /// A step of the set-up or the tear-down begins.
    Doing(String),
    /// The load is about to begin.
    Begins(Begins),
    Event(Event),
    Sample(Box<Sample>),
}

#[derive(Clone, Debug)]
pub struct Begins {
    pub plan: Arc<Plan>,
    pub clock: RunClock,
    pub names: Names,
    pub url: String,
    pub directory: PathBuf,
}

/// Whoever shows a run while it goes on.
pub trait Watcher: Send + Sync {
    fn update(&self, update: Update);

    /// Requests that are done. Called by load threads, for a batch at a time: it counts and returns.
    fn requests(&self, batch: &[Observation]);
}

/// Whether the user wants the run to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    No,
    /// Cleanly, with a verdict over what was seen.
    Asked,
}

pub type StopSignal = watch::Receiver<Stop>;
