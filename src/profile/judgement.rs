use super::At;
use schemars::JsonSchema;
use serde::Deserialize;

/// A limit over a metric, a scope and a window; the run fails where it does not hold.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ObjectiveFile {
    /// One of `response-time p99` (any percentile, also `p99.9`), `service-time p99`, `error-rate`, `throughput`,
    /// `re-logins`, `survival`, `adoption-time p50`, `recovery`, `owed-share`, `balance`, `warm-up-penalty`.
    pub metric: At<String>,
    /// The metric may not be above this: a time such as `500ms`, a share such as `0.01` or `1%`, a rate, or a number.
    pub at_most: Option<At<LimitFile>>,
    /// The metric may not be below this.
    pub at_least: Option<At<LimitFile>>,
    /// Only requests of steps with this name.
    pub step: Option<At<String>>,
    /// Only requests of this scenario.
    pub scenario: Option<At<String>>,
    /// Only requests served by this instance.
    pub instance: Option<At<String>>,
    /// Only this part of the run: `scale-out +0s..60s` (around each such event), `scale-in -10s..+30s`, `+30s..90s`
    /// (after the load's start); without an end (`+30s..`) up to the load's end. Default: the whole run.
    pub during: Option<At<String>>,
}

/// A limit: text with a unit, or a number.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a limit such as `\"500ms\"`, `\"1%\"` or `0.01`")]
pub enum LimitFile {
    /// With a unit: `500ms`, `1%`, `100/s`.
    Text(String),
    /// A plain number.
    Number(f64),
}
