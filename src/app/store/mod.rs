//! The one thing the instances share: Redis, found again after a failover, never waited for without limit.
//!
//! A Redis Cluster is reached through the same connections, one to each primary, by the slot of the key. The crate's
//! own cluster client is not used: it repeats writes that may have been carried out, cannot wait for the replicas of one
//! write (`WAIT`), and holds up the requests to all shards while it looks for the primary of one.

mod keys;
mod locate;
mod redis_store;
mod slots;
mod waiting_writes;

pub(super) use keys::Keys;
pub(super) use redis_store::{Repeat, Store, StoreError};
