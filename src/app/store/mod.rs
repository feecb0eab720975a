//! The one thing the instances share, behind what the application asks of it ([`Store`]): Redis, found again after a
//! failover, or a DynamoDB table. Never waited for without limit.

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
mod waiting_writes;

pub(super) use error::StoreError;
pub(super) use keys::Keys;
pub(super) use open::open;
pub(super) use operations::{Cart, Store};
