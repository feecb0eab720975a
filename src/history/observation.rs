use super::{NameId, Offset};
use serde::{Deserialize, Serialize};

/// The number of a session in the whole run, across all workers. In the `sessions` model it is the number of
/// its arrival.
pub type SessionNumber = u64;

/// A step's place in the flat list of all steps of all scenarios ([`crate::plan::Plan::steps`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepId(pub u16);

/// One request, as it was seen. A row of `requests/*.parquet`.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    pub session: SessionNumber,
    /// Number of the user in the feeder.
    pub user: u32,
    pub step: StepId,
    /// 0 for the step's own request; 1, 2, … for each redirect followed after it.
    pub part: u8,
    /// When the request was due by plan. A redirect is due when the answer before it was complete.
    pub intended: Offset,
    /// When it was handed to the connection (after any connecting that had to be done).
    pub started: Offset,
    /// When the response's head was complete.
    pub first_byte: Option<Offset>,
    /// When the response was complete, or when it was given up.
    pub last_byte: Offset,
    pub outcome: Outcome,
    /// HTTP status; 0 when there was none.
    pub status: u16,
    /// Bytes of the response's body as received.
    pub body_bytes: u32,
    pub instance: Option<NameId>,
    pub zone: Option<NameId>,
    /// The balancer address the connection goes to.
    pub address: Option<NameId>,
    pub connection: ConnectionUse,
    /// The response set, or the request carried, an affinity cookie of the balancer.
    pub affinity: bool,
    pub identity: Identity,
    /// Who the response says the user is, when that is not the expected user: a keyed fingerprint.
    pub found_identity: i64,
    /// The session's life ends with this request: it logged out, or left after it.
    pub last_of_session: bool,
    pub states: Vec<StateOp>,
}

impl Observation {
    /// Intended start to last byte.
    pub fn response_time(&self) -> std::time::Duration {
        self.last_byte.since(self.intended)
    }

    /// Sent to last byte.
    pub fn service_time(&self) -> std::time::Duration {
        self.last_byte.since(self.started)
    }

    /// Whether the application answered at all: anything but this says nothing about the session.
    pub fn answered(&self) -> bool {
        matches!(self.outcome, Outcome::Ok | Outcome::Unexpected) && self.status < 500 && self.status != 0
    }
}

/// How the request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Answered, and every expectation of the step held.
    Ok,
    /// Answered in full, but the step expected something else (status, header or body).
    Unexpected,
    /// Not answered in full.
    Failed(Failure),
}

/// Why a request was not answered in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Failure {
    /// The name could not be resolved.
    Dns,
    /// No connection: refused or unreachable. The request was not sent.
    Connect,
    /// The TLS handshake failed. The request was not sent.
    Tls,
    /// The connection was lost after sending.
    Reset,
    /// The time-out passed.
    Timeout,
    /// The response was not HTTP.
    Malformed,
    /// The body went past the limit.
    TooLarge,
    /// The run ended while the request was under way.
    Abandoned,
    /// A template or extraction of this step had nothing to work on; nothing was sent.
    NotSent,
}

impl Failure {
    /// Whether the application may have acted on the request all the same.
    pub fn in_doubt(self) -> bool {
        matches!(self, Failure::Reset | Failure::Timeout | Failure::Malformed | Failure::TooLarge | Failure::Abandoned)
    }
}

impl Outcome {
    /// Whether it speaks against the target: anything but the answer that was expected. A request that the end of the
    /// run cut says nothing of the target.
    pub fn is_error(self) -> bool {
        !matches!(self, Outcome::Ok | Outcome::Failed(Failure::Abandoned))
    }

    pub fn name(self) -> &'static str {
        match self {
            Outcome::Ok => "ok",
            Outcome::Unexpected => "unexpected",
            Outcome::Failed(Failure::Dns) => "dns",
            Outcome::Failed(Failure::Connect) => "connect",
            Outcome::Failed(Failure::Tls) => "tls",
            Outcome::Failed(Failure::Reset) => "reset",
            Outcome::Failed(Failure::Timeout) => "timeout",
            Outcome::Failed(Failure::Malformed) => "malformed",
            Outcome::Failed(Failure::TooLarge) => "too-large",
            Outcome::Failed(Failure::Abandoned) => "abandoned",
            Outcome::Failed(Failure::NotSent) => "not-sent",
        }
    }

    pub const ALL: [Outcome; 11] = [
        Outcome::Ok,
        Outcome::Unexpected,
        Outcome::Failed(Failure::Dns),
        Outcome::Failed(Failure::Connect),
        Outcome::Failed(Failure::Tls),
        Outcome::Failed(Failure::Reset),
        Outcome::Failed(Failure::Timeout),
        Outcome::Failed(Failure::Malformed),
        Outcome::Failed(Failure::TooLarge),
        Outcome::Failed(Failure::Abandoned),
        Outcome::Failed(Failure::NotSent),
    ];

    pub fn from_name(name: &str) -> Option<Outcome> {
        Self::ALL.into_iter().find(|o| o.name() == name)
    }
}

/// How the request came by its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConnectionUse {
    /// The session's connection from before.
    Kept,
    /// Opened for this request.
    Opened,
    /// The kept one turned out to be closed by the server while idle, so it was opened again.
    Reopened,
}

impl ConnectionUse {
    pub const ALL: [ConnectionUse; 3] = [ConnectionUse::Kept, ConnectionUse::Opened, ConnectionUse::Reopened];

    pub fn name(self) -> &'static str {
        match self {
            ConnectionUse::Kept => "kept",
            ConnectionUse::Opened => "opened",
            ConnectionUse::Reopened => "reopened",
        }
    }
}

/// What the response says about who the user is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Identity {
    /// The step proves nothing (or the request went unanswered).
    Silent,
    /// A step of the login, answered as expected: from here on the session should be known.
    LoggedIn,
    /// The response names the expected user, or the step counts as proof by being answered.
    Recognised,
    /// The application asks for a login although this session had logged in.
    Rejected,
    /// The response names someone else.
    Other,
    /// The session logged out (an answer to a logout step).
    LoggedOut,
}

impl Identity {
    pub const ALL: [Identity; 6] = [
        Identity::Silent,
        Identity::LoggedIn,
        Identity::Recognised,
        Identity::Rejected,
        Identity::Other,
        Identity::LoggedOut,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Identity::Silent => "silent",
            Identity::LoggedIn => "logged-in",
            Identity::Recognised => "recognised",
            Identity::Rejected => "rejected",
            Identity::Other => "other",
            Identity::LoggedOut => "logged-out",
        }
    }
}

/// What a request did to, or saw of, a piece of the session's state. `state` is the index into
/// [`crate::plan::Plan::states`]. Whether a write was acknowledged, is in doubt or was refused follows from the
/// observation it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StateOp {
    /// Asked to add this much to a counter.
    Add { state: u8, amount: i64 },
    /// Asked to set a register to the value with this fingerprint.
    Set { state: u8, value: i64 },
    /// A counter read back.
    Counted { state: u8, found: i64 },
    /// A register read back: the fingerprint of its value.
    Found { state: u8, value: i64 },
    /// The response should have held the state and did not.
    Missing { state: u8 },
    /// Asked to start a job.
    JobStarted { state: u8 },
    /// A poll found the job still going.
    JobPending { state: u8 },
    /// A poll found the job done.
    JobDone { state: u8 },
    /// A poll found that the job failed, or is not known.
    JobLost { state: u8 },
    /// The job was not done within its limit.
    JobOverdue { state: u8 },
}
