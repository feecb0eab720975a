//! Where requests go, and whether anybody is there.

use super::connection::Connector;
use crate::plan::Plan;
use http::uri::PathAndQuery;
use http::{HeaderValue, Uri};
use std::path::PathBuf;
use std::sync::Arc;
use url::Url;

/// Why no load can be sent. Found before any is.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    #[error("the target's URL `{url}` is not usable: {reason}; give one like http://127.0.0.1:8080")]
    Url { url: String, reason: String },
    #[error("`ca_file` {}: {reason}", path.display())]
    CaFile { path: PathBuf, reason: String },
    #[error("TLS could not be set up: {reason}")]
    TlsSetup { reason: String },
    #[error("the name `{host}` could not be resolved: {reason}; check the spelling and this machine's DNS")]
    Resolve { host: String, reason: String },
    #[error("no connection to {address}: {reason}; check that the balancer is up and that this machine may reach it")]
    Connect { address: String, reason: String },
    #[error(
        "the TLS handshake with {host} failed: {reason}; if its certificate comes from an authority of your own, \
         name that authority's PEM file as `ca_file` under [target]"
    )]
    Handshake { host: String, reason: String },
    #[error("{address} did not answer within {seconds} s; check firewalls and security groups on the way")]
    Silent { address: String, seconds: f64 },
}

/// Scheme, host and port.
#[derive(Debug, PartialEq, Eq)]
pub struct Origin {
    pub https: bool,
    pub host: String,
    pub port: u16,
    /// The `Host` field of requests to it.
    pub host_header: HeaderValue,
    /// Without a path.
    pub url: Url,
}

impl Origin {
    pub fn of(url: &Url) -> Result<Origin, TargetError> {
        let bad = |reason: &str| TargetError::Url { url: url.to_string(), reason: reason.to_owned() };
        let https = match url.scheme() {
            "https" => true,
            "http" => false,
            other => return Err(bad(&format!("the scheme `{other}` is neither http nor https"))),
        };
        let host = url.host_str().ok_or_else(|| bad("it names no host"))?;
        let authority = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let mut bare = url.clone();
        bare.set_path("/");
        bare.set_query(None);
        bare.set_fragment(None);
        Ok(Origin {
            https,
            host: host.trim_matches(['[', ']']).to_owned(),
            port: url.port_or_known_default().ok_or_else(|| bad("it has no port"))?,
            host_header: HeaderValue::from_str(&authority).map_err(|_| bad("its host is not a header value"))?,
            url: bare,
        })
    }

    /// The URL of a request to it.
    pub fn at(&self, target: &Uri) -> Url {
        let path = target.path_and_query().map_or("/", PathAndQuery::as_str);
        self.url.join(path).unwrap_or_else(|_| self.url.clone())
    }
}

/// The target of a run: its origin and the path that all steps' paths are below.
pub struct Base {
    pub origin: Arc<Origin>,
    /// Without a slash at its end.
    pub path: String,
}

impl Base {
    pub fn of(url: &str) -> Result<Base, TargetError> {
        let parsed = Url::parse(url).map_err(|e| TargetError::Url { url: url.to_owned(), reason: e.to_string() })?;
        let path = parsed.path().trim_end_matches('/').to_owned();
        Ok(Base { origin: Arc::new(Origin::of(&parsed)?), path })
    }
}

/// Opens one connection, with its TLS handshake, and closes it: so that a target that is not there is told before
/// the load starts.
pub async fn probe(plan: &Plan, url: &str) -> Result<(), TargetError> {
    let base = Base::of(url)?;
    let connector = Connector::new(plan)?;
    let seconds = plan.target.timeout.as_secs_f64();
    match tokio::time::timeout(plan.target.timeout, connector.open(&base.origin)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(TargetError::Silent { address: format!("{}:{}", base.origin.host, base.origin.port), seconds }),
    }
}
