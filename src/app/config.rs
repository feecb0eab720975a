use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::defect::Defect;
use super::error::AppError;

/// Everything an instance is told when it starts. Unknown fields are refused.
///
/// Holds secrets in clear when serialised, because that is how they reach the instance: hand it over through a pipe
/// or a file only its owner can read, never as arguments. `Debug` hides them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppConfig {
    /// Name of this instance, sent back as `X-Instance`.
    pub instance: String,
    /// Zone it runs in, sent back as `X-Zone`.
    pub zone: String,
    /// Address to listen on. Only this machine can reach the default, 127.0.0.1; `0.0.0.0` is for a machine whose firewall
    /// lets nobody in but the balancer.
    #[serde(default = "default_listen")]
    pub listen: IpAddr,
    /// Port there; 0 takes a free one and announces it on standard output.
    #[serde(default)]
    pub port: u16,
    /// Where sessions and everything else a user owns are kept.
    pub store: StoreConfig,
    /// Who may log in.
    pub users: Users,
    /// What checking a password costs.
    #[serde(default)]
    pub password_cost: PasswordCost,
    /// The session cookie.
    #[serde(default)]
    pub cookie: Cookie,
    /// A session or token ends after this long without a request, in milliseconds. Each use starts it anew.
    #[serde(default = "default_session_ttl_ms")]
    pub session_ttl_ms: u64,
    /// A session or token ends this long after its login, however busy it is, in milliseconds.
    #[serde(default = "default_absolute_timeout_ms")]
    pub absolute_timeout_ms: u64,
    /// Carts and preferences untouched for this long are forgotten, in milliseconds.
    #[serde(default = "default_user_data_ttl_ms")]
    pub user_data_ttl_ms: u64,
    /// How much this instance can serve.
    #[serde(default)]
    pub capacity: Capacity,
    /// Background jobs.
    #[serde(default)]
    pub jobs: Jobs,
    /// From the start of the process until it is ready, in milliseconds.
    #[serde(default)]
    pub boot_ms: u64,
    /// After SIGTERM, how long it goes on accepting while it already reports unready, in milliseconds.
    /// Longer than the balancer needs to notice.
    #[serde(default = "default_drain_ms")]
    pub drain_ms: u64,
    /// Ends the process at once when standard input reaches its end: whoever started it holds the other end, and
    /// the kernel closes it even when that process is killed.
    #[serde(default)]
    pub exit_on_stdin_eof: bool,
    /// The one way in which this instance is to be wrong, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub defect: Option<Defect>,
}

/// The store the instances share: Redis 6.2 or newer (`GETEX`), or a DynamoDB table.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreConfig {
    /// Where it is.
    pub location: StoreLocation,
    /// ACL user at Redis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Its password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    /// Starts every key, so that applications can share a Redis and an ACL can tell them apart.
    #[serde(default = "default_key_prefix")]
    pub key_prefix: String,
    /// TLS to Redis; none means plain TCP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// No request waits longer than this for one answer of the store, retries included, in milliseconds.
    #[serde(default = "default_store_timeout_ms")]
    pub timeout_ms: u64,
    /// The instance stays ready while the store is away for no longer than this, in milliseconds: longer than a
    /// failover takes.
    #[serde(default = "default_store_grace_ms")]
    pub grace_ms: u64,
    /// A write is acknowledged once this many replicas have it (`WAIT`); 0: once the primary has it.
    #[serde(default)]
    pub wait_for_replicas: u32,
}

/// Where the store is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoreLocation {
    /// Redis at one fixed `host:port`.
    Direct(String),
    /// Redis: ask sentinels for the primary, again after each lost connection.
    Sentinels(Sentinels),
    /// Ask nodes of a Redis Cluster (`host:port` of each), again after each lost connection.
    Cluster(Vec<String>),
    /// DynamoDB.
    Dynamodb(Dynamodb),
}

/// Sentinels that know the primary.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sentinels {
    /// `host:port` of each.
    pub addresses: Vec<String>,
    /// The name under which they watch the primary.
    pub master_name: String,
    /// ACL user at the sentinels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Its password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    /// Whether the sentinels speak TLS too (with the store's `tls.ca_file`).
    #[serde(default)]
    pub tls: bool,
}

/// A DynamoDB table: partition key `id` (string), time to live on `expires_at`, and an index `jobs` of the keys alone with
/// partition key `queue_name` (string) and sort key `free_at` (number).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dynamodb {
    /// Its name, or its ARN.
    pub table: String,
    /// The region it is in.
    pub region: String,
    /// In place of the region's own endpoint: an emulator, or an interface endpoint of a VPC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint_url: Option<String>,
    /// What reads may miss.
    #[serde(default)]
    pub reads: Reads,
    /// Fixed credentials, for an emulator. None: where the SDK looks by itself, as the role of the machine or task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Credentials>,
}

/// What reads of DynamoDB may miss.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reads {
    /// Nothing that was acknowledged.
    #[default]
    Consistent,
    /// Writes of the last moment, at half the price: who logs in here may still be unknown there.
    Eventual,
}

/// An access key.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// Its id.
    pub access_key_id: String,
    /// The secret part.
    pub secret_access_key: Secret,
}

/// TLS to the store.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// PEM file of the authority that signed the server's certificate; none means the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
}

/// Who may log in.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Users {
    /// `{prefix}1` to `{prefix}{count}`, all with one password.
    Generated(Generated),
}

/// Users made up for a test.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Generated {
    /// How many.
    pub count: u64,
    /// What their names start with.
    pub prefix: String,
    /// The password of all of them.
    pub password: Secret,
}

/// What checking a password costs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PasswordCost {
    /// Microseconds: the same code path at a price that lets a laptop play a fleet. Never in production.
    #[default]
    Lab,
    /// OWASP's parameters for argon2id: tens of milliseconds and 19 MiB a login.
    Production,
}

/// The session cookie. Always HttpOnly and SameSite=Lax.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cookie {
    /// Its name.
    pub name: String,
    /// Sent over https only. On wherever there is TLS in front of the application.
    pub secure: bool,
}

impl Default for Cookie {
    fn default() -> Self {
        Self { name: "sid".into(), secure: false }
    }
}

/// How much an instance can serve: `workers / mean service time` requests a second.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Capacity {
    /// Requests in service at a time; the rest queue, first come first served.
    pub workers: usize,
    /// Requests that may queue; further ones are answered 503.
    pub queue_limit: usize,
    /// How long a request is in service, beside what its answer needs from the store.
    pub service_time: ServiceTime,
    /// Slower at first, as caches and compilers are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warm_up: Option<WarmUp>,
}

impl Default for Capacity {
    fn default() -> Self {
        Self { workers: 16, queue_limit: 1000, service_time: ServiceTime::Constant { ms: 0.0 }, warm_up: None }
    }
}

/// A distribution of service times, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ServiceTime {
    /// Always the same.
    Constant {
        /// The service time.
        ms: f64,
    },
    /// Anything between two bounds, evenly.
    Uniform {
        /// The shortest.
        from_ms: f64,
        /// The longest.
        to_ms: f64,
    },
    /// Memoryless.
    Exponential {
        /// Its mean.
        mean_ms: f64,
    },
    /// Most are near the median, a few are long.
    Lognormal {
        /// Its median.
        median_ms: f64,
        /// Standard deviation of the logarithm.
        sigma: f64,
    },
}

/// Service times are multiplied by `factor` when the instance becomes ready, falling in a line to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WarmUp {
    /// How long it lasts, in milliseconds.
    pub for_ms: u64,
    /// What it starts with; 1 or more.
    pub factor: f64,
}

/// Background jobs.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Jobs {
    /// Jobs this instance works on at a time.
    pub slots: usize,
    /// A job whose instance has been silent for this long is taken over by another, in milliseconds.
    pub lease_ms: u64,
}

impl Default for Jobs {
    fn default() -> Self {
        Self { slots: 64, lease_ms: 2_000 }
    }
}

/// A password: serialised in clear, never shown by `Debug`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a password.
    pub fn new(clear: impl Into<String>) -> Self {
        Self(clear.into())
    }

    /// The password in clear.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}

impl AppConfig {
    /// Reads a configuration from JSON and checks it.
    ///
    /// # Errors
    /// [`AppError::ConfigSyntax`] when it is no such JSON, [`AppError::ConfigValue`] when a value makes no sense.
    pub fn from_json(json: &str) -> Result<Self, AppError> {
        let config: Self = serde_json::from_str(json).map_err(AppError::ConfigSyntax)?;
        config.check()?;
        Ok(config)
    }

    /// # Errors
    /// [`AppError::ConfigValue`] naming the first field that makes no sense.
    pub(super) fn check(&self) -> Result<(), AppError> {
        let refuse = |field: &'static str, found: String, wanted: &'static str| {
            Err(AppError::ConfigValue { field, found, wanted })
        };
        for (field, name) in [("instance", &self.instance), ("zone", &self.zone), ("cookie.name", &self.cookie.name)] {
            // They end up in headers; a letter a header cannot carry would show only at the first request.
            let fits = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
            if !fits {
                return refuse(field, format!("{name:?}"), "letters, digits, '-', '_' and '.'");
            }
        }
        for (field, count) in [
            ("capacity.workers", self.capacity.workers as u64),
            ("jobs.slots", self.jobs.slots as u64),
            ("jobs.lease_ms", self.jobs.lease_ms),
            ("store.timeout_ms", self.store.timeout_ms),
            ("session_ttl_ms", self.session_ttl_ms),
            ("absolute_timeout_ms", self.absolute_timeout_ms),
            ("user_data_ttl_ms", self.user_data_ttl_ms),
        ] {
            if count == 0 {
                return refuse(field, "0".into(), "at least 1");
            }
        }
        // A semaphore cannot count further, and Redis keeps times in signed 64-bit milliseconds.
        if self.capacity.workers > 1_000_000 {
            return refuse("capacity.workers", self.capacity.workers.to_string(), "at most 1000000");
        }
        let (ServiceTime::Constant { ms }
        | ServiceTime::Uniform { from_ms: ms, .. }
        | ServiceTime::Exponential { mean_ms: ms }
        | ServiceTime::Lognormal { median_ms: ms, .. }) = self.capacity.service_time;
        if !(0.0..=3_600_000.0).contains(&ms) {
            return refuse("capacity.service_time", ms.to_string(), "milliseconds between 0 and 3600000");
        }
        if let ServiceTime::Uniform { from_ms, to_ms } = self.capacity.service_time
            && !(from_ms..=3_600_000.0).contains(&to_ms)
        {
            return refuse("capacity.service_time.uniform.to_ms", to_ms.to_string(), "between from_ms and 3600000");
        }
        if let ServiceTime::Lognormal { sigma, .. } = self.capacity.service_time
            && !(0.0..=5.0).contains(&sigma)
        {
            return refuse("capacity.service_time.lognormal.sigma", sigma.to_string(), "between 0 and 5");
        }
        if let Some(WarmUp { factor, .. }) = self.capacity.warm_up
            && !(1.0..=1000.0).contains(&factor)
        {
            return refuse("capacity.warm_up.factor", factor.to_string(), "between 1 and 1000");
        }
        self.store.check()
    }
}

impl StoreConfig {
    fn check(&self) -> Result<(), AppError> {
        let refuse = |field: &'static str, found: &str, wanted: &'static str| {
            Err(AppError::ConfigValue { field, found: found.to_owned(), wanted })
        };
        match &self.location {
            StoreLocation::Direct(_) => {}
            StoreLocation::Sentinels(Sentinels { addresses, .. }) => {
                if addresses.is_empty() {
                    return refuse("store.location.sentinels.addresses", "none", "at least one host:port");
                }
            }
            StoreLocation::Cluster(nodes) => {
                if nodes.is_empty() {
                    return refuse("store.location.cluster", "none", "at least one host:port");
                }
            }
            StoreLocation::Dynamodb(Dynamodb { table, region, .. }) => {
                for (field, value) in
                    [("store.location.dynamodb.table", table), ("store.location.dynamodb.region", region)]
                {
                    if value.is_empty() {
                        return refuse(field, "\"\"", "its name");
                    }
                }
                for (field, given) in [
                    ("store.username", self.username.is_some()),
                    ("store.password", self.password.is_some()),
                    ("store.tls", self.tls.is_some()),
                    ("store.wait_for_replicas", self.wait_for_replicas > 0),
                ] {
                    if given {
                        return refuse(field, "a value", "nothing: it is for Redis, and the store is DynamoDB");
                    }
                }
            }
        }
        Ok(())
    }
}

fn default_listen() -> IpAddr {
    Ipv4Addr::LOCALHOST.into()
}

fn default_session_ttl_ms() -> u64 {
    30 * 60 * 1000
}

fn default_absolute_timeout_ms() -> u64 {
    12 * 60 * 60 * 1000
}

fn default_user_data_ttl_ms() -> u64 {
    24 * 60 * 60 * 1000
}

fn default_drain_ms() -> u64 {
    2_000
}

fn default_key_prefix() -> String {
    "shop:".into()
}

fn default_store_grace_ms() -> u64 {
    5_000
}

fn default_store_timeout_ms() -> u64 {
    1_000
}
