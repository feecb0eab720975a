use super::query::{Query, of_balancer, of_group, of_node, of_table};
use crate::fleet::aws::call::{Call, CallError, CallFailure};
use aws_config::SdkConfig;

/// The resources that a fleet is made of, by their names.
#[derive(Clone, Copy, Debug)]
pub struct Resources<'a> {
    pub auto_scaling_group: &'a str,
    /// Name or ARN; None: the one that the group registers its instances with.
    pub target_group: Option<&'a str>,
    /// Replication group of ElastiCache.
    pub elasticache: Option<&'a str>,
    pub dynamodb_table: Option<&'a str>,
}

/// All that is to be asked about a fleet, and what could not be found out of it.
pub(super) async fn queries(sdk: &SdkConfig, of: &Resources<'_>) -> (Vec<Query>, Vec<CallError>) {
    let mut queries = of_group(of.auto_scaling_group);
    queries.extend(of.dynamodb_table.into_iter().flat_map(of_table));
    let mut failed = Vec::new();
    match balancer(sdk, of).await {
        Ok(Some((balancer, targets))) => queries.extend(of_balancer(&balancer, &targets)),
        Ok(None) => {}
        Err(error) => failed.push(error),
    }
    if let Some(id) = of.elasticache {
        match nodes(sdk, id).await {
            Ok(nodes) => queries.extend(nodes.iter().flat_map(|node| of_node(node))),
            Err(error) => failed.push(error),
        }
    }
    (queries, failed)
}

fn call(sdk: &SdkConfig, name: &'static str, on: String) -> Call {
    Call { name, on, region: sdk.region().map_or_else(|| "no region".to_owned(), ToString::to_string) }
}

/// Balancer and target group as CloudWatch names them: the ends of their ARNs. None for a group without a balancer, or with
/// another than an Application Load Balancer.
async fn balancer(sdk: &SdkConfig, of: &Resources<'_>) -> Result<Option<(String, String)>, CallError> {
    let name = match of.target_group {
        Some(name) => name.to_owned(),
        None => match targets_of_group(sdk, of.auto_scaling_group).await? {
            Some(arn) => arn,
            None => return Ok(None),
        },
    };
    let call = call(sdk, "DescribeTargetGroups", format!("the target group `{name}`"));
    let asked = aws_sdk_elasticloadbalancingv2::Client::new(sdk).describe_target_groups();
    let asked = if name.starts_with("arn:") { asked.target_group_arns(&name) } else { asked.names(&name) };
    let answer = asked.send().await.map_err(|error| call.failed(error))?;
    let group = answer.target_groups().first();
    let group = group.ok_or_else(|| call.error(CallFailure::NotFound, "there is no such target group"))?;
    let end = |arn: &str, marker: &str| Some(arn.split_once(marker)?.1.to_owned());
    let targets = group.target_group_arn().and_then(|arn| end(arn, ":targetgroup/"));
    let balancer = group.load_balancer_arns().first().and_then(|arn| end(arn, ":loadbalancer/"));
    let balancer = balancer.filter(|balancer| balancer.starts_with("app/"));
    Ok(balancer.zip(targets.map(|targets| format!("targetgroup/{targets}"))))
}

async fn targets_of_group(sdk: &SdkConfig, group: &str) -> Result<Option<String>, CallError> {
    let call = call(sdk, "DescribeAutoScalingGroups", format!("the Auto Scaling group `{group}`"));
    let asked = aws_sdk_autoscaling::Client::new(sdk).describe_auto_scaling_groups().auto_scaling_group_names(group);
    let answer = asked.send().await.map_err(|error| call.failed(error))?;
    let group = answer.auto_scaling_groups().first();
    Ok(group.and_then(|group| group.target_group_arns().first()).cloned())
}

async fn nodes(sdk: &SdkConfig, id: &str) -> Result<Vec<String>, CallError> {
    let call = call(sdk, "DescribeReplicationGroups", format!("the replication group `{id}`"));
    let asked = aws_sdk_elasticache::Client::new(sdk).describe_replication_groups().replication_group_id(id);
    let answer = asked.send().await.map_err(|error| call.failed(error))?;
    Ok(answer.replication_groups().iter().flat_map(|group| group.member_clusters()).cloned().collect())
}
