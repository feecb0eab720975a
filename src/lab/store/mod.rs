//! The lab's session store: Redis as one would run it for this, with TLS and ACLs on and the default user off. Each
//! server is a host of its own, in a zone: it is killed, frozen and brought back together with the link to it. Or
//! DynamoDB, of an emulator.

mod actions;
mod cluster;
mod cluster_actions;
mod config;
mod data;
#[cfg(feature = "aws")]
mod emulator;
mod host;
mod pressure;
mod relay;
mod servers;
mod session_store;

pub(super) use config::{KEY_PREFIX, MASTER_NAME};
pub(super) use host::Host;
pub use relay::{RelayOptions, run as run_relay};
pub(super) use servers::StoreStart;
pub(super) use session_store::SessionStore;
