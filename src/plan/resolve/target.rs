use super::context::Context;
use crate::plan::{AccessLog, ConnectionMode, Connections, HttpVersion, Source, Stickiness, Target};
use crate::profile::{
    AccessLogFile, At, ConnectionModeFile, ConnectionsFile, HttpFile, ProfileError, StickinessFile, TargetFile,
    names_a_secret,
};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

/// No connection lives this long; far enough from the end of `Duration` for jitter to be applied.
const NEVER: Duration = Duration::from_secs(366 * 86_400);
/// Header fields that the HTTP client sets.
const OWN_HEADERS: [&str; 5] = ["connection", "content-length", "transfer-encoding", "te", "upgrade"];

impl Context<'_> {
    pub fn target(&mut self, file: &TargetFile, lab: bool) -> Target {
        let url = match (&file.url, lab) {
            (Some(url), true) => {
                let help = "leave it out, or set `fleet.provider = \"observe\"`";
                self.error(&url.span, "the lab's balancer has a URL of its own", help);
                None
            }
            (None, true) => None,
            (Some(url), false) => {
                let found = base_url(url);
                self.check(found)
            }
            (None, false) => {
                let error = ProfileError::whole("a fleet that is not the lab needs `target.url`")
                    .help("add `[target]` with `url = \"https://…\"`, or leave `fleet.provider` out to use the lab");
                self.errors.push(error);
                None
            }
        };
        let timeout = file.timeout.as_ref().map_or(Duration::from_secs(10), |timeout| {
            if timeout.0.is_zero() {
                self.error(&timeout.span, "a timeout of zero fails every request", "write `timeout = \"10s\"`");
            }
            timeout.0
        });
        let max_body_bytes = file.max_body.as_ref().map_or(1 << 20, |size| size.0);
        let instance = match &file.instance {
            Some(place) => self.place(place),
            None if file.access_log.is_some() => None,
            None => Some(Source::Header("x-instance".to_owned())),
        };
        let access_log = file.access_log.as_ref().and_then(|log| self.access_log(log, lab));
        let zone = match &file.zone {
            Some(place) => self.place(place),
            None => lab.then(|| Source::Header("x-zone".to_owned())),
        };
        let ca_file = file.ca_file.as_ref().and_then(|path| self.authority(path).map(|_| self.path(path)));
        let headers = self.literal_headers(&file.headers);
        Target { url, instance, zone, access_log, timeout, max_body_bytes, ca_file, headers }
    }

    fn access_log(&mut self, file: &AccessLogFile, lab: bool) -> Option<AccessLog> {
        if lab {
            self.error(&file.s3.span, "the lab's balancer keeps no access logs in S3", "its responses say who served");
        } else if !cfg!(feature = "aws") {
            let help = "build it with the feature `aws`, which is on by default";
            self.error(&file.s3.span, "this rushhour was built without AWS", help);
        }
        let found = place_in_s3(&file.s3);
        let (bucket, prefix) = self.check(found)?;
        let wait = file.wait.as_ref().map_or(Duration::from_secs(600), |wait| wait.0);
        let region = file.region.as_ref().map(|region| self.region(region));
        Some(AccessLog { bucket, prefix, region, wait })
    }

    /// A certificate authority, PEM.
    pub fn authority(&mut self, path: &At<PathBuf>) -> Option<String> {
        let text = self.read(path, &path.span)?;
        if !text.contains("-----BEGIN CERTIFICATE-----") {
            self.error(&path.span, "no certificate in this file", "it must be PEM, `-----BEGIN CERTIFICATE-----`");
        }
        Some(text)
    }

    fn literal_headers(&mut self, headers: &BTreeMap<String, At<String>>) -> Vec<(String, String)> {
        let mut resolved = Vec::new();
        for (name, value) in headers {
            let Some(name) = self.request_header(name, value) else { continue };
            if names_a_secret(&name) {
                let help = "target.headers are recorded with the run; give users a field in a CSV file and write \
                            `authorization = \"Bearer {{user.token}}\"` in a step's `headers`";
                self.error(&value.span, format!("`{name}` carries a secret"), help);
            }
            resolved.push((name, value.value.clone()));
        }
        resolved
    }

    /// A header field of a request: its name in lower case, when both name and value can be sent.
    pub fn request_header(&mut self, name: &str, value: &At<String>) -> Option<String> {
        let name = self.header_name(name, &value.span)?;
        if OWN_HEADERS.contains(&name.as_str()) {
            self.error(&value.span, format!("`{name}` is set by rushhour itself"), "leave it out");
        }
        if http::HeaderValue::from_str(value).is_err() {
            self.error(&value.span, "a header field cannot hold this", "no line breaks or control characters");
        }
        Some(name)
    }

    /// A secret is not written out: the plan is kept with the run.
    pub fn no_secret(&mut self, name: &str, text: &str, span: &Range<usize>) {
        if names_a_secret(name) && !text.is_empty() && !text.contains("{{") {
            let help = "the plan is recorded with the run; take it from a user's field or an earlier step: \
                        `Bearer {{user.token}}`";
            self.error(span, format!("`{name}` carries a secret"), help);
        }
    }

    /// A header field of a step: as [`Context::request_header`], and no secret written out.
    pub fn step_header(&mut self, name: &str, value: &At<String>) -> Option<String> {
        let name = self.request_header(name, value)?;
        self.no_secret(&name, value, &value.span);
        Some(name)
    }

    pub fn connections(&mut self, file: &ConnectionsFile) -> Connections {
        let kind = file.mode.as_ref().map(|mode| mode.value).unwrap_or_default();
        let limits = [
            file.max_age.as_ref().map(|age| (&age.span, "max_age", age.0.is_zero())),
            file.max_requests.as_ref().map(|number| (&number.span, "max_requests", number.value == 0)),
            file.jitter.as_ref().map(|j| (&j.span, "jitter", !(0.0..=1.0).contains(&j.value))),
        ];
        for (span, key, impossible) in limits.into_iter().flatten() {
            if kind != ConnectionModeFile::Rotate {
                self.error(span, format!("`{key}` is for `mode = \"rotate\"`"), "leave it out, or set the mode");
            } else if impossible {
                self.error(span, format!("this `{key}` is not possible"), "above zero; `jitter` from 0 to 1");
            }
        }
        let mode = match kind {
            ConnectionModeFile::Browser => ConnectionMode::Browser,
            ConnectionModeFile::Pinned => ConnectionMode::Pinned,
            ConnectionModeFile::PerRequest => ConnectionMode::PerRequest,
            ConnectionModeFile::Rotate => {
                if let (Some(mode), None, None) = (&file.mode, &file.max_age, &file.max_requests) {
                    let help = "add `max_age = \"30s\"` or `max_requests = 100`, or both";
                    self.error(&mode.span, "`rotate` without a limit replaces no connection", help);
                }
                ConnectionMode::Rotate {
                    max_age: file.max_age.as_ref().map_or(NEVER, |age| age.0),
                    max_requests: file.max_requests.as_ref().map_or(u32::MAX, |number| number.value),
                    jitter: file.jitter.as_ref().map_or(0.1, |jitter| jitter.value),
                }
            }
        };
        let mut affinity_cookies = vec!["AWSALB*".to_owned()];
        for name in &file.affinity_cookies {
            let stem = name.strip_suffix('*').unwrap_or(name);
            if stem.is_empty() || stem.contains(|c: char| c == '*' || c == '=' || c == ';' || c.is_whitespace()) {
                self.error(&name.span, "not the name of a cookie", "such as `SERVERID` or `AWSALB*`");
            }
            affinity_cookies.push(name.value.clone());
        }
        Connections {
            mode,
            stickiness: match file.stickiness.unwrap_or_default() {
                StickinessFile::Kept => Stickiness::Kept,
                StickinessFile::Stripped => Stickiness::Stripped,
            },
            affinity_cookies,
            http: match file.http.unwrap_or_default() {
                HttpFile::Auto => HttpVersion::Auto,
                HttpFile::Http1 => HttpVersion::Http1,
            },
        }
    }
}

/// Bucket and prefix, which is empty or ends in a slash.
fn place_in_s3(url: &At<String>) -> Result<(String, String), ProfileError> {
    let wrong = |message: &str| ProfileError::at(&url.span, message).help("such as `s3://my-logs/alb`");
    let place = url.strip_prefix("s3://").ok_or_else(|| wrong("not a place in S3"))?;
    let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
    // "Bucket naming rules", Amazon S3 user guide.
    let named = bucket.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.');
    if !named || !(3..=63).contains(&bucket.len()) {
        return Err(wrong("not the name of a bucket"));
    }
    let prefix = prefix.trim_matches('/');
    if prefix.split('/').any(|part| part == "AWSLogs") {
        return Err(wrong("`AWSLogs` and what follows is the balancer's own; leave it out"));
    }
    Ok((bucket.to_owned(), if prefix.is_empty() { String::new() } else { format!("{prefix}/") }))
}

/// The base URL without the slash at its end.
fn base_url(url: &At<String>) -> Result<String, ProfileError> {
    let wrong = |message: String| ProfileError::at(&url.span, message).help("such as `https://shop.example.com`");
    let parsed = url::Url::parse(url).map_err(|error| wrong(format!("not a URL: {error}")))?;
    if !matches!(parsed.scheme(), "http" | "https") {
        return Err(wrong(format!("`{}` is not a scheme of HTTP", parsed.scheme())));
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err(wrong("a URL with credentials in it would be recorded with the run".to_owned()));
    }
    if parsed.query().is_some() || parsed.fragment().is_some() {
        return Err(wrong("a base URL has no query and no fragment".to_owned()));
    }
    Ok(parsed.as_str().trim_end_matches('/').to_owned())
}
