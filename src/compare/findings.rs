use crate::plan::CompareRules;
use serde::{Deserialize, Serialize};

/// What changed from one run to another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    pub outcome: ComparisonOutcome,
    pub exit_code: u8,
    pub base: ComparedRun,
    pub new: ComparedRun,
    /// Why nothing can be told, where that is so.
    pub doubts: Vec<String>,
    /// What the runs differ in, other than in what they measured.
    pub notes: Vec<String>,
    pub method: Method,
    pub differences: Vec<Difference>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ComparisonOutcome {
    NoRegression,
    Regression,
    CannotTell,
}

impl ComparisonOutcome {
    pub fn exit_code(self) -> u8 {
        match self {
            ComparisonOutcome::NoRegression => 0,
            ComparisonOutcome::Regression => 5,
            ComparisonOutcome::CannotTell => 6,
        }
    }

    /// As a person reads it.
    pub fn words(self) -> &'static str {
        match self {
            ComparisonOutcome::NoRegression => "no regression",
            ComparisonOutcome::Regression => "regression",
            ComparisonOutcome::CannotTell => "cannot tell",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComparedRun {
    pub profile: String,
    pub run_id: String,
    pub zero_at: String,
    pub results: String,
    pub verdict: crate::verdict::Outcome,
}

/// How chance was told from change.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Method {
    pub block_seconds: f64,
    pub blocks: u32,
    pub resamples: u32,
    pub confidence: f64,
    /// Differences that were tested, for which p-values are adjusted.
    pub tests: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    pub kind: Kind,
    /// Such as `p90 of step shopper/login`.
    pub what: String,
    pub unit: Unit,
    pub base: Option<f64>,
    pub new: Option<f64>,
    /// Relative change (of a share: the difference), with its interval where there is one.
    pub change: Option<f64>,
    pub low: Option<f64>,
    pub high: Option<f64>,
    /// How likely a difference as large is by chance alone, before and after adjusting for the number of tests.
    pub p_value: Option<f64>,
    pub p_adjusted: Option<f64>,
    /// Whether the profile calls it large.
    pub large: bool,
    pub finding: Finding,
    /// Why it is not judged, or what else there is to know.
    pub remark: Option<String>,
}

impl Difference {
    pub(super) fn new(kind: Kind, what: impl Into<String>, unit: Unit) -> Difference {
        Difference {
            kind,
            what: what.into(),
            unit,
            base: None,
            new: None,
            change: None,
            low: None,
            high: None,
            p_value: None,
            p_adjusted: None,
            large: false,
            finding: Finding::NotJudged,
            remark: None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Objective,
    Sessions,
    ResponseTime,
    /// The slowest instance over its peers.
    InstanceSpread,
    Errors,
    Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    Milliseconds,
    Seconds,
    Share,
    Ratio,
    Count,
    PerSecond,
}

impl Unit {
    /// Whether the rules call this change of a figure large, whichever way it goes.
    pub(super) fn is_large(self, before: f64, after: f64, rules: &CompareRules) -> bool {
        let by = (after - before).abs();
        match self {
            Unit::Share => by > rules.error_rate,
            Unit::Seconds => by > rules.stage_floor_seconds.max(rules.stage * before),
            Unit::Milliseconds => by > rules.response_time_floor_ms.max(rules.response_time * before),
            Unit::Ratio | Unit::PerSecond => by > rules.response_time * before,
            Unit::Count => by > 0.0,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    Regression,
    Improvement,
    Unchanged,
    NotJudged,
}

/// A series of runs of one profile, and where its figures changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trend {
    pub profile: String,
    /// In order of time.
    pub runs: Vec<TrendRun>,
    /// What was left out, and why.
    pub left_out: Vec<String>,
    pub confidence: f64,
    pub series: Vec<Series>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrendRun {
    pub run_id: String,
    pub zero_at: String,
}

/// One figure over all runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    pub what: String,
    pub unit: Unit,
    /// One a run.
    pub values: Vec<f64>,
    pub change_points: Vec<ChangePoint>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChangePoint {
    /// The first run of the new level, by its place in the series.
    pub index: usize,
    pub run_id: String,
    /// Medians of the runs' figures from the change point before, and up to the next.
    pub before: f64,
    pub after: f64,
    /// Of how many orders of the same figures as many show a change as marked, by permutation.
    pub p_value: f64,
    pub finding: Finding,
}
