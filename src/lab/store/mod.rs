//! The lab's session store: Redis as one would run it for this, with TLS and ACLs on and the default user off.

mod config;
mod probe;
mod servers;

pub(super) use config::{KEY_PREFIX, MASTER_NAME};
pub(super) use probe::keep_gauges;
pub(super) use servers::{Location, Store};
