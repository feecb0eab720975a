//! The one thing the instances share: Redis, found again after a failover, never waited for without limit.

mod keys;
mod locate;
mod redis_store;
mod waiting_writes;

pub(super) use keys::Keys;
pub(super) use redis_store::{Repeat, Store, StoreError};
