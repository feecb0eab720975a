//! Whole instances over a real Redis and over a DynamoDB of an emulator.

mod client;
mod defects;
#[cfg(feature = "aws")]
mod dynamodb;
#[cfg(feature = "aws")]
mod dynamodb_server;
mod jobs;
mod lifecycle;
mod redis_server;
mod running_store;
mod server;
mod sessions;
mod store;
