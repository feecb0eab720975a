use serde::{Deserialize, Serialize};
use std::time::Duration;

/// An Auto Scaling group behind a load balancer. Holds no credentials: those are found when they are needed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AwsPlan {
    /// None: the SDK's own configuration says which.
    pub region: Option<String>,
    pub auto_scaling_group: String,
    /// Name or ARN; None: the one that the group registers its instances with.
    pub target_group: Option<String>,
    pub green: Option<GreenPlan>,
    /// Replication group of ElastiCache.
    pub elasticache: Option<String>,
    pub dynamodb_table: Option<String>,
    /// Template of the Fault Injection Service whose experiment takes a zone away; None: a zonal shift does.
    #[serde(default)]
    pub experiment_template: Option<String>,
    /// How long after the run CloudWatch's figures are read; zero: not at all.
    #[serde(default)]
    pub cloudwatch_settle: Duration,
    /// Names of the actions that may be carried out.
    pub allow: Vec<String>,
    /// Requests/s that one instance can serve, where that is known.
    pub capacity_per_instance: Option<f64>,
}

/// The second set of instances, and the listener whose traffic can be shifted to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GreenPlan {
    /// ARN.
    pub listener: String,
    /// Name or ARN.
    pub target_group: String,
    pub auto_scaling_group: String,
}

impl AwsPlan {
    /// The Auto Scaling groups of the fleet: of the first set, and of the second.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        let green = self.green.iter().map(|green| green.auto_scaling_group.as_str());
        std::iter::once(self.auto_scaling_group.as_str()).chain(green)
    }
}
