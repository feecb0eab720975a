use super::{CacheSetup, TableSetup};
use std::time::Duration;

/// What was told, or why it was not.
pub type Told<T> = Result<T, String>;

#[derive(Clone, Debug)]
pub struct Setup {
    pub group: Told<GroupSetup>,
    pub policies: Told<Vec<PolicySetup>>,
    pub target_group: Told<TargetGroupSetup>,
    pub balancer: Told<BalancerSetup>,
    /// None where the profile names no replication group.
    pub cache: Option<Told<CacheSetup>>,
    /// None where it names no table.
    pub table: Option<Told<TableSetup>>,
}

/// An Auto Scaling group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupSetup {
    /// Those it may launch in.
    pub zones: Vec<String>,
    /// Zone of each instance that is in service.
    pub in_service: Vec<String>,
    pub desired: u32,
    pub max: u32,
    /// `EC2`, `EC2,ELB`, …
    pub health_checks: String,
    /// For so long after the launch of an instance health checks do not count.
    pub grace: Duration,
    /// The default instance warm-up, where there is one.
    pub warm_up: Option<Duration>,
    /// Processes of the group that are suspended: `AZRebalance`, `Launch`, …
    pub suspended: Vec<String>,
}

/// A scaling policy.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PolicySetup {
    pub name: String,
    pub enabled: bool,
    /// Its target, where it tracks one.
    pub target: Option<f64>,
    pub alarms: Vec<AlarmSetup>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlarmSetup {
    pub name: String,
    /// It is raised above its threshold, not below.
    pub above: bool,
    pub period: Duration,
    /// So many of its last periods must be beyond the threshold.
    pub datapoints: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetGroupSetup {
    /// `HTTP`, `HTTPS`, `TCP`, …
    pub check_protocol: String,
    pub check_path: Option<String>,
    pub check_interval: Duration,
    pub unhealthy_after: u32,
    pub healthy_after: u32,
    pub deregistration_delay: Duration,
    /// The kind of stickiness that is on.
    pub sticky: Option<String>,
    pub slow_start: Duration,
    /// None: as the balancer has it.
    pub cross_zone: Option<bool>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BalancerSetup {
    pub zones: Vec<String>,
    pub cross_zone: bool,
    pub listeners: Vec<ListenerSetup>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListenerSetup {
    pub port: u32,
    pub protocol: String,
    /// All it does is to send clients to https.
    pub only_redirects: bool,
}
