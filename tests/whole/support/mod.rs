mod authority;
#[cfg(feature = "aws")]
mod aws;
mod balancer;
mod program;
mod redis;
mod server;

pub use authority::Authority;
#[cfg(feature = "aws")]
pub use aws::{Emulator, put};
pub use balancer::Balancer;
pub use program::{Ended, Running, run, run_with, start};
pub use redis::Redis;
pub use server::{Reply, Request, Server};

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
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

/// Where nobody listens, for a server that may take some time to start. The system gives these ports to no connection
/// and to no server that leaves the choice to it.
pub fn free_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    loop {
        let choice = (std::process::id() as u16).wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 20_000 + choice % 10_000));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}
