use crate::plan::{Limit, Metric};
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
    pub sessions: Vec<SessionCheck>,
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
    pub metric: Metric,
    pub limit: Limit,
    /// In the unit of the metric ([`crate::plan::Metric`]); of several windows the worst. None when unknown.
    pub measured: Option<f64>,
    pub met: Met,
    /// Why it is unknown.
    pub unknown_because: Option<String>,
}

impl ObjectiveResult {
    /// What was measured as a person reads it. That nothing was seen lost is no proof of 100 %.
    pub fn told_measured(&self) -> Option<String> {
        let told = |measured| match self.metric {
            Metric::Survival if measured >= 1.0 => "no loss".to_owned(),
            _ => self.told(measured),
        };
        self.measured.map(told)
    }

    /// A value of the metric as a person reads it, with its unit.
    pub fn told(&self, value: f64) -> String {
        match self.metric {
            Metric::ResponseTime { .. } | Metric::ServiceTime { .. } => format!("{} ms", figure(value * 1e3)),
            Metric::AdoptionTime { .. } | Metric::Recovery => format!("{} s", figure(value)),
            Metric::ErrorRate | Metric::Survival | Metric::OwedShare => format!("{} %", figure(value * 100.0)),
            Metric::Throughput => format!("{}/s", figure(value)),
            Metric::Relogins => format!("{value}"),
            Metric::Balance | Metric::WarmUpPenalty => figure(value),
        }
    }
}

/// Four significant digits at most.
fn figure(value: f64) -> String {
    let digits = (3 - value.abs().max(1e-6).log10().floor() as i32).clamp(0, 6) as usize;
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Met {
    Met,
    Missed,
    Unknown,
}

/// Something that users count on, whatever happens to the fleet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionCheck {
    pub name: String,
    pub held: Held,
    pub found: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Held {
    /// Also where the profile allows what was seen.
    Held,
    Broken,
    /// Nothing in the run could have shown it.
    Unseen,
}

/// A condition for believing the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValidityCheck {
    pub name: String,
    pub ok: bool,
    pub found: String,
    pub needed: String,
}
