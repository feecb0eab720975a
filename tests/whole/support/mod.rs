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
pub use program::{Ended, run, run_with, start};
pub use server::{Reply, Request, Server};

/// Waits until `condition` holds.
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while !condition() {
        assert!(std::time::Instant::now() < deadline, "not within a minute: {what}");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}
