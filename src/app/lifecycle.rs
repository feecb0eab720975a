use std::io::{self, Read};
use std::thread;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::time::Instant;

/// Where an instance is between its start and its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Starting,
    Ready,
    Draining,
}

/// How urgently an instance was asked to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stop {
    No,
    Drain,
    Now,
}

/// The clock of one instance's life: when it is ready, and whether it was asked to end.
#[derive(Debug, Clone)]
pub struct Lifecycle {
    ready_at: Instant,
    stop: watch::Sender<Stop>,
}

impl Lifecycle {
    /// Starts now and is ready after `boot`.
    pub fn start(boot: Duration) -> Self {
        Self { ready_at: Instant::now() + boot, stop: watch::Sender::new(Stop::No) }
    }

    pub fn phase(&self) -> Phase {
        if *self.stop.borrow() != Stop::No {
            Phase::Draining
        } else if Instant::now() < self.ready_at {
            Phase::Starting
        } else {
            Phase::Ready
        }
    }

    /// Time since it became ready; zero before.
    pub fn ready_for(&self) -> Duration {
        Instant::now().saturating_duration_since(self.ready_at)
    }

    /// Asks it to end in good order; asked a second time, at once.
    pub fn drain(&self) {
        self.stop.send_modify(|stop| *stop = if *stop == Stop::No { Stop::Drain } else { Stop::Now });
    }

    /// Asks it to end at once.
    pub fn end_now(&self) {
        self.stop.send_replace(Stop::Now);
    }

    /// Waits until it is asked to end, in whatever way.
    pub async fn draining(&self) {
        self.reaches(Stop::Drain).await;
    }

    /// Waits until it is asked to end at once.
    pub async fn ending(&self) {
        self.reaches(Stop::Now).await;
    }

    async fn reaches(&self, wanted: Stop) {
        // Only fails when every sender is gone, and this is one.
        let _ = self.stop.subscribe().wait_for(|stop| *stop >= wanted).await;
    }

    /// Turns SIGTERM and SIGINT into [`Lifecycle::drain`].
    ///
    /// # Errors
    /// When the system refuses a handler.
    pub fn obey_signals(&self) -> io::Result<()> {
        for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
            let mut signals = signal(kind)?;
            let lifecycle = self.clone();
            tokio::spawn(async move {
                while signals.recv().await.is_some() {
                    lifecycle.drain();
                }
            });
        }
        Ok(())
    }

    /// Ends at once when standard input does, which the kernel sees to even if whoever holds its other end is killed.
    ///
    /// Not by `PR_SET_PDEATHSIG`: that fires when the *thread* that started the process ends, and a runtime's worker
    /// threads come and go.
    pub fn end_with_stdin(&self) {
        let lifecycle = self.clone();
        // A thread of its own: tokio's would keep the runtime from ending until the read returns.
        thread::spawn(move || {
            let mut ignored = [0_u8; 256];
            let mut stdin = io::stdin().lock();
            loop {
                match stdin.read(&mut ignored) {
                    Ok(0) => break,
                    Err(error) if error.kind() != io::ErrorKind::Interrupted => break,
                    _ => {}
                }
            }
            lifecycle.end_now();
        });
    }
}
