use crate::plan::Limit;
use crate::session::Symptom;
use serde::{Deserialize, Serialize};

/// How the run itself went, as the record tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunFacts {
    /// The run wrote its ending; a run that was killed has not.
    pub ended: bool,
    pub interrupted: bool,
    /// What made the conductor give the run up.
    pub failure: Option<String>,
    /// Why recording stopped early.
    pub record_error: Option<String>,
    pub observations_produced: u64,
    /// Rows that could be read back.
    pub observations_read: u64,
    /// Parts of `requests/` that are unfinished or damaged.
    pub unreadable_parts: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    pub outcome: Outcome,
    /// The exit code of the run: the outcome's, or 130 when the run was interrupted.
    pub exit_code: u8,
    pub interrupted: bool,
    /// Why, the reasons for the outcome first.
    pub reasons: Vec<Reason>,
    /// In the order of the profile.
    pub objectives: Vec<ObjectiveResult>,
    pub validity: Vec<ValidityCheck>,
    pub symptoms: Vec<Symptom>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Pass,
    ObjectiveMissed,
    SessionsLost,
    Inconclusive,
}

impl Outcome {
    pub fn exit_code(self) -> u8 {
        match self {
            Outcome::Pass => 0,
            Outcome::ObjectiveMissed => 3,
            Outcome::SessionsLost => 4,
            Outcome::Inconclusive => 6,
        }
    }

    /// As a person reads it.
    pub fn words(self) -> &'static str {
        match self {
            Outcome::Pass => "pass",
            Outcome::ObjectiveMissed => "objective missed",
            Outcome::SessionsLost => "sessions lost",
            Outcome::Inconclusive => "inconclusive",
        }
    }
}

/// Speaks for one outcome, in a plain sentence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reason {
    pub speaks_for: Outcome,
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ObjectiveResult {
    /// As the profile wrote it.
    pub text: String,
    pub limit: Limit,
    /// In the unit of the metric ([`crate::plan::Metric`]); of several windows the worst. None when unknown.
    pub measured: Option<f64>,
    pub met: Met,
    /// Why it is unknown.
    pub unknown_because: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Met {
    Met,
    Missed,
    Unknown,
}

/// A condition for believing the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValidityCheck {
    pub name: String,
    pub ok: bool,
    pub found: String,
    pub needed: String,
}
