//! From what the user wrote to a plan.

mod body;
mod compare;
mod context;
mod fleet;
mod named_store;
mod objective;
mod place;
mod scenario;
mod session;
mod stages;
mod state;
mod store;
mod target;
mod template;
mod think;
mod timeline;
mod users;
mod whole;
mod window;
mod workload;

pub use context::{Surroundings, ThisMachine};
pub use users::FeederSpec;
pub use whole::{Unrecorded, resolve};
