use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// Under which name a session keeps its [`Login`].
pub const LOGIN: &str = "login";

/// Who logged in, and when. The same for a cookie session and for a bearer token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    pub user: String,
    /// Unix time, milliseconds.
    pub since_ms: u64,
}

impl Login {
    pub fn now(user: String) -> Self {
        Self { user, since_ms: now_ms() }
    }

    /// Whether it must end however busy it is. The sliding time-out alone would let a stolen session live for ever.
    pub fn is_past(&self, limit: Duration, now_ms: u64) -> bool {
        // A login "in the future" comes from another instance's clock being ahead: it has just begun.
        u128::from(now_ms.saturating_sub(self.since_ms)) >= limit.as_millis()
    }
}

/// Unix time, milliseconds. Every instance must read the same kind of clock, so a monotonic one will not do.
pub fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_ends_at_its_absolute_time_out() {
        let login = Login { user: "ann".into(), since_ms: 10_000 };
        let limit = Duration::from_secs(5);
        assert!(!login.is_past(limit, 14_999));
        assert!(login.is_past(limit, 15_000));
        assert!(!login.is_past(limit, 9_000), "a clock that is behind must not end a new session");
    }
}
