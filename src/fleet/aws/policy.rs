use super::permission::TAG;
use super::used::{Resource, of_action, throughout};
use crate::plan::{Action, AwsPlan};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The least IAM policy with which a plan can be run: the calls it makes, on the resources it names. What changes a
/// resource is bound to its tag where the service knows of tags in conditions.
pub fn policy<'a>(plan: &AwsPlan, actions: impl Iterator<Item = &'a Action>) -> Value {
    let mut calls = throughout(plan);
    calls.extend(actions.flat_map(|action| of_action(plan, action)));
    let mut statements: BTreeMap<Resource, BTreeSet<String>> = BTreeMap::new();
    for call in calls {
        let on = match call.on {
            Resource::Listed(_) => Resource::Listed(String::new()),
            named => named,
        };
        statements.entry(on).or_default().insert(format!("{}:{}", call.service, call.name));
    }
    let statements: Vec<Value> = statements.iter().map(|(on, calls)| statement(plan, on, calls)).collect();
    json!({ "Version": "2012-10-17", "Statement": statements })
}

/// The part of AWS that a region is in, as ARNs name it.
pub(super) fn partition(region: &str) -> &'static str {
    match region {
        region if region.starts_with("cn-") => "aws-cn",
        region if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

fn statement(plan: &AwsPlan, on: &Resource, calls: &BTreeSet<String>) -> Value {
    let region = plan.region.as_deref().unwrap_or("*");
    let partition = partition(region);
    let arn = |service: &str, name: &str| format!("arn:{partition}:{service}:{region}:*:{name}");
    let (sid, resources) = match on {
        Resource::Listed(_) => ("Watch", vec!["*".to_owned()]),
        Resource::Group(name) => {
            ("ChangeGroup", vec![arn("autoscaling", &format!("autoScalingGroup:*:autoScalingGroupName/{name}"))])
        }
        Resource::Listener(arn) => ("ShiftTraffic", vec![arn.clone()]),
        Resource::ReplicationGroup(id) => ("Store", vec![arn("elasticache", &format!("replicationgroup:{id}"))]),
        Resource::Snapshots(names) => ("Snapshots", vec![arn("elasticache", &format!("snapshot:{names}"))]),
        Resource::Balancer => ("ShiftFromZone", vec![arn("elasticloadbalancing", "loadbalancer/*")]),
        Resource::Experiments(template) => {
            ("Experiment", vec![arn("fis", &format!("experiment-template/{template}")), arn("fis", "experiment/*")])
        }
    };
    let resource = match resources.as_slice() {
        [only] => json!(only),
        several => json!(several),
    };
    let mut statement = json!({ "Sid": sid, "Effect": "Allow", "Action": calls, "Resource": resource });
    if let Resource::Group(_) | Resource::Listener(_) | Resource::Balancer = on {
        statement["Condition"] = json!({ "Null": { (format!("aws:ResourceTag/{TAG}")): "false" } });
    }
    statement
}
