use super::{ActionFile, At, Span};
use schemars::JsonSchema;
use serde::Deserialize;

/// With `provider = "aws"`: which resources of the account are the fleet. Credentials are no part of a profile: the AWS
/// SDK finds them (environment, profile, SSO, role of the instance or the task), and so it does `AWS_ENDPOINT_URL`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AwsFile {
    /// Default: the SDK's, such as from `AWS_REGION`.
    pub region: Option<At<String>>,
    /// Name of the Auto Scaling group that the instances are in.
    pub auto_scaling_group: At<String>,
    /// Name or ARN of the target group they are registered with. Default: the group's own, where it has just one.
    pub target_group: Option<At<String>>,
    /// What `blue-green` shifts traffic to.
    pub blue_green: Option<BlueGreenFile>,
    /// Id of the ElastiCache replication group that keeps the sessions.
    pub elasticache: Option<At<String>>,
    /// Name of the DynamoDB table that keeps the sessions.
    pub dynamodb_table: Option<At<String>>,
    /// Id of an experiment template of the Fault Injection Service, which `zone-outage` starts. It needs a stop condition.
    /// Default: none, `zone-outage` shifts the balancer's traffic away from the zone (a zonal shift).
    pub experiment_template: Option<At<String>>,
    /// Figures of CloudWatch come minutes late. They are read when this much time has passed after the run; with `0s` they are
    /// not. Default: `3m`.
    pub cloudwatch_settle: Option<At<Span>>,
    /// Actions that the timeline may carry out. What they change must also carry the tag `rushhour:allow` with their
    /// names, separated by spaces. Default: none, the fleet is only watched.
    #[serde(default)]
    pub allow: Vec<At<ActionFile>>,
}

/// A second set of instances, up and healthy before it gets any traffic.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BlueGreenFile {
    /// ARN of the listener whose default action forwards to the target group.
    pub listener: At<String>,
    /// Name or ARN of the second set's target group.
    pub target_group: At<String>,
    /// Name of the second set's Auto Scaling group.
    pub auto_scaling_group: At<String>,
}
