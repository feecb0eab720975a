use super::{AwsPlan, Distribution};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What serves the load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "provider", rename_all = "kebab-case")]
pub enum FleetPlan {
    /// The fleet on this machine.
    Lab(LabPlan),
    /// An Auto Scaling group behind a load balancer.
    Aws(AwsPlan),
    /// Somebody else's fleet, only watched through its responses. `capacity_per_instance` (requests/s) is told by the
    /// profile, if known.
    Observe { capacity_per_instance: Option<f64> },
}

impl FleetPlan {
    /// Requests/s that one warm instance can serve, where that is known.
    pub fn capacity_per_instance(&self) -> Option<f64> {
        match self {
            FleetPlan::Lab(lab) => Some(lab.capacity_per_instance()),
            FleetPlan::Aws(AwsPlan { capacity_per_instance, .. }) | FleetPlan::Observe { capacity_per_instance } => {
                *capacity_per_instance
            }
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabPlan {
    /// Instances at the start.
    pub instances: u32,
    pub zones: Vec<String>,
    /// Requests an instance serves at a time.
    pub workers: u32,
    /// How long one request occupies a worker.
    pub service_time: Distribution,
    /// From launch to in service.
    pub boot_time: Duration,
    pub warm_up: WarmUp,
    /// How long a drained instance goes on serving what it has.
    pub drain: Duration,
    /// HAProxy's health check interval; two successes make healthy, two failures unhealthy.
    pub health_interval: Duration,
    pub session_ttl: Duration,
    pub absolute_timeout: Duration,
    pub tls: bool,
    pub store: LabStore,
    pub autoscaler: Option<AutoscalerPlan>,
    pub defect: Option<Defect>,
    pub users: u32,
}

impl LabPlan {
    /// Requests/s one warm instance can serve: workers over mean service time.
    pub fn capacity_per_instance(&self) -> f64 {
        f64::from(self.workers) / self.service_time.mean_seconds()
    }
}

/// A fresh instance serves `factor` times as slowly at first, falling evenly to 1 over `lasts`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct WarmUp {
    pub factor: f64,
    pub lasts: Duration,
}

/// What keeps the lab's sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StoreKind {
    /// Redis: one primary, two replicas, three sentinels.
    Sentinel,
    /// Redis Cluster: three primaries, each with a replica.
    Cluster,
    /// One Redis: starts faster, cannot fail over.
    Single,
    /// A DynamoDB table, of an emulator.
    Dynamodb,
}

/// What reads of a DynamoDB table may miss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reads {
    /// Nothing that was acknowledged.
    #[default]
    Consistent,
    /// Writes of the last moment.
    Eventual,
}

impl StoreKind {
    /// Replicas of each primary of Redis.
    pub fn replicas(self) -> u32 {
        match self {
            StoreKind::Sentinel => 2,
            StoreKind::Cluster => 1,
            StoreKind::Single | StoreKind::Dynamodb => 0,
        }
    }
}

/// How the lab's store is set up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabStore {
    pub kind: StoreKind,
    /// A server that has been silent for this long is taken to be down.
    pub down_after: Duration,
    /// A primary with fewer replicas in touch refuses writes; 0: it never does.
    pub min_replicas_to_write: u32,
    pub persistence: Persistence,
    /// How long replication traffic is on its way, each way. Zero: straight through the kernel, and then nothing is
    /// ever lost with a killed primary, because the kernel still delivers what was sent.
    pub link_delay: Duration,
    /// The application acknowledges a write once this many replicas have it (`WAIT`); 0: once the primary has it.
    pub wait_for_replicas: u32,
    /// What the application's reads of a table may miss.
    #[serde(default)]
    pub reads: Reads,
}

impl Default for LabStore {
    fn default() -> LabStore {
        LabStore {
            kind: StoreKind::Sentinel,
            down_after: Duration::from_secs(2),
            min_replicas_to_write: 0,
            persistence: Persistence::AppendOnly,
            link_delay: Duration::ZERO,
            wait_for_replicas: 0,
            reads: Reads::Consistent,
        }
    }
}

/// What of the store's data outlives its processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Persistence {
    None,
    /// All data, each ten seconds in which something changed.
    Snapshot,
    /// Every write, in a log that reaches the disk once a second.
    AppendOnly,
}

/// Target tracking on requests per target, as EC2 Auto Scaling does it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AutoscalerPlan {
    pub min: u32,
    pub max: u32,
    /// Requests/s and healthy target that the policy holds.
    pub requests_per_target: f64,
    /// Length of a datapoint.
    pub period: Duration,
    /// Consecutive breaching datapoints that raise the alarm.
    pub datapoints: u32,
    /// A new instance counts neither as capacity nor in the metric for this long after it is in service.
    pub warm_up: Duration,
    /// After scaling in, no further scaling in for this long. Scaling out is never held back.
    pub scale_in_cooldown: Duration,
    /// Datapoints below 90 % of the target that let it scale in; none: it never scales in.
    pub scale_in_datapoints: Option<u32>,
}

/// What the lab plants to show that the detector works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Defect {
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
    /// The first instance takes [`Defect::SLOW_INSTANCE`] times as long for every request.
    SlowInstance,
    /// An instance that is asked to end ends at once and drops what it has.
    DrainIgnored,
    /// The health check says yes whatever it is asked.
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

impl Defect {
    pub const ALL: [Defect; 15] = [
        Defect::LocalSessions,
        Defect::StickyLocalSessions,
        Defect::StorePerZone,
        Defect::DroppedWrites,
        Defect::SessionMixup,
        Defect::SlowWarmUp,
        Defect::LocalCsrf,
        Defect::LocalJobs,
        Defect::SlowInstance,
        Defect::DrainIgnored,
        Defect::AlwaysHealthy,
        Defect::SessionsWithoutTtl,
        Defect::NoAbsoluteTimeout,
        Defect::DefaultUserOn,
        Defect::PlainTextPort,
    ];

    pub const SLOW_INSTANCE: f64 = 1.3;
}
