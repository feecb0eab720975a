use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant, SystemTime};

/// Microseconds since the run's zero: the instant the load's plan begins. Set-up happens before it,
/// at negative offsets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Offset(pub i64);

impl Offset {
    pub const ZERO: Offset = Offset(0);

    pub fn from_secs_f64(seconds: f64) -> Offset {
        Offset((seconds * 1e6).round() as i64)
    }

    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// Time from `earlier` to `self`; zero when `earlier` is later.
    pub fn since(self, earlier: Offset) -> Duration {
        Duration::from_micros((self.0 - earlier.0).max(0) as u64)
    }
}

impl std::ops::Add<Duration> for Offset {
    type Output = Offset;
    fn add(self, duration: Duration) -> Offset {
        Offset(self.0.saturating_add(duration.as_micros().min(i64::MAX as u128) as i64))
    }
}

impl std::ops::Sub<Duration> for Offset {
    type Output = Offset;
    fn sub(self, duration: Duration) -> Offset {
        Offset(self.0.saturating_sub(duration.as_micros().min(i64::MAX as u128) as i64))
    }
}

/// The one clock of a run: a monotonic zero, tied once to the wall clock for the manifest.
#[derive(Clone, Copy, Debug)]
pub struct RunClock {
    zero: Instant,
    zero_wall: SystemTime,
}

impl RunClock {
    /// A clock whose zero lies `lead` from now.
    pub fn starting_in(lead: Duration) -> RunClock {
        RunClock { zero: Instant::now() + lead, zero_wall: SystemTime::now() + lead }
    }

    pub fn zero(&self) -> Instant {
        self.zero
    }

    pub fn zero_wall(&self) -> SystemTime {
        self.zero_wall
    }

    pub fn now(&self) -> Offset {
        self.offset(Instant::now())
    }

    pub fn offset(&self, at: Instant) -> Offset {
        match at.checked_duration_since(self.zero) {
            Some(after) => Offset(after.as_micros() as i64),
            None => Offset(-((self.zero - at).as_micros() as i64)),
        }
    }

    pub fn instant(&self, offset: Offset) -> Instant {
        let distance = Duration::from_micros(offset.0.unsigned_abs());
        if offset.0 >= 0 { self.zero + distance } else { self.zero - distance }
    }
}
