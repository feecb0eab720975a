//! What is called after a run: to read what AWS has recorded of it, and to publish what came of it.

use super::policy::partition;
use crate::plan::{AwsPlan, Plan};
use serde_json::{Value, json};

/// Statements of an IAM policy that allow it, for a plan of the fleet `aws`.
pub fn statements_after_run(plan: &Plan, aws: &AwsPlan) -> Vec<Value> {
    // None of these calls knows of resources.
    let mut statements = Vec::new();
    let mut reads = vec![
        "cloudwatch:GetMetricData",
        "elasticloadbalancing:DescribeTargetGroups",
        "autoscaling:DescribeAutoScalingGroups",
    ];
    reads.extend(aws.elasticache.as_ref().map(|_| "elasticache:DescribeReplicationGroups"));
    if !aws.cloudwatch_settle.is_zero() {
        statements.push(json!({ "Sid": "ReadMetrics", "Effect": "Allow", "Action": reads, "Resource": "*" }));
    }
    if let Some(log) = &plan.target.access_log {
        let region = log.region.as_deref().or(aws.region.as_deref()).unwrap_or_default();
        let bucket = format!("arn:{}:s3:::{}", partition(region), log.bucket);
        let files = format!("{bucket}/{}AWSLogs/*", log.prefix);
        statements.extend([
            json!({ "Sid": "ListAccessLogs", "Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": bucket }),
            json!({ "Sid": "ReadAccessLogs", "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": files }),
        ]);
    }
    if let Some(cloudwatch) = &plan.publish.cloudwatch {
        let only = json!({ "StringEquals": { "cloudwatch:namespace": cloudwatch.namespace } });
        statements.push(json!({
            "Sid": "Publish", "Effect": "Allow", "Action": ["cloudwatch:PutMetricData"], "Resource": "*", "Condition": only
        }));
    }
    statements
}
