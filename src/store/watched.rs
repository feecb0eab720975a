use crate::history::{PrimaryGauges, SessionKeyGauges, StoreNodeGauges, TableGauges};
use std::future::ready;

/// A store as the probe sees it. Each call returns within a bounded time, whatever the store does, and finds the primary
/// anew when it failed the time before.
pub trait WatchedStore: Send + 'static {
    /// Adds a number to those that are there. Ok once it is acknowledged as the application's writes are; how many are
    /// there then.
    fn write(&mut self, number: u64) -> impl Future<Output = Result<usize, String>> + Send;

    /// The numbers that are there.
    fn written(&mut self) -> impl Future<Output = Result<Vec<u64>, String>> + Send;

    /// Forgets all numbers before this one.
    fn trim(&mut self, first: u64) -> impl Future<Output = Result<(), String>> + Send;

    /// Removes everything the probe wrote.
    fn clear(&mut self) -> impl Future<Output = Result<(), String>> + Send;

    /// What each node is just now.
    fn nodes(&mut self) -> impl Future<Output = Vec<StoreNodeGauges>> + Send;

    /// Of Redis.
    fn primary(&mut self) -> impl Future<Output = Result<PrimaryGauges, String>> + Send {
        ready(Err("this store has no primary".to_owned()))
    }

    /// Of DynamoDB.
    fn table(&mut self) -> impl Future<Output = Result<TableGauges, String>> + Send {
        ready(Err("this store is no table".to_owned()))
    }

    /// Some keys of sessions; None when none was found.
    fn session_keys(&mut self) -> impl Future<Output = Result<Option<SessionKeyGauges>, String>> + Send;
}
