//! The fleet on this machine: HAProxy, Redis, application instances as processes of their own, two zones, an
//! autoscaler. Everything listens on loopback only and is gone when the lab is, however that ends.
//!
//! ```text
//! autoscaler ── desired count ──> group ── one task each ──> instance (process)
//!     ^                             ^                            │ adds and removes itself
//!     └── requests per target ── watch <── show stat ── HAProxy <┘        guard: parent of HAProxy and Redis
//! ```

mod actions;
mod autoscaler;
mod balancer;
mod certificates;
mod error;
mod fleet;
mod group;
mod guard;
mod instance;
mod instance_config;
mod members;
mod placement;
mod ports;
mod preflight;
mod private_file;
mod rollout;
mod store;
mod watch;

pub use error::LabError;
pub use fleet::{Lab, LabOptions};
pub use guard::run as run_guard;
pub use placement::founding_instances;
pub use ports::local_ports;
pub use preflight::{Programs, preflight};
pub use store::{RelayOptions, run_relay};
