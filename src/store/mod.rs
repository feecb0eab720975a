//! The probe of the session store: what the store does while a run goes on, seen by a client of its own. It reads what
//! the application keeps and writes only under its own prefix.

mod canary;
mod client;
mod probe;
mod reach;
mod redis_store;
mod rights;
mod watched;

pub use client::Client;
pub use probe::Probe;
pub use reach::{StoreError, reach, rehearse};
pub use rights::{PROBE_COMMANDS, SENTINEL_COMMANDS, probe_rule, sentinel_rule};
