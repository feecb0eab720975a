//! The lab's guard: one small process that is the parent of everything in the lab that would not notice the tool's
//! death by itself (HAProxy, Redis), and that owns the lab's temporary directory.
//!
//! It takes orders on standard input, a JSON object a line. When that ends, for whatever reason (the lab is shut down,
//! the tool panics or is killed with `kill -9`), it kills its children, waits for them, removes the directory and
//! exits. Every way out of a lab is thus the same way out. Being the parent, it can neither miss a child nor hit
//! somebody else's process that got a number again.

mod control;
mod process;
mod protocol;

pub(super) use control::{Daemon, Guard, Runner};
pub use process::run;
