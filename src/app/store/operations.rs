use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use super::super::jobs::{Job, Lease, Owner};
use super::error::StoreError;

/// What the application asks of whatever keeps what its users own. It says what has to become of the data, not how: each
/// store has its own way to do that as one change.
///
/// Every call is over within the configured time-out. A write that fails is in doubt: it may or may not have happened.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync {
    /// Whether the store answers.
    async fn ping(&self) -> Result<(), StoreError>;

    /// A session or token, its time-out started anew; `None` when there is none or it has ended. Without a `ttl` it
    /// never ends: only for [`Defect::SessionsWithoutTtl`](super::super::Defect::SessionsWithoutTtl), here and below.
    async fn read(&self, key: &str, ttl: Option<Duration>) -> Result<Option<String>, StoreError>;

    /// Stores one that is not there yet; `false` when it is.
    async fn create(&self, key: &str, value: String, ttl: Option<Duration>) -> Result<bool, StoreError>;

    /// Replaces one that is there. One that is gone stays gone: a request that was on its way when its user logged out
    /// must not bring the session back to life.
    async fn replace(&self, key: &str, value: String, ttl: Option<Duration>) -> Result<(), StoreError>;

    async fn delete(&self, key: &str) -> Result<(), StoreError>;

    /// Adds a line to a user's cart and counts it, both or neither, never twice. How many were added by now.
    async fn add_to_cart(&self, user: &str, line: String) -> Result<u64, StoreError>;

    async fn cart(&self, user: &str) -> Result<Cart, StoreError>;

    async fn empty_cart(&self, user: &str) -> Result<(), StoreError>;

    async fn theme(&self, user: &str) -> Result<Option<String>, StoreError>;

    /// The last one stored is the one there is: no write that was given up comes after it and undoes it.
    async fn set_theme(&self, user: &str, theme: &str) -> Result<(), StoreError>;

    async fn enqueue_job(&self, job: &Job) -> Result<(), StoreError>;

    async fn job(&self, id: &str) -> Result<Option<Job>, StoreError>;

    /// Takes a job that nobody works on, queued or left behind, if there is one.
    async fn claim_job(&self, owner: &Owner) -> Result<Option<Job>, StoreError>;

    /// Saves progress (1 ends the job) and renews the lease.
    async fn save_job(&self, id: &str, owner: &Owner, progress: f64) -> Result<Lease, StoreError>;

    /// Gives a job back for another instance to go on with.
    async fn hand_back_job(&self, id: &str, owner: &Owner) -> Result<(), StoreError>;
}

/// A user's cart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cart {
    /// How many lines were added since it was last emptied.
    pub count: u64,
    /// The latest of them, newest first.
    pub lines: Vec<String>,
}

impl Cart {
    pub const LINES_KEPT: usize = 20;
}
