use super::{At, Span};
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::PathBuf;

/// How much load, over time: `stages` or `curve`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkloadFile {
    /// What the curve counts. Default: `sessions`.
    pub model: Option<ModelFile>,
    /// The curve in stages, one after the other: `5/s -> 40/s over 60s` (a ramp) or `40/s for 2m` (a plateau). In the
    /// model `users` numbers stand in place of rates: `0 -> 50 over 10s`. `→` may stand for `->`.
    pub stages: Option<At<Vec<At<String>>>>,
    /// The curve from a CSV file, such as a production day.
    pub curve: Option<At<CurveFile>>,
    /// How arrivals are spread. Default: `poisson`.
    pub arrivals: Option<ArrivalsFile>,
    /// Seed of every draw: the same seed gives the same arrivals. Default: 1.
    pub seed: Option<u64>,
    /// Sessions in flight at most; an arrival that finds no free slot is owed. Default: four times the number expected
    /// by Little's law, at least 50, and no more than there are users; in the model `users` the curve's peak.
    pub max_sessions: Option<At<u32>>,
    /// How long sessions under way at the curve's end may go on. Default: `30s`.
    pub grace: Option<At<Span>>,
    /// Runs the curve, and each `at` of the timeline, this many times as fast. Rates, think times and the windows of
    /// objectives stay as they are. Default: 1.
    pub compress: Option<At<f64>>,
}

/// What the curve counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ModelFile {
    /// Sessions arrive by the curve whatever the system does; inside a session the user waits for answers and thinks.
    #[default]
    Sessions,
    /// Requests arrive by the curve, each one step of a scenario.
    Arrivals,
    /// A number of users, each beginning a new session when one ends.
    Users,
}

/// How arrivals are spread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ArrivalsFile {
    /// At random, independent of each other, as people come.
    #[default]
    Poisson,
    /// Evenly spaced.
    Even,
}

/// A curve from a CSV file with a header row.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CurveFile {
    /// The file, relative to the profile. Columns: `seconds` (or `time`, as `HH:MM` or `HH:MM:SS`) and `rate` (per
    /// second; in the model `users` the number of users). Between rows the curve is linear.
    pub csv: At<PathBuf>,
    /// Every rate is multiplied by this. Default: 1.
    pub scale: Option<At<f64>>,
    /// Runs the file this many times as fast (an hour in ten minutes: 6). `workload.compress` comes on top. Default: 1.
    pub compress: Option<At<f64>>,
}
