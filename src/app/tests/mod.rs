//! Whole instances over a real Redis.

mod client;
mod defects;
mod jobs;
mod lifecycle;
mod process;
mod redis_server;
mod server;
mod sessions;
mod store;
