use super::{At, Size, Span};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Where requests go, and how a response tells who served it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TargetFile {
    /// Base URL of the balancer, such as `https://shop.example.com`. Left out on the lab.
    pub url: Option<At<String>>,
    /// Longest time one request may take: connecting, sending, waiting and reading. Default: `10s`.
    pub timeout: Option<At<Span>>,
    /// A response with a longer body counts as failed. Default: `1MiB`.
    pub max_body: Option<At<Size>>,
    /// A certificate authority to trust besides the system's, PEM; relative to the profile.
    pub ca_file: Option<At<PathBuf>>,
    /// Header fields sent with every request. They are recorded with the run, so no secret belongs here.
    #[serde(default)]
    pub headers: BTreeMap<String, At<String>>,
    /// Where a response names the instance that served it. Default: `{ header = "x-instance" }`, or nowhere with
    /// `access_log`.
    pub instance: Option<At<PlaceFile>>,
    /// Access logs of an Application Load Balancer, which tell who served where no response does.
    pub access_log: Option<AccessLogFile>,
    /// Where a response names the availability zone. Default on the lab: `{ header = "x-zone" }`.
    pub zone: Option<At<PlaceFile>>,
}

/// Access logs of an Application Load Balancer. Each request carries an `X-Amzn-Trace-Id` of its own, by which the log's
/// line of it is found after the run.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccessLogFile {
    /// Where the balancer puts them, as its attributes `access_logs.s3.bucket` and `access_logs.s3.prefix` say:
    /// `s3://bucket/prefix`.
    pub s3: At<String>,
    /// The bucket's region. Default: the one that the AWS SDK is told (`AWS_REGION`, a profile, the instance's own).
    pub region: Option<At<String>>,
    /// Logs are written every five minutes and delivered late. After the run they are waited for no longer than this.
    /// Default: `10m`.
    pub wait: Option<At<Span>>,
}

/// A place in a response: exactly one of `header`, `cookie`, `json`, `regex`, `css`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceFile {
    /// Name of a header field.
    pub header: Option<At<String>>,
    /// Name of a cookie the response sets.
    pub cookie: Option<At<String>>,
    /// JSON pointer (RFC 6901) into the body, such as `/user/id`.
    pub json: Option<At<String>>,
    /// Regular expression over the body: its first group, or the whole match where it has none.
    pub regex: Option<At<String>>,
    /// CSS selector; the first element it matches counts.
    pub css: Option<At<String>>,
    /// With `css`: the attribute to take. Default: the element's text.
    pub attribute: Option<At<String>>,
}

/// How connections to the balancer are kept.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectionsFile {
    /// When a connection is closed. Default: `browser`.
    pub mode: Option<At<ConnectionModeFile>>,
    /// With `rotate`: a connection is replaced at this age.
    pub max_age: Option<At<Span>>,
    /// With `rotate`: a connection is replaced after this many requests.
    pub max_requests: Option<At<u32>>,
    /// With `rotate`: each connection's limits are drawn from this share around them, 0 to 1. Default: 0.1.
    pub jitter: Option<At<f64>>,
    /// What becomes of the balancer's affinity cookies. Default: `kept`.
    pub stickiness: Option<StickinessFile>,
    /// Names of affinity cookies; a trailing `*` matches any ending. `AWSALB*` are always among them.
    #[serde(default)]
    pub affinity_cookies: Vec<At<String>>,
    /// Version of HTTP. Default: `auto`.
    pub http: Option<HttpFile>,
}

/// When a connection is closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ConnectionModeFile {
    /// When the session ends, as a browser does.
    #[default]
    Browser,
    /// At a maximum age or number of requests.
    Rotate,
    /// Never, also not between sessions: shows what keep-alive hides.
    Pinned,
    /// After each request.
    PerRequest,
}

/// What becomes of the balancer's affinity cookies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StickinessFile {
    /// Sent back, as browsers do.
    #[default]
    Kept,
    /// Never sent back, so that a store that is not shared shows itself.
    Stripped,
}

/// Version of HTTP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum HttpFile {
    /// HTTP/2 where TLS negotiates it, else HTTP/1.1.
    #[default]
    #[serde(rename = "auto")]
    Auto,
    /// HTTP/1.1 only.
    #[serde(rename = "1.1")]
    Http1,
}
