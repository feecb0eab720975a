mod authority;
#[cfg(feature = "aws")]
mod aws;
mod balancer;
mod program;
mod server;

pub use authority::Authority;
#[cfg(feature = "aws")]
pub use aws::{Emulator, put};
pub use balancer::Balancer;
pub use program::{Ended, Running, run, run_with, start};
pub use server::{Reply, Request, Server};

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A lab whose figures count wants a machine of its own: one at a time.
static TURN: Mutex<()> = Mutex::new(());

/// A test that failed had its turn all the same.
pub fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until `condition` holds.
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while !condition() {
        assert!(std::time::Instant::now() < deadline, "not within a minute: {what}");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}
