use super::{Source, Template};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What holds for every session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionRules {
    /// A response that matches any of these asks for a login.
    pub rejected: Vec<RejectionRule>,
    pub identity: Option<IdentityRule>,
    pub on_rejected: OnRejected,
    /// A session that was idle for longer than this may be asked to log in again without that being a loss.
    pub idle_timeout: Option<Duration>,
    /// The same for a session older than this.
    pub lifetime: Option<Duration>,
    pub allow: Allowance,
}

/// All parts that are given must match.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RejectionRule {
    /// Empty: any.
    pub status: Vec<u16>,
    /// The `Location` of a redirect has a path that starts with this.
    pub redirect: Option<String>,
    /// The body contains this.
    pub body: Option<String>,
}

/// Where a response says who the user is, and who that should be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IdentityRule {
    pub source: Source,
    pub equals: Template,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnRejected {
    /// Log in again, then repeat the step, as a person would.
    Relogin,
    Leave,
}

/// How many losses the profile puts up with before the verdict is "sessions were lost".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowance {
    pub relogins: u64,
    pub state_lost: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub name: String,
    pub kind: StateKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StateKind {
    /// Each acknowledged write adds to it.
    Counter,
    /// The last acknowledged write wins.
    Register,
    /// Started by one request, finished by whichever instance is alive.
    Job,
}
