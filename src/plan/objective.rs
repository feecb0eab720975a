use serde::{Deserialize, Serialize};

/// A limit over a metric, a scope and a window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Objective {
    /// As the profile wrote it, for reports: `p99 of response time during scale-out +0s..60s ≤ 500 ms`.
    pub text: String,
    pub metric: Metric,
    pub scope: Scope,
    pub window: Window,
    pub limit: Limit,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// Seconds, at a quantile between 0 and 1.
    ResponseTime {
        quantile: f64,
    },
    ServiceTime {
        quantile: f64,
    },
    /// Share of requests that failed or were not as expected, 0 to 1.
    ErrorRate,
    /// Requests/s.
    Throughput,
    /// Number of sessions that were asked to log in again.
    Relogins,
    /// Share of the cohort that survived, 0 to 1 (the window's event).
    Survival,
    /// Seconds from a new instance's launch until half, or 90 %, of the cohort was served by a new one.
    AdoptionTime {
        quantile: f64,
    },
    /// Seconds from an event to the objective's response time holding again (t10).
    Recovery,
    /// Share of arrivals that were owed.
    OwedShare,
    /// Jain's index of requests over instances, 0 to 1.
    Balance,
    /// Ratio of a new instance's p99 in its first seconds to its peers' in the same seconds, worst instance.
    WarmUpPenalty,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scope {
    pub step: Option<String>,
    pub scenario: Option<String>,
    pub instance: Option<String>,
}

/// Part of the run, in time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Window {
    pub anchor: WindowAnchor,
    /// From the anchor; may be negative.
    pub from_seconds: f64,
    /// None: to the end of the load.
    pub to_seconds: Option<f64>,
}

impl Window {
    pub const WHOLE_RUN: Window = Window { anchor: WindowAnchor::Start, from_seconds: 0.0, to_seconds: None };
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WindowAnchor {
    Start,
    /// Each event of this name (`scale-out`, `scale-in`, a declared name): the objective must hold around every one.
    Event(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    AtMost(f64),
    AtLeast(f64),
}
