use super::Source;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// Where requests go, and how a response tells who served it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// Absolute base URL. On the lab it is known only once the lab is up, and filled in by the conductor.
    pub url: Option<String>,
    pub instance: Option<Source>,
    pub zone: Option<Source>,
    /// Where the balancer puts its access logs, if they are to tell who served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_log: Option<AccessLog>,
    /// Covers one request whole: connecting, sending, waiting, reading.
    pub timeout: Duration,
    pub max_body_bytes: u64,
    /// An extra certificate authority, PEM.
    pub ca_file: Option<PathBuf>,
    /// Header fields of every request, literal.
    pub headers: Vec<(String, String)>,
}

/// Access logs of an Application Load Balancer, in S3.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessLog {
    pub bucket: String,
    /// Empty, or ends in `/`.
    pub prefix: String,
    /// None: the one that the SDK is told.
    pub region: Option<String>,
    /// How long they are waited for after the run.
    pub wait: Duration,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Connections {
    pub mode: ConnectionMode,
    pub stickiness: Stickiness,
    /// Names of affinity cookies; a trailing `*` matches any ending. AWSALB* are always among them.
    pub affinity_cookies: Vec<String>,
    pub http: HttpVersion,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConnectionMode {
    /// Kept alive through the session, closed when the session ends.
    Browser,
    /// Replaced at a maximum age or number of requests, each drawn with this relative jitter per connection.
    Rotate {
        max_age: Duration,
        max_requests: u32,
        jitter: f64,
    },
    /// Never replaced, also across sessions of a slot: shows what keep-alive hides.
    Pinned,
    PerRequest,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stickiness {
    Kept,
    Stripped,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HttpVersion {
    /// HTTP/2 where TLS negotiates it, else HTTP/1.1.
    #[serde(rename = "auto")]
    Auto,
    #[serde(rename = "1.1")]
    Http1,
}
