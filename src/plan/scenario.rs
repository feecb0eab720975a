use super::{Distribution, Template};
use crate::history::StepId;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The journey of a kind of user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scenario {
    pub name: String,
    /// Relative frequency among scenarios.
    pub weight: u32,
    /// In order; indices into [`super::Plan::steps`].
    pub steps: Vec<StepId>,
}

/// One request of a scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    pub name: String,
    /// Index into [`super::Plan::scenarios`].
    pub scenario: u16,
    /// Variables set just before the request is made, in order: one draw that the request and the ledger share.
    pub assign: Vec<Assignment>,
    pub method: String,
    /// Path with query, below the target's URL.
    pub path: Template,
    pub headers: Vec<(String, Template)>,
    pub body: Body,
    pub follow_redirects: bool,
    pub role: Role,
    /// What the session waits after this step's answer before the next request is due.
    pub think: Distribution,
    /// No think time is longer than this.
    pub think_cap: Duration,
    pub repeat: Repeat,
    pub extract: Vec<Extraction>,
    pub expect: Vec<Expectation>,
    pub states: Vec<StateUse>,
    /// The response must name the user ([`super::SessionRules::identity`]).
    pub proves_identity: bool,
}

/// What a step is to the session's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    Ordinary,
    /// Part of logging in; run again, in order, when the application asks for a new login. The session counts as
    /// logged in once the last of these is answered as expected.
    Login,
    Logout,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Body {
    None,
    /// `application/x-www-form-urlencoded`; values are encoded after filling in.
    Form(Vec<(String, Template)>),
    /// `application/json`: a serialised document; what is filled in is escaped as JSON strings are.
    Json(Template),
    Raw {
        content_type: Option<String>,
        body: Template,
    },
}

/// How often a step is run in a row; drawn evenly, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repeat {
    pub from: u32,
    pub to: u32,
}

/// Gives a variable a value that is filled in once, before the request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assignment {
    /// Index into [`super::Plan::variables`].
    pub variable: u16,
    pub value: Template,
}

/// Takes a value out of a response for later steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Extraction {
    /// Index into [`super::Plan::variables`].
    pub variable: u16,
    pub source: Source,
}

/// A place in a response.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    Header(String),
    Cookie(String),
    /// JSON pointer (RFC 6901) into the body.
    Json(String),
    /// First group of the first match in the body, or the whole match when there is no group.
    Regex(String),
    /// CSS selector and the attribute of the first element it matches; its text when there is none.
    Css {
        selector: String,
        attribute: Option<String>,
    },
}

/// What an answer must be, or the observation is `unexpected`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Expectation {
    pub part: Part,
    pub check: Check,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    Status,
    Header(String),
    Body,
    Json(String),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// One of these (for [`Part::Status`]).
    StatusIn(Vec<u16>),
    /// Below this (for [`Part::Status`]): what a step expects that says nothing of the status is below 400.
    StatusBelow(u16),
    Equals(Template),
    Contains(String),
    Matches(String),
    Exists,
}

/// What a step does to a piece of the session's state, or reads of it. `state` is an index into
/// [`super::Plan::states`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StateUse {
    /// An acknowledged answer adds `amount` to the counter.
    Add {
        state: u8,
        amount: i64,
    },
    /// An acknowledged answer sets the register to this value.
    Set {
        state: u8,
        value: Template,
    },
    /// The response holds the counter's or register's value.
    Read {
        state: u8,
        source: Source,
    },
    StartJob(JobStart),
    PollJob(JobPoll),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobStart {
    pub state: u8,
}

/// The step is repeated, `every` apart, until `source` gives one of `done` or `failed`, or `within` has passed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobPoll {
    pub state: u8,
    pub source: Source,
    pub done: Vec<String>,
    pub failed: Vec<String>,
    pub every: Duration,
    pub within: Duration,
}
