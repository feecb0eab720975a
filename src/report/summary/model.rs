use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// What a run of rushhour came to. A reader of `format` 1 can read every later object of `format` 1: keys are added,
/// none is taken away or given another meaning.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "rushhour summary")]
pub(super) struct Summary<'a> {
    /// Version of this format.
    pub format: u32,
    pub profile: &'a str,
    pub run: Run<'a>,
    pub verdict: Verdict<'a>,
    /// In the order of the profile.
    pub objectives: Vec<Objective<'a>>,
    /// What users count on, whatever happens to the fleet.
    pub session_checks: Vec<SessionCheck<'a>>,
    /// Conditions for believing the run.
    pub validity: Vec<ValidityCheck<'a>>,
    pub load: Load<'a>,
    /// Response time around the first scale-out (or, with none, the first other change).
    pub phases: Option<Phases<'a>>,
    /// How closely the fleet followed the load; none where the capacity of an instance is not known, or of a run under
    /// a minute.
    pub elasticity: Option<Elasticity>,
    pub steps: Vec<Step<'a>>,
    pub instances: Vec<Instance<'a>>,
    pub sessions: Sessions,
    /// For each change of the fleet, what became of the sessions that were there.
    pub cohorts: Vec<Cohort<'a>>,
    /// When each new instance reached each stage of its way into service.
    pub scale_out: Vec<ScaleOut<'a>>,
    pub generator: Generator,
    /// What changed since the baseline, where the run had one.
    pub comparison: Option<Comparison<'a>>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Run<'a> {
    /// Name of the run directory.
    pub id: &'a str,
    /// When the load began, RFC 3339, UTC: the zero of all times here.
    pub started_at: &'a str,
    pub tool_version: &'a str,
    pub load_seconds: f64,
    pub machine: Machine<'a>,
}

/// The whole of it is in `comparison.json`.
#[derive(Serialize, JsonSchema)]
pub(super) struct Comparison<'a> {
    /// The baseline's run id.
    pub base: &'a str,
    pub outcome: ComparisonOutcome,
    /// Of `rushhour compare`: 0 no regression, 5 regression, 6 cannot tell.
    pub exit_code: u8,
    /// Why nothing can be told, where that is so.
    pub doubts: &'a [String],
    pub worse: Vec<Difference<'a>>,
    pub better: Vec<Difference<'a>>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ComparisonOutcome {
    NoRegression,
    Regression,
    CannotTell,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Difference<'a> {
    /// Such as `p90 of step shopper/login`.
    pub what: &'a str,
    pub base: Option<f64>,
    pub new: Option<f64>,
    /// `milliseconds`, `seconds`, `share`, `ratio`, `count` or `per-second`.
    #[schemars(with = "String")]
    pub unit: crate::compare::Unit,
}

/// The SPEC Research Group's metrics, normalised by demand. Shares, from 0.
#[derive(Serialize, JsonSchema)]
pub(super) struct Elasticity {
    pub interval_seconds: u32,
    /// Instances missing, and beyond those needed, over those needed: the mean over time.
    pub under_accuracy: f64,
    pub over_accuracy: f64,
    /// Share of the time with too few instances, and with too many.
    pub under_timeshare: f64,
    pub over_timeshare: f64,
    /// Share of the intervals in which demand and supply did not move the same way.
    pub instability: f64,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Machine<'a> {
    pub hostname: &'a str,
    pub os: &'a str,
    pub cpus: u32,
    pub memory_bytes: u64,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Verdict<'a> {
    pub outcome: Outcome,
    /// Of `rushhour run` and `rushhour report`: 0 pass, 3 objective missed, 4 sessions lost, 6 inconclusive,
    /// 130 interrupted.
    pub exit_code: u8,
    pub interrupted: bool,
    /// One sentence.
    pub headline: String,
    /// Those that speak for the outcome first.
    pub reasons: Vec<Reason<'a>>,
    /// What the losses have in common, named from evidence alone.
    pub symptoms: Vec<Symptom<'a>>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Outcome {
    Pass,
    ObjectiveMissed,
    SessionsLost,
    Inconclusive,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Reason<'a> {
    pub speaks_for: Outcome,
    pub text: &'a str,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Symptom<'a> {
    /// Such as `sessions-local-to-instance`.
    pub kind: String,
    pub title: &'a str,
    pub evidence: &'a str,
    pub explanation: &'a str,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Objective<'a> {
    /// As the profile says it.
    pub text: &'a str,
    pub result: ObjectiveResult,
    pub unit: Unit,
    /// In `unit`; of several windows the worst. Null when it is unknown or never came about.
    pub measured: Option<f64>,
    /// In `unit`. One of `at_most` and `at_least` is a number.
    pub at_most: Option<f64>,
    pub at_least: Option<f64>,
    pub unknown_because: Option<&'a str>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ObjectiveResult {
    Met,
    Missed,
    Unknown,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Unit {
    Seconds,
    /// From 0 to 1.
    Share,
    PerSecond,
    Count,
    /// One number over another; Jain's index, too.
    Ratio,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct SessionCheck<'a> {
    pub name: &'a str,
    pub result: SessionCheckResult,
    pub found: &'a str,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum SessionCheckResult {
    /// Also where the profile allows what was seen.
    Held,
    Broken,
    /// Nothing in the run could have shown it.
    Unseen,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct ValidityCheck<'a> {
    pub name: &'a str,
    pub ok: bool,
    pub found: &'a str,
    pub needed: &'a str,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Load<'a> {
    pub requests: u64,
    /// Requests with another outcome than `ok`.
    pub errors: u64,
    /// Requests by outcome.
    pub outcomes: &'a BTreeMap<String, u64>,
    pub response_time: Times,
    pub service_time: Times,
}

/// Milliseconds, from one histogram of three significant digits; all 0 where `count` is.
#[derive(Serialize, JsonSchema)]
pub(super) struct Times {
    pub count: u64,
    pub mean_ms: f64,
    pub p50_ms: f64,
    pub p90_ms: f64,
    pub p99_ms: f64,
    pub p999_ms: f64,
    pub max_ms: f64,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Phases<'a> {
    pub change: Change<'a>,
    pub during_from_second: u32,
    pub during_to_second: u32,
    pub before: Times,
    pub during: Times,
    pub after: Times,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Change<'a> {
    /// `scale-out`, `scale-in`, `instance-gone`, or the name the profile gives it.
    pub name: &'a str,
    pub at_seconds: f64,
    pub detail: &'a str,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Step<'a> {
    pub scenario: &'a str,
    pub step: &'a str,
    pub requests: u64,
    pub errors: u64,
    pub response_time: Times,
    pub service_time: Times,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Instance<'a> {
    pub instance: &'a str,
    pub zone: Option<&'a str>,
    /// It appeared while the load was on.
    pub new: bool,
    pub requests: u64,
    pub errors: u64,
    pub response_time: Times,
}

/// Numbers of sessions.
#[derive(Serialize, JsonSchema)]
pub(super) struct Sessions {
    pub seen: u64,
    pub logged_in: u64,
    /// Recognised after their login.
    pub verified: u64,
    pub asked_to_log_in_again: u64,
    pub expired_as_agreed: u64,
    pub wrong_user: u64,
    pub state_lost: u64,
    pub duplicated: u64,
    pub state_ambiguous: u64,
    pub never_answered: u64,
    /// Requests by what the answer said about its session.
    pub answers: Answers,
    pub handoffs: Handoffs,
}

/// Numbers of requests: one answer each, the gravest.
#[derive(Serialize, JsonSchema)]
pub(super) struct Answers {
    pub recognised: u64,
    pub rejected: u64,
    pub rejected_as_agreed: u64,
    pub wrong_user: u64,
    pub state_lost: u64,
    pub state_ambiguous: u64,
    pub duplicated: u64,
    pub unanswered: u64,
    pub silent: u64,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Handoffs {
    /// Consecutive requests of one session that different instances served.
    pub handoffs: u64,
    /// Sessions of which some instance is known, and those of them that more than one instance served.
    pub sessions_placed: u64,
    pub sessions_handed_off: u64,
    pub sessions_with_affinity: u64,
}

/// The fates are exclusive and sum to `sessions`.
#[derive(Serialize, JsonSchema)]
pub(super) struct Cohort<'a> {
    pub change: Change<'a>,
    pub sessions: u64,
    pub survived: u64,
    pub relogin: u64,
    pub replaced: u64,
    pub state_lost: u64,
    pub ambiguous: u64,
    pub unavailable: u64,
    pub unobserved: u64,
    /// Null when no session tells.
    pub survival: Option<Survival>,
    /// Null when no new instance appeared.
    pub adoption: Option<Adoption>,
}

/// Survived over all but ambiguous and unobserved, from 0 to 1, with its Wilson 95 % interval.
#[derive(Serialize, JsonSchema)]
pub(super) struct Survival {
    pub of: u64,
    pub share: f64,
    pub low: f64,
    pub high: f64,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Adoption {
    /// Sessions that new instances could have served.
    pub eligible: u64,
    pub adopted: u64,
    /// From the first launch until half, and 90 %, of them were; null when that was not reached.
    pub t50_seconds: Option<f64>,
    pub t90_seconds: Option<f64>,
}

/// Seconds from the start of the load; null where nothing tells.
#[derive(Serialize, JsonSchema)]
pub(super) struct ScaleOut<'a> {
    pub instance: &'a str,
    pub zone: Option<&'a str>,
    pub load_exceeds_capacity_at_seconds: Option<f64>,
    pub objective_broken_at_seconds: Option<f64>,
    pub alarm_at_seconds: Option<f64>,
    pub activity_at_seconds: Option<f64>,
    pub launched_at_seconds: Option<f64>,
    pub in_service_at_seconds: Option<f64>,
    pub healthy_at_seconds: Option<f64>,
    pub first_response_at_seconds: Option<f64>,
    pub first_adoption_at_seconds: Option<f64>,
    pub fair_share_at_seconds: Option<f64>,
    pub objective_holds_at_seconds: Option<f64>,
    /// Sessions older than itself that it served without a new login, and those it asked for one.
    pub adopted_sessions: u64,
    pub refused_sessions: u64,
    /// p99 of its first seconds over that of its peers in the same seconds.
    pub warm_up_ratio: Option<f64>,
}

/// Whether the generator kept to its plan.
#[derive(Serialize, JsonSchema)]
pub(super) struct Generator {
    pub arrivals_due: u64,
    /// Arrivals that found no free slot and were started late.
    pub arrivals_owed: u64,
    /// Intended to actual start of requests on open connections.
    pub scheduling_lag: Times,
    /// Busiest second of a load thread, from 0 to 1.
    pub load_thread_busy_max: f64,
    pub observations_lost: u64,
}
