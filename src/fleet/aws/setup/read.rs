use super::{AlarmSetup, BalancerSetup, GroupSetup, ListenerSetup, PolicySetup, Setup, TargetGroupSetup, Told};
use crate::fleet::aws::call::{CallError, CallFailure};
use crate::fleet::aws::clients::{Clients, target_group_name};
use crate::fleet::aws::config::config as sdk_config;
use crate::plan::AwsPlan;
use aws_sdk_autoscaling::types::AutoScalingGroup;
use aws_sdk_cloudwatch::types::{ComparisonOperator, MetricAlarm};
use aws_sdk_elasticloadbalancingv2::types::{ActionTypeEnum, Listener, LoadBalancer, TargetGroup};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What [`read_setup`] calls, as an IAM policy names it.
pub fn setup_calls(plan: &AwsPlan) -> Vec<&'static str> {
    let mut calls = vec![
        "autoscaling:DescribeAutoScalingGroups",
        "autoscaling:DescribePolicies",
        "cloudwatch:DescribeAlarms",
        "elasticloadbalancing:DescribeListeners",
        "elasticloadbalancing:DescribeLoadBalancerAttributes",
        "elasticloadbalancing:DescribeLoadBalancers",
        "elasticloadbalancing:DescribeTargetGroupAttributes",
        "elasticloadbalancing:DescribeTargetGroups",
    ];
    if plan.elasticache.is_some() {
        calls.extend([
            "elasticache:DescribeCacheClusters",
            "elasticache:DescribeCacheParameters",
            "elasticache:DescribeReplicationGroups",
            "elasticache:DescribeUserGroups",
            "elasticache:DescribeUsers",
        ]);
    }
    if plan.dynamodb_table.is_some() {
        calls.extend(["dynamodb:DescribeContinuousBackups", "dynamodb:DescribeTable", "dynamodb:DescribeTimeToLive"]);
    }
    calls
}

/// Reads how the first set of a fleet is set up. A call that fails leaves the others.
pub async fn read_setup(plan: &AwsPlan) -> Setup {
    setup_of(&Clients::new(&sdk_config(plan.region.as_deref()).await), plan).await
}

pub(in crate::fleet::aws) async fn setup_of(clients: &Clients, plan: &AwsPlan) -> Setup {
    let name = &plan.auto_scaling_group;
    let found = clients.whole_group(name).await;
    let target_group = match (&plan.target_group, found.as_ref().map(AutoScalingGroup::target_group_arns)) {
        (Some(named), _) => clients.whole_target_group(named).await.map_err(|error| error.to_string()),
        (None, Ok([only])) => clients.whole_target_group(only).await.map_err(|error| error.to_string()),
        (None, Ok(several)) => {
            Err(format!("the group has {} target groups; name one as `target_group`", several.len()))
        }
        (None, Err(error)) => Err(error.to_string()),
    };
    let cache = match &plan.elasticache {
        Some(id) => Some(told(clients.cache_setup(id).await)),
        None => None,
    };
    Setup {
        group: told(found.as_ref().map(GroupSetup::of).map_err(Clone::clone)),
        table: match &plan.dynamodb_table {
            Some(name) => Some(told(clients.table_setup(name).await)),
            None => None,
        },
        policies: told(clients.policies_setup(name).await),
        balancer: match &target_group {
            Ok(group) => told(clients.balancer_setup(group).await),
            Err(why) => Err(why.clone()),
        },
        target_group: match &target_group {
            Ok(group) => told(clients.target_group_setup(group).await),
            Err(why) => Err(why.clone()),
        },
        cache,
    }
}

fn told<T>(read: Result<T, CallError>) -> Told<T> {
    read.map_err(|error| error.to_string())
}

fn seconds(count: Option<i32>) -> Duration {
    Duration::from_secs(count.and_then(|count| u64::try_from(count).ok()).unwrap_or(0))
}

fn count(count: Option<i32>) -> u32 {
    count.and_then(|count| u32::try_from(count).ok()).unwrap_or(0)
}

impl GroupSetup {
    fn of(group: &AutoScalingGroup) -> GroupSetup {
        let in_service = group
            .instances()
            .iter()
            .filter(|instance| instance.lifecycle_state.as_ref().is_some_and(|state| state.as_str() == "InService"));
        let suspended = group.suspended_processes().iter().filter_map(|process| process.process_name.clone());
        GroupSetup {
            zones: group.availability_zones().to_vec(),
            in_service: in_service.filter_map(|instance| instance.availability_zone.clone()).collect(),
            desired: count(group.desired_capacity),
            max: count(group.max_size),
            health_checks: group.health_check_type.clone().unwrap_or_default(),
            grace: seconds(group.health_check_grace_period),
            // -1 takes it away again.
            warm_up: group
                .default_instance_warmup
                .filter(|warm_up| *warm_up >= 0)
                .map(|warm_up| seconds(Some(warm_up))),
            suspended: suspended.collect(),
        }
    }
}

impl AlarmSetup {
    fn of(alarm: &MetricAlarm) -> Option<AlarmSetup> {
        let above = [ComparisonOperator::GreaterThanThreshold, ComparisonOperator::GreaterThanOrEqualToThreshold];
        // Of a metric that is computed, each part has a period; the longest counts.
        let parts = alarm.metrics().iter().filter_map(|part| part.metric_stat.as_ref()?.period.or(part.period));
        Some(AlarmSetup {
            name: alarm.alarm_name.clone()?,
            above: alarm.comparison_operator.as_ref().is_none_or(|operator| above.contains(operator)),
            period: seconds(alarm.period.or_else(|| parts.max())),
            datapoints: count(alarm.datapoints_to_alarm.or(alarm.evaluation_periods)).max(1),
        })
    }
}

impl ListenerSetup {
    fn of(listener: &Listener) -> ListenerSetup {
        let redirects = |action: &aws_sdk_elasticloadbalancingv2::types::Action| {
            let to = action.redirect_config.as_ref().and_then(|redirect| redirect.protocol.as_deref());
            action.r#type == Some(ActionTypeEnum::Redirect) && to == Some("HTTPS")
        };
        ListenerSetup {
            port: count(listener.port),
            protocol: listener.protocol.as_ref().map_or_else(String::new, |protocol| protocol.as_str().to_owned()),
            only_redirects: !listener.default_actions().is_empty() && listener.default_actions().iter().all(redirects),
        }
    }
}

impl Clients {
    async fn policies_setup(&self, name: &str) -> Result<Vec<PolicySetup>, CallError> {
        let policies = self.policies(name).await?;
        let alarms = policies.iter().flat_map(|policy| policy.alarms()).filter_map(|alarm| alarm.alarm_name.clone());
        let known = self.alarms(name, alarms.collect()).await?;
        let known: Vec<AlarmSetup> = known.iter().filter_map(AlarmSetup::of).collect();
        let setup = |policy: &aws_sdk_autoscaling::types::ScalingPolicy| {
            let own = |alarm: &&AlarmSetup| {
                policy.alarms().iter().any(|named| named.alarm_name.as_ref() == Some(&alarm.name))
            };
            PolicySetup {
                name: policy.policy_name.clone().unwrap_or_default(),
                enabled: policy.enabled != Some(false),
                target: policy.target_tracking_configuration.as_ref().and_then(|tracking| tracking.target_value),
                alarms: known.iter().filter(own).cloned().collect(),
            }
        };
        Ok(policies.iter().map(setup).collect())
    }

    async fn target_group_setup(&self, group: &TargetGroup) -> Result<TargetGroupSetup, CallError> {
        let arn = group.target_group_arn.as_deref().unwrap_or_default();
        let call = self.call("DescribeTargetGroupAttributes", format!("the target group `{}`", target_group_name(arn)));
        let answer = self.balancing.describe_target_group_attributes().target_group_arn(arn).send().await;
        let answer = answer.map_err(|error| call.failed(error))?;
        let attributes = answer.attributes().iter().filter_map(|pair| Some((pair.key()?, pair.value()?)));
        let attributes: BTreeMap<&str, &str> = attributes.collect();
        let get = |name: &str| attributes.get(name).copied();
        let lasts = |name: &str| Duration::from_secs(get(name).and_then(|value| value.parse().ok()).unwrap_or(0));
        let sticky = get("stickiness.enabled") == Some("true");
        Ok(TargetGroupSetup {
            check_protocol: group.health_check_protocol.as_ref().map_or_else(String::new, |p| p.as_str().to_owned()),
            check_path: group.health_check_path.clone(),
            check_interval: seconds(group.health_check_interval_seconds),
            unhealthy_after: count(group.unhealthy_threshold_count),
            healthy_after: count(group.healthy_threshold_count),
            deregistration_delay: lasts("deregistration_delay.timeout_seconds"),
            sticky: sticky.then(|| get("stickiness.type").unwrap_or("on").to_owned()),
            slow_start: lasts("slow_start.duration_seconds"),
            // `use_load_balancer_configuration` is neither.
            cross_zone: get("load_balancing.cross_zone.enabled").and_then(|value| value.parse().ok()),
        })
    }

    async fn balancer_setup(&self, group: &TargetGroup) -> Result<BalancerSetup, CallError> {
        let name = group.target_group_name.as_deref().unwrap_or_default();
        let call = self.call("DescribeLoadBalancers", format!("the balancer of the target group `{name}`"));
        let Some(arn) = group.load_balancer_arns().first() else {
            return Err(call.error(CallFailure::NotFound, "the target group belongs to no balancer"));
        };
        let answer = self.balancing.describe_load_balancers().load_balancer_arns(arn).send().await;
        let answer = answer.map_err(|error| call.failed(error))?;
        let balancer = answer.load_balancers().first();
        let balancer = balancer.ok_or_else(|| call.error(CallFailure::NotFound, "there is no such balancer"))?;
        let call = self.call("DescribeLoadBalancerAttributes", format!("the balancer `{arn}`"));
        let attributes = self.balancing.describe_load_balancer_attributes().load_balancer_arn(arn).send().await;
        let attributes = attributes.map_err(|error| call.failed(error))?;
        let cross_zone =
            attributes.attributes().iter().find(|pair| pair.key() == Some("load_balancing.cross_zone.enabled"));
        let call = self.call("DescribeListeners", format!("the balancer `{arn}`"));
        let listeners = self.balancing.describe_listeners().load_balancer_arn(arn).into_paginator().items().send();
        let listeners = listeners.collect::<Result<Vec<_>, _>>().await.map_err(|error| call.failed(error))?;
        Ok(BalancerSetup {
            zones: zones(balancer),
            cross_zone: cross_zone.and_then(|pair| pair.value()) == Some("true"),
            listeners: listeners.iter().map(ListenerSetup::of).collect(),
        })
    }
}

fn zones(balancer: &LoadBalancer) -> Vec<String> {
    let zones: BTreeSet<String> =
        balancer.availability_zones().iter().filter_map(|zone| zone.zone_name.clone()).collect();
    zones.into_iter().collect()
}
