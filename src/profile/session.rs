use super::{At, Span, StatusFile};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What tells whether a session still holds.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionFile {
    /// Responses that ask for a login; any of them suffices.
    /// Default: `[{ status = 401 }, { redirect = "/login" }]`.
    pub rejected: Option<Vec<At<RejectionFile>>>,
    /// Where a response names the user, and who that must be. Default on the lab:
    /// `{ header = "x-user", equals = "{{user.name}}" }`.
    pub identity: Option<At<IdentityFile>>,
    /// What a user does who is asked to log in again. Default: `relogin`.
    pub on_rejected: Option<OnRejectedFile>,
    /// A session idle for longer may be asked to log in again without that being a loss. Default: no such limit.
    pub idle_timeout: Option<At<Span>>,
    /// The same for a session older than this. Default: no such limit.
    pub lifetime: Option<At<Span>>,
    /// What steps write and read back, by name: `{ cart = "counter", theme = "register", report = "job" }`.
    #[serde(default)]
    pub states: BTreeMap<String, At<StateFile>>,
    /// Losses that are put up with.
    #[serde(default)]
    pub allow: AllowFile,
}

/// A response that asks for a login; all parts that are given must match.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RejectionFile {
    /// The status, or a list of such.
    pub status: Option<At<StatusFile>>,
    /// A redirect to a path that begins with this.
    pub redirect: Option<At<String>>,
    /// Text that the body contains.
    pub body: Option<At<String>>,
}

/// Where a response names the user, and who that must be: exactly one of `header`, `cookie`, `json`, `regex`, `css`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentityFile {
    /// Name of a header field.
    pub header: Option<At<String>>,
    /// Name of a cookie the response sets.
    pub cookie: Option<At<String>>,
    /// JSON pointer (RFC 6901) into the body.
    pub json: Option<At<String>>,
    /// Regular expression over the body: its first group, or the whole match where it has none.
    pub regex: Option<At<String>>,
    /// CSS selector; the first element it matches counts.
    pub css: Option<At<String>>,
    /// With `css`: the attribute to take. Default: the element's text.
    pub attribute: Option<At<String>>,
    /// The value it must have. Default: `{{user.name}}`.
    pub equals: Option<At<String>>,
}

/// What a user does who is asked to log in again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnRejectedFile {
    /// Logs in again, then repeats the step, as a person would.
    #[default]
    Relogin,
    /// Leaves.
    Leave,
}

/// A kind of state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StateFile {
    /// Each acknowledged write adds to it.
    Counter,
    /// The last acknowledged write wins.
    Register,
    /// Started by one request, finished by whichever instance is alive.
    Job,
}

/// Losses that are put up with before the verdict is "sessions were lost".
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AllowFile {
    /// Sessions asked to log in again. Default: 0.
    #[serde(default)]
    pub relogins: u64,
    /// Sessions that lost state. Default: 0.
    #[serde(default)]
    pub state_lost: u64,
}
