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

/// All that is to be asked about a fleet, and what stands in the way of more.
pub(super) async fn queries(sdk: &SdkConfig, of: &Resources<'_>) -> (Vec<Query>, Vec<String>) {
    let mut queries = of_group(of.auto_scaling_group);
    queries.extend(of.dynamodb_table.into_iter().flat_map(of_table));
    let mut trouble = Vec::new();
    match balancer(sdk, of).await {
        Ok(Some((balancer, targets))) if balancer.starts_with("app/") => {
            queries.extend(of_balancer(&balancer, &targets));
        }
        Ok(Some((balancer, _))) => trouble.push(format!(
            "CloudWatch was not asked about the balancer `{balancer}`: only the metrics of an Application Load Balancer \
             are known here"
        )),
        Ok(None) => {}
        Err(error) => trouble.push(error.to_string()),
    }
    if let Some(id) = of.elasticache {
        match nodes(sdk, id).await {
            Ok(nodes) => queries.extend(nodes.iter().flat_map(|node| of_node(node))),
            Err(error) => trouble.push(error.to_string()),
        }
    }
    (queries, trouble)
}

fn call(sdk: &SdkConfig, name: &'static str, on: String) -> Call {
    Call { name, on, region: sdk.region().map_or_else(|| "no region".to_owned(), ToString::to_string) }
}

/// Balancer and target group as CloudWatch names them: the ends of their ARNs. None for a group without a balancer.
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

#[cfg(test)]
mod tests {
    use super::*;
    use aws_config::{BehaviorVersion, Region};
    use aws_sdk_elasticloadbalancingv2::config::{Credentials, SharedCredentialsProvider};
    use aws_smithy_http_client::test_util::infallible_client_fn;
    use aws_smithy_types::body::SdkBody;

    /// A target group of this balancer, whatever is asked.
    fn with_balancer(balancer: &'static str) -> SdkConfig {
        let http = infallible_client_fn(move |_: http::Request<SdkBody>| {
            let arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012";
            let body = format!(
                "<DescribeTargetGroupsResponse><DescribeTargetGroupsResult><TargetGroups><member>\
                 <TargetGroupArn>{arn}:targetgroup/web/2</TargetGroupArn><LoadBalancerArns>\
                 <member>{arn}:loadbalancer/{balancer}</member></LoadBalancerArns></member></TargetGroups>\
                 </DescribeTargetGroupsResult></DescribeTargetGroupsResponse>"
            );
            http::Response::builder().status(200).body(SdkBody::from(body)).unwrap()
        });
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new("test", "test", None, None, "test")))
            .http_client(http)
            .build()
    }

    #[tokio::test]
    async fn a_balancer_whose_metrics_are_not_read_is_told() {
        let unknown = "CloudWatch was not asked about the balancer `net/web/1`: only the metrics of an Application Load \
                       Balancer are known here";
        let cases: [(_, _, &[&str]); 2] = [("app/web/1", true, &[]), ("net/web/1", false, &[unknown])];
        for (balancer, asked, told) in cases {
            let of = Resources {
                auto_scaling_group: "web",
                target_group: Some("web"),
                elasticache: None,
                dynamodb_table: None,
            };
            let (queries, trouble) = queries(&with_balancer(balancer), &of).await;
            let of_balancer = queries.iter().any(|query| query.of == crate::history::MetricOf::Balancer);
            assert_eq!((of_balancer, trouble.iter().map(String::as_str).collect::<Vec<_>>()), (asked, told.to_vec()));
        }
    }
}
