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

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A lab under load leaves most of two cores idle, and three would be too many: two at a time.
static TURNS: [Mutex<()>; 2] = [const { Mutex::new(()) }; 2];
static TAKEN: AtomicUsize = AtomicUsize::new(0);

/// A test that failed had its turn all the same.
pub fn turn() -> MutexGuard<'static, ()> {
    TURNS[TAKEN.fetch_add(1, Ordering::Relaxed) % TURNS.len()].lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until `condition` holds.
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while !condition() {
        assert!(std::time::Instant::now() < deadline, "not within a minute: {what}");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}
