use std::time::{Instant, SystemTime};

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

/// By tokio's clock, which tests can hold.
pub(super) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
