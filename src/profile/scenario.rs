use super::{At, PlaceFile, Span};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The journey of a kind of user.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScenarioFile {
    /// Name of the scenario.
    pub name: At<String>,
    /// Relative frequency among scenarios. Default: 1.
    pub weight: Option<At<u32>>,
    /// What a user waits after an answer before the next request: `2s`, `1s..3s` (uniform), `exponential 2s` (its
    /// mean), `lognormal 2s sigma 0.6` (its median); each may end in `max 20s`. Default: no wait.
    pub think: Option<At<String>>,
    /// The requests, in order.
    pub steps: At<Vec<At<StepFile>>>,
}

/// One request of a scenario: exactly one of `get`, `post`, `put`, `patch`, `delete`, `head`.
///
/// Paths, header values and bodies are templates. Places to fill in: `{{user.FIELD}}`; `{{NAME}}`, a variable extracted
/// or `let` before; `{{random(1, 50)}}`, both ends included; `{{choice(a, b, c)}}`; `{{counter}}`, which counts the
/// session's requests that use it; `{{session}}`, the session's number; `{{token}}`, 128 random bits in hexadecimal.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepFile {
    /// Name of the step; in its scenario no other has it. Reports and objectives name steps by it.
    pub name: At<String>,
    /// Path of a GET request, below the target's URL, with its query.
    pub get: Option<At<String>>,
    /// Path of a POST request.
    pub post: Option<At<String>>,
    /// Path of a PUT request.
    pub put: Option<At<String>>,
    /// Path of a PATCH request.
    pub patch: Option<At<String>>,
    /// Path of a DELETE request.
    pub delete: Option<At<String>>,
    /// Path of a HEAD request.
    pub head: Option<At<String>>,
    /// Header fields of this request.
    #[serde(default)]
    pub headers: BTreeMap<String, At<String>>,
    /// Variables set just before the request, in order of their names: one draw that the request and `sets` share, such
    /// as `{ theme = "{{choice(dark, light)}}" }`.
    #[serde(default, rename = "let")]
    pub assign: BTreeMap<String, At<String>>,
    /// Fields of a form body (`application/x-www-form-urlencoded`).
    pub form: Option<BTreeMap<String, At<String>>>,
    /// JSON body (`application/json`). A table is written out as JSON, its strings being templates. A string is the JSON
    /// text itself, for a number that is filled in: `'{ "quantity": {{random(1, 5)}} }'`.
    pub json: Option<At<serde_json::Value>>,
    /// Any other body; its type is told by a `content-type` among `headers`.
    pub raw: Option<At<String>>,
    /// Variables taken from the response, for later steps: `{ csrf = { css = "input[name=csrf]", attribute = "value" } }`.
    #[serde(default)]
    pub extract: BTreeMap<String, At<PlaceFile>>,
    /// What the answer must be. Without a `status` here, it must be below 400.
    #[serde(default)]
    pub expect: ExpectFile,
    /// Whether redirects are followed, as parts of this step. Default: `true` for `login` steps, else `false`.
    pub follow_redirects: Option<bool>,
    /// The step is part of logging in: run again when the application asks for a new login. Default: `false`.
    #[serde(default)]
    pub login: bool,
    /// The step logs the user out. Default: `false`.
    #[serde(default)]
    pub logout: bool,
    /// How often the step is run in a row: a number, or `[1, 4]` for a number drawn between both, ends included.
    /// Default: 1.
    pub repeat: Option<At<RepeatFile>>,
    /// Overrides the scenario's `think` after this step.
    pub think: Option<At<String>>,
    /// The response must name the user, as `session.identity` says. Default: `false`.
    pub proves_identity: Option<At<bool>>,
    /// Counters that an acknowledged answer adds to: `{ cart = 1 }`.
    #[serde(default)]
    pub adds: BTreeMap<String, At<i64>>,
    /// Registers that an acknowledged answer sets, and to what: `{ theme = "{{theme}}" }`.
    #[serde(default)]
    pub sets: BTreeMap<String, At<String>>,
    /// Counters and registers that the response holds, and where: `{ cart = { json = "/count" } }`.
    #[serde(default)]
    pub reads: BTreeMap<String, At<PlaceFile>>,
    /// The job that this step starts.
    pub starts_job: Option<At<String>>,
    /// The step is repeated until a job started before is finished.
    pub polls_job: Option<At<PollFile>>,
}

/// What the answer must be.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectFile {
    /// The status, or a list of those allowed.
    pub status: Option<At<StatusFile>>,
    /// Header fields and their values (templates).
    #[serde(default)]
    pub header: BTreeMap<String, At<String>>,
    /// Text that the body contains.
    pub body_contains: Option<At<String>>,
    /// Regular expression that the body matches.
    pub body_matches: Option<At<String>>,
    /// JSON pointers (RFC 6901) into the body and the values found there: `{ "/user" = "{{user.name}}" }`.
    #[serde(default)]
    pub json: BTreeMap<String, At<serde_json::Value>>,
}

/// One status, or several.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a status such as `200`, or a list of them such as `[200, 404]`")]
pub enum StatusFile {
    /// This one.
    One(u16),
    /// Any of these.
    Any(Vec<u16>),
}

/// A number, or two to draw between.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a number such as `3`, or two to draw between such as `[1, 4]`")]
pub enum RepeatFile {
    /// Always this often.
    Times(u32),
    /// Drawn evenly between both, ends included.
    Between(u32, u32),
}

/// How a step polls a job.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PollFile {
    /// The job, as `session.states` names it.
    pub job: At<String>,
    /// Where the response tells the job's state.
    pub state: At<PlaceFile>,
    /// States that say it is done. Default: `["done"]`.
    pub done: Option<At<Vec<String>>>,
    /// States that say it failed. Default: `["failed"]`.
    pub failed: Option<At<Vec<String>>>,
    /// Time between polls. Default: `1s`.
    pub every: Option<At<Span>>,
    /// The job must be finished within this. Default: `30s`.
    pub within: Option<At<Span>>,
}
