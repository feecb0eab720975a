//! The one thing the instances share, behind what the application asks of it ([`Store`]): Redis, found again after a
//! failover, or a DynamoDB table. Never waited for without limit.
//!
//! A Redis Cluster is reached through the same connections, one to each primary, by the slot of the key. The crate's
//! own cluster client is not used: it repeats writes that may have been carried out, cannot wait for the replicas of one
//! write (`WAIT`), and holds up the requests to all shards while it looks for the primary of one.

mod connect;
#[cfg(feature = "aws")]
mod dynamodb;
mod error;
mod keys;
mod locate;
mod open;
mod operations;
mod redis_jobs;
mod redis_operations;
mod redis_store;
mod slots;
mod waiting_writes;

pub(super) use error::StoreError;
pub(super) use keys::Keys;
pub(super) use open::open;
pub(super) use operations::{Cart, Store};
