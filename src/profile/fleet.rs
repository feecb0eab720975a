use super::{At, AwsFile, Rate, Span};
use schemars::JsonSchema;
use serde::Deserialize;

/// What serves the load. All keys but `provider`, `capacity_per_instance` and `aws` are for the lab.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FleetFile {
    /// Who runs the fleet. Default: `lab`.
    pub provider: Option<ProviderFile>,
    /// With `aws` and `observe`: requests per second that one instance can serve, where that is known.
    pub capacity_per_instance: Option<At<Rate>>,
    /// With `aws`: which resources are the fleet.
    pub aws: Option<At<AwsFile>>,
    /// Instances at the start. Default: 2.
    pub instances: Option<At<u32>>,
    /// Availability zones; instances are spread evenly. Default: `["zone-a", "zone-b"]`.
    pub zones: Option<At<Vec<String>>>,
    /// Requests that an instance serves at a time. Default: 4.
    pub workers: Option<At<u32>>,
    /// How long a request occupies a worker, written as `scenarios.think` is. An instance's capacity is `workers` over
    /// the mean of this. Default: `lognormal 40ms sigma 0.4`.
    pub service_time: Option<At<String>>,
    /// From an instance's launch until it is in service. Default: `4s`.
    pub boot: Option<At<Span>>,
    /// How a fresh instance is slow at first. Default: it is not.
    pub warm_up: Option<At<WarmUpFile>>,
    /// How long a drained instance goes on serving what it has. Default: `10s`.
    pub drain: Option<At<Span>>,
    /// Time between health checks; two successes make healthy, two failures unhealthy. Default: `500ms`.
    pub health_interval: Option<At<Span>>,
    /// A session unused for this long is forgotten by the application. Default: `30m`.
    pub session_ttl: Option<At<Span>>,
    /// No session of the application lives longer than this. Default: `8h`.
    pub absolute_timeout: Option<At<Span>>,
    /// Whether the balancer speaks TLS. Default: `false`.
    pub tls: Option<At<bool>>,
    /// The session store, and how it is set up.
    pub store: Option<At<LabStoreFile>>,
    /// Scales the fleet by its load. Default: none, only the timeline scales.
    pub autoscaler: Option<At<AutoscalerFile>>,
    /// A defect planted in the application, to show that it is found. Default: none.
    pub defect: Option<At<DefectFile>>,
}

/// Who runs the fleet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProviderFile {
    /// rushhour, on this machine: HAProxy, Redis and the reference application.
    #[default]
    Lab,
    /// Amazon Web Services: an Auto Scaling group behind a load balancer.
    Aws,
    /// Somebody else; it is only watched through its responses.
    Observe,
}

/// How a fresh instance is slow at first.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WarmUpFile {
    /// It takes this many times as long for a request at first, falling evenly to 1.
    pub factor: f64,
    /// Until it is at full speed.
    pub lasts: Span,
}

/// What keeps the lab's sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StoreKindFile {
    /// Redis: one primary, two replicas, three sentinels.
    Sentinel,
    /// Redis Cluster: three primaries, each with a replica in another zone. Wants Redis 7.
    Cluster,
    /// One Redis: starts faster, cannot fail over.
    Single,
    /// A DynamoDB table, of an emulator.
    Dynamodb,
}

/// What reads of a DynamoDB table may miss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReadsFile {
    /// Nothing that was acknowledged.
    Consistent,
    /// Writes of the last moment.
    Eventual,
}

/// The lab's session store. `kind = "single"` takes `persistence` only, `kind = "dynamodb"` `reads` only.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LabStoreFile {
    /// Default: `sentinel`.
    pub kind: Option<At<StoreKindFile>>,
    /// Sentinels, or the nodes of a cluster (`cluster-node-timeout`), take a server that has been silent for this long to
    /// be down. With sentinels `1500ms` at least. Default: `2s`.
    pub down_after: Option<At<Span>>,
    /// A primary with fewer replicas in touch refuses writes; 0 to 2, in a cluster to 1. Default: 0, it never does.
    pub min_replicas_to_write: Option<At<u32>>,
    /// What of the data outlives its processes. Not with `kind = "dynamodb"`. Default: `append-only`.
    pub persistence: Option<At<PersistenceFile>>,
    /// With `kind = "dynamodb"`: what the application's reads may miss. Default: `consistent`.
    pub reads: Option<At<ReadsFile>>,
    /// How long replication is on its way between two nodes. Default: `0ms`, and then a killed primary loses nothing:
    /// the kernel still delivers what was sent. Wants Linux and Redis 7.
    pub link_delay: Option<At<Span>>,
    /// The application acknowledges a write once this many replicas have it (`WAIT`); 0 to 2, in a cluster to 1. Default: 0.
    pub wait_for_replicas: Option<At<u32>>,
}

/// What of the store's data outlives its processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PersistenceFile {
    /// Nothing: replicas have it in memory, and lose it where all restart at once.
    None,
    /// All of it, each ten seconds in which something changed.
    Snapshot,
    /// Every write, in a log that reaches the disk once a second.
    AppendOnly,
}

/// Target tracking on requests per target, as EC2 Auto Scaling does it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AutoscalerFile {
    /// Fewest instances. Default: `instances`.
    pub min: Option<At<u32>>,
    /// Most instances. Default: twice `instances`.
    pub max: Option<At<u32>>,
    /// The rate per healthy instance that the policy holds.
    pub requests_per_target: At<Rate>,
    /// Length of a datapoint. Default: `5s`.
    pub period: Option<At<Span>>,
    /// Consecutive breaching datapoints that raise the alarm. Default: 3.
    pub datapoints: Option<At<u32>>,
    /// A new instance counts neither as capacity nor in the metric for this long after it is in service. Default: `10s`.
    pub warm_up: Option<Span>,
    /// After scaling in, no further scaling in for this long. Default: `60s`.
    pub scale_in_cooldown: Option<Span>,
    /// Datapoints below 90 % of the target that let it scale in. Default: it never scales in.
    pub scale_in_datapoints: Option<At<u32>>,
}

/// What the lab plants to show that the detector works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DefectFile {
    /// Sessions live in the instance's memory.
    LocalSessions,
    /// The same, hidden behind a balancer that pins a client to its instance by cookie.
    StickyLocalSessions,
    /// A session is accepted only in the zone that made it.
    StorePerZone,
    /// Now and then a cart write is acknowledged and dropped.
    DroppedWrites,
    /// Now and then a request is answered with another user's identity.
    SessionMixup,
    /// New instances are slow for their first seconds.
    SlowWarmUp,
    /// The CSRF token of the login form lives in the instance's memory.
    LocalCsrf,
    /// Jobs live in the memory of the instance that took them.
    LocalJobs,
    /// The first instance takes 30 % longer for every request.
    SlowInstance,
    /// An instance that is asked to end ends at once and drops what it has.
    DrainIgnored,
    /// The health check says yes whatever it is asked, also while an instance boots.
    AlwaysHealthy,
    /// Sessions never expire in the store.
    SessionsWithoutTtl,
    /// A session that is used never ends, however old it is.
    NoAbsoluteTimeout,
    /// The store lets anybody in without a password.
    DefaultUserOn,
    /// The store also listens without TLS.
    PlainTextPort,
}
