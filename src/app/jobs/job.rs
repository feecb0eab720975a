use serde::{Deserialize, Serialize};

/// What kinds of jobs there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    Report,
}

/// How far a job has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    Queued,
    Running,
    Done,
    /// Given up after too many instances ended while working on it.
    Failed,
}

/// A job as its user may see it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Job {
    pub id: String,
    #[serde(skip)]
    pub user: String,
    pub kind: JobKind,
    /// How much work it is.
    #[serde(skip)]
    pub seconds: f64,
    pub state: JobState,
    /// From 0 to 1.
    pub progress: f64,
    /// The instance that works, or last worked, on it.
    pub by: Option<String>,
}

/// More instances than this ending under one job are no coincidence.
pub const MOST_ATTEMPTS: u32 = 25;

impl Job {
    pub fn new(user: String, kind: JobKind, seconds: f64) -> Self {
        let id = format!("{:032x}", rand::random::<u128>());
        Self { id, user, kind, seconds, state: JobState::Queued, progress: 0.0, by: None }
    }
}

/// Who holds a lease. The random part tells one attempt at a job from another of the same instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    pub instance: String,
    pub nonce: String,
}

impl Owner {
    pub fn new(instance: &str) -> Self {
        Self { instance: instance.to_owned(), nonce: format!("{:032x}", rand::random::<u128>()) }
    }
}

/// Whether a lease still held when its holder wanted to save a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lease {
    Held,
    /// Someone else has the job, or it is gone.
    Lost,
}
