use std::time::{Duration, Instant, SystemTime};

/// Ties this process' clock to the wall clock, by which AWS stamps.
#[derive(Clone, Copy, Debug)]
pub(super) struct WallClock {
    instant: Instant,
    wall: SystemTime,
}

impl WallClock {
    /// `wall` is the time now.
    pub fn at(wall: SystemTime) -> WallClock {
        WallClock { instant: now(), wall }
    }

    pub fn instant(&self, wall: SystemTime) -> Instant {
        match wall.duration_since(self.wall) {
            Ok(after) => self.instant + after,
            // Before this process can count: as long ago as it can.
            Err(before) => self.instant.checked_sub(before.duration()).unwrap_or(self.instant),
        }
    }

    pub fn wall(&self, instant: Instant) -> SystemTime {
        match instant.checked_duration_since(self.instant) {
            Some(after) => self.wall + after,
            None => self.wall - (self.instant - instant),
        }
    }
}

/// How far the clocks of AWS and of this machine may be apart, and how long a call may take with all its trials.
const ABOUT: Duration = Duration::from_secs(2 * 60);

/// Whether what AWS says began at `began` can be what was asked for at `asked`.
pub(super) fn asked_about_then(asked: SystemTime, began: SystemTime) -> bool {
    (asked - ABOUT..=asked + ABOUT).contains(&began)
}

/// By tokio's clock, which tests can hold.
pub(super) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
