//! The conductor: brings the fleet up, runs the load and the timeline against it, records what happens, and takes
//! everything down again on every way out.

mod afterwards;
mod command;
mod conduct;
mod error;
mod happened;
mod limits;
mod sampling;
mod timeline;
mod update;

pub use conduct::{Conducted, RunOptions, conduct};
pub use error::RunError;
pub use update::{Begins, Stop, StopSignal, Update, Watcher};
