use crate::history::{FleetChange, Offset, SessionNumber};
use crate::plan::StateKind;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What the oracle found. Each count says which rows of `requests/` it counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionFindings {
    pub sessions: SessionCounts,
    pub answers: AnswerCounts,
    /// The same in each second from the load's start, by last byte.
    pub answers_by_second: Vec<AnswerCounts>,
    /// In the order of [`crate::plan::Plan::states`].
    pub states: Vec<StateFindings>,
    /// Rows with identity `recognised` or `rejected` (the latter as re-login), by the farthest
    /// place the session had been served at since its login, that row included, as against where it logged in.
    pub recognition: ByPlace,
    pub logins: LoginFindings,
    pub handoffs: HandoffFindings,
    /// Instances that were new to the run, in order of their appearance.
    pub new_instances: Vec<InstanceAdoption>,
    pub cohorts: Vec<Cohort>,
    /// Up to [`LossExample::MOST`] of each kind, the earliest.
    pub losses: BTreeMap<LossKind, Vec<LossExample>>,
    /// Re-logins and losses of state by what the record tells of their cause: each counted once, examples or not.
    #[serde(default)]
    pub causes: BTreeMap<LossCause, CauseCounts>,
    /// None when the store did not fail over, or nobody watched it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failovers: Option<FailoverFindings>,
    /// None when no snapshot of the store was put back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored: Option<RestoreFindings>,
    pub symptoms: Vec<Symptom>,
}

/// Numbers of sessions (distinct values of column `session`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionCounts {
    /// With at least one row.
    pub seen: u64,
    /// With a row of identity `logged-in`, or recognised without any login.
    pub logged_in: u64,
    /// With at least one row of identity `recognised`.
    pub verified: u64,
    /// With at least one row of identity `rejected` although the session should have been valid.
    pub asked_to_log_in_again: u64,
    /// With a row of identity `rejected` once its idle time-out or lifetime had passed: not a loss.
    pub expired_as_agreed: u64,
    /// With at least one row of identity `other`.
    pub wrong_user: u64,
    pub state_lost: u64,
    pub duplicated: u64,
    pub state_ambiguous: u64,
    /// With rows, none of them answered.
    pub never_answered: u64,
}

/// What responses said, one answer a row (the gravest): the sum is the number of rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerCounts {
    /// Identity `recognised`, and every state read as it should be.
    pub recognised: u64,
    /// Identity `rejected` in a session that should have been valid.
    pub rejected: u64,
    /// Identity `rejected` after the idle time-out or lifetime, after the logout, or while logging in again.
    pub rejected_as_agreed: u64,
    pub wrong_user: u64,
    pub state_lost: u64,
    pub state_ambiguous: u64,
    pub duplicated: u64,
    /// Outcome `failed`, status 5xx or none.
    pub unanswered: u64,
    /// Answered, and says nothing of the session.
    pub silent: u64,
}

impl AnswerCounts {
    pub fn rows(&self) -> u64 {
        self.recognised
            + self.rejected
            + self.rejected_as_agreed
            + self.wrong_user
            + self.state_lost
            + self.state_ambiguous
            + self.duplicated
            + self.unanswered
            + self.silent
    }
}

impl SessionFindings {
    /// Nobody was taken for somebody else or asked to log in again, and all state was as acknowledged.
    pub fn nothing_lost(&self) -> bool {
        let state = |state: &StateFindings| state.lost == 0 && state.duplicated == 0;
        self.sessions.wrong_user == 0 && self.sessions.asked_to_log_in_again == 0 && self.states.iter().all(state)
    }
}

/// What was found of one piece of state, in answered rows that read it back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateFindings {
    pub name: String,
    pub kind: StateKind,
    /// Reads that agreed with what was acknowledged.
    pub agreed: u64,
    /// Losses: one for each thing lost, not for each later read that shows it.
    pub lost: u64,
    /// Differences that writes in doubt explain.
    pub ambiguous: u64,
    /// Above everything ever sent (counters), or never sent (registers).
    pub duplicated: u64,
    /// Of the first reads after a re-login: those that found the state as it had been, and those that did not.
    pub kept_after_relogin: u64,
    pub lost_after_relogin: u64,
    /// Reads (`seen`) and losses, by where they were served as against the write (for a job: its start).
    pub by_place: ByPlace,
    /// Losses put down to [`LossCause::Eviction`], and to [`LossCause::InstanceGone`] by that instance.
    #[serde(default)]
    pub evicted: u64,
    #[serde(default)]
    pub lost_with: BTreeMap<String, u64>,
}

/// A pair of counts for each relation between two instances.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByPlace {
    pub same_instance: Tally,
    /// Another instance, of the same zone or with no zone known.
    pub other_instance: Tally,
    pub other_zone: Tally,
    /// One of the two is not known.
    pub unknown: Tally,
}

impl ByPlace {
    pub fn lost(&self) -> u64 {
        self.same_instance.lost + self.other_instance.lost + self.other_zone.lost + self.unknown.lost
    }

    pub fn seen(&self) -> u64 {
        self.same_instance.seen + self.other_instance.seen + self.other_zone.seen + self.unknown.seen
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    pub seen: u64,
    /// Of those seen.
    pub lost: u64,
}

impl Tally {
    pub fn count(&mut self, lost: bool) {
        self.seen += 1;
        self.lost += u64::from(lost);
    }

    /// Share lost; 0 of nothing is 0.
    pub fn share(&self) -> f64 {
        if self.seen == 0 { 0.0 } else { self.lost as f64 / self.seen as f64 }
    }
}

/// Answers to steps of role `login` that follow another login step of the same session: a form and its post.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginFindings {
    /// Rows with identity `logged-in`.
    pub accepted: u64,
    /// Rows of login steps that were answered with outcome `unexpected`.
    pub refused: u64,
    /// Accepted and refused (`lost`), by where the post was served as against the step before it.
    pub by_place: ByPlace,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandoffFindings {
    /// Consecutive answered rows of one session whose instances are both known; in order of `from`, then `to`.
    pub cells: Vec<HandoffCell>,
    /// Those of them whose instances differ.
    pub handoffs: u64,
    /// Sessions with an answered row whose instance is known, and those of them served by more than one instance.
    pub sessions_placed: u64,
    pub sessions_handed_off: u64,
    /// Sessions with a row whose `affinity` is set.
    pub sessions_with_affinity: u64,
    /// Answered rows, and those of them that name no instance.
    pub answered: u64,
    pub instance_unknown: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandoffCell {
    pub from: String,
    pub to: String,
    pub requests: u64,
    /// Rows served by `to` in which a loss was found.
    pub relogins: u64,
    pub state_lost: u64,
    pub wrong_user: u64,
}

/// How an instance that was new took over sessions that were older than itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InstanceAdoption {
    pub instance: String,
    pub zone: Option<String>,
    /// Its launch, or its first response where the provider told no launch.
    pub appeared_us: Offset,
    pub launch_known: bool,
    pub first_response_us: Offset,
    /// Sessions that logged in before it appeared and were recognised by it without a new login.
    pub adopted_sessions: u64,
    pub first_adoption_us: Option<Offset>,
    /// Sessions that logged in before it appeared and were asked by it to log in again.
    pub refused_sessions: u64,
}

/// What became of the sessions that were there when the fleet changed. The fates are exclusive and sum to `sessions`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cohort {
    pub change: FleetChange,
    /// Sessions with a verified response (`recognised` or `logged-in`) before the change, that were logged in and
    /// sent at least one request, or had not yet left, after it.
    pub sessions: u64,
    /// Recognised, or their state read back right, by a request sent after the change; nothing lost.
    pub survived: u64,
    pub relogin: u64,
    /// Answered as another user.
    pub replaced: u64,
    pub state_lost: u64,
    pub ambiguous: u64,
    /// Nothing but failures to the session's end.
    pub unavailable: u64,
    /// Nothing sent after the change was answered in a way that proves the session.
    pub unobserved: u64,
    /// None when no member tells.
    pub survival: Option<Survival>,
    /// None when no new instance appeared after the change.
    pub adoption: Option<CohortAdoption>,
}

impl Cohort {
    /// Members with a definite loss.
    pub fn lost(&self) -> u64 {
        self.relogin + self.replaced + self.state_lost
    }
}

/// Survived / (all but ambiguous and unobserved), with its Wilson 95 % interval. Shares, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Survival {
    pub of: u64,
    pub share: f64,
    pub low: f64,
    pub high: f64,
}

/// How a cohort came to be served by instances that appeared after the change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CohortAdoption {
    /// When the first of those instances appeared: the zero of the curve's times.
    pub since_us: Offset,
    /// By any of them.
    #[serde(flatten)]
    pub curve: AdoptionCurve,
    /// By each of them that appeared before the next change, in order of appearance.
    pub instances: Vec<CohortInstance>,
}

/// How a cohort came to be served by one new instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CohortInstance {
    pub instance: String,
    /// When it appeared: the zero of the curve's times.
    pub since_us: Offset,
    #[serde(flatten)]
    pub curve: AdoptionCurve,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdoptionCurve {
    /// Members with an answered request after the first response of (the first of) the instances: those that could have
    /// been served.
    pub eligible: u64,
    pub adopted: u64,
    /// Seconds until half, and 90 %, of the eligible were adopted; None when that was not reached.
    pub t50_seconds: Option<f64>,
    pub t90_seconds: Option<f64>,
    /// Share of the eligible adopted by the end of each second, from 0.
    pub share_by_second: Vec<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LossKind {
    WrongUser,
    Relogin,
    StateLost,
    Duplicated,
    LoginRefused,
}

/// One loss, told in full. Its row: `session`, `step` and `last_byte_us` = `at_us`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LossExample {
    pub at_us: Offset,
    pub session: SessionNumber,
    /// Number of the user in the feeder.
    pub user: u32,
    pub step: String,
    pub instance: Option<String>,
    pub zone: Option<String>,
    /// The answered request of the session before this one.
    pub before: Option<Before>,
    pub logged_in_us: Option<Offset>,
    pub expected: String,
    pub found: String,
    /// Of re-logins and losses of state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<LossCause>,
    /// Where the store failed over in between, and nothing else explains the loss.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failover: Option<FailoverShare>,
}

/// Acknowledged writes that a loss takes (a login is one), and how many of them were acknowledged in a [`LostSpan`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FailoverShare {
    pub lost: u64,
    pub in_span: u64,
}

/// A time in which the store acknowledged writes that went with its primary: from the first of the probe's that was lost
/// to the last, widened by the probe's resolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LostSpan {
    pub from_us: Offset,
    pub to_us: Offset,
    /// Of the probe, lost in it.
    pub probe_writes: u64,
}

/// What sessions lost over failovers of the store, held against what its probe lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailoverFindings {
    /// One for each failover.
    pub spans: Vec<LostSpan>,
    /// Writes of sessions that were lost and had been acknowledged in one of them.
    pub explained: u64,
    /// Those that had been acknowledged at another time, and that nothing else explains: no failover loses them.
    pub unexplained: u64,
}

/// Why something was lost, from events and gauges of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LossCause {
    /// Acknowledged by a primary that died or lost its role before a replica had it.
    StoreFailover,
    /// The store was restarted and had persisted nothing.
    StoreRestarted,
    /// A snapshot was put back, and should have had it.
    StoreRestored,
    /// The store made room.
    Eviction,
    /// The application forgot it sooner than the profile says it may.
    Expiry,
    /// The instance that had it is gone: it was not in the store.
    InstanceGone,
    /// The store was watched, and nothing happened to it that could have removed the session: it is the application that
    /// asks for a login all the same.
    FalseLogout,
    Unknown,
}

impl LossCause {
    pub fn words(self) -> &'static str {
        match self {
            LossCause::StoreFailover => "the store's failover",
            LossCause::StoreRestarted => "the store restarted empty",
            LossCause::StoreRestored => "missing after the restore, though in the snapshot",
            LossCause::Eviction => "evicted by the store",
            LossCause::Expiry => "expired sooner than agreed",
            LossCause::InstanceGone => "gone with the instance that had it",
            LossCause::FalseLogout => "asked to log in though the store lost nothing",
            LossCause::Unknown => "unknown",
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CauseCounts {
    pub relogins: u64,
    /// Reads that found less than was acknowledged.
    pub state_lost: u64,
}

/// What was gone after a snapshot was put back, as was to be expected: none of it is a loss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreFindings {
    /// Sessions under way that had logged in since the snapshot.
    pub sessions: u64,
    /// Acknowledged writes since the snapshot, of sessions under way.
    pub writes: u64,
    /// Of those sessions, the ones that were asked to log in again.
    pub asked_to_log_in_again: u64,
}

impl LossExample {
    /// Examples kept of each kind.
    pub const MOST: usize = 20;
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Before {
    pub at_us: Offset,
    pub step: String,
    pub instance: Option<String>,
    pub zone: Option<String>,
}

/// What the losses have in common, named from evidence alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Symptom {
    pub kind: SymptomKind,
    pub title: String,
    /// What was counted.
    pub evidence: String,
    /// What usually makes it so, and what to do.
    pub explanation: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SymptomKind {
    /// Sessions are rejected where they did not log in.
    SessionsLocalToInstance,
    /// Sessions are rejected in other zones than that of the login.
    SessionsLocalToZone,
    /// New instances reject sessions that older ones recognise.
    NewInstancesReject,
    /// Sessions are rejected wherever they are served.
    SessionsRejected,
    /// The store made room, and sessions or their state went.
    Evicted,
    WrongUser,
    /// State is lost when another instance than the writer reads it.
    StateLocalToInstance,
    /// Acknowledged writes are lost whoever serves.
    WritesDropped,
    WritesDuplicated,
    /// Jobs are known only to the instance that took them.
    JobsLocalToInstance,
    JobsLost,
    /// Jobs or state were lost with the instance that had them.
    LostWithInstance,
    /// Logins are refused when the form and its post are served by different instances.
    LoginLocalToInstance,
    LoginsRefused,
    /// New instances are slower than their peers at first.
    SlowWarmUp,
    /// New instances are given requests that they cannot serve yet.
    ReadyTooSoon,
    /// Requests fail when an instance is drained.
    DrainIgnored,
}
