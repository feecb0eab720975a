use super::call::{Call, CallError, CallFailure};
use super::reading::{
    ActivityReading, AlarmReading, AlarmState, GroupReading, ListenerReading, NodeReading, StoreReading, TargetReading,
    Weight,
};
use aws_config::SdkConfig;
use aws_sdk_autoscaling::primitives::DateTime;
use aws_sdk_autoscaling::types::{AutoScalingGroup, ScalingPolicy};
use aws_sdk_cloudwatch::types::MetricAlarm;
use aws_sdk_elasticache::types::ReplicationGroup;
use aws_sdk_elasticloadbalancingv2::types::TargetGroup;
use std::time::SystemTime;

/// The services that an AWS fleet is made of, and what is asked of them in one place.
#[derive(Clone, Debug)]
pub(super) struct Clients {
    pub autoscaling: aws_sdk_autoscaling::Client,
    pub balancing: aws_sdk_elasticloadbalancingv2::Client,
    pub cloudwatch: aws_sdk_cloudwatch::Client,
    pub dynamodb: aws_sdk_dynamodb::Client,
    pub elasticache: aws_sdk_elasticache::Client,
    pub faults: aws_sdk_fis::Client,
    pub shifting: aws_sdk_arczonalshift::Client,
    region: String,
}

/// Pages of scaling activities that are read at a time; each has a hundred.
const ACTIVITY_PAGES: usize = 5;

impl Clients {
    pub fn new(config: &SdkConfig) -> Clients {
        Clients {
            autoscaling: aws_sdk_autoscaling::Client::new(config),
            balancing: aws_sdk_elasticloadbalancingv2::Client::new(config),
            cloudwatch: aws_sdk_cloudwatch::Client::new(config),
            dynamodb: aws_sdk_dynamodb::Client::new(config),
            elasticache: aws_sdk_elasticache::Client::new(config),
            faults: aws_sdk_fis::Client::new(config),
            shifting: aws_sdk_arczonalshift::Client::new(config),
            region: config.region().map_or_else(|| "no region".to_owned(), |region| region.to_string()),
        }
    }

    pub fn region(&self) -> &str {
        &self.region
    }

    pub fn call(&self, name: &'static str, on: impl Into<String>) -> Call {
        Call { name, on: on.into(), region: self.region.clone() }
    }

    /// The groups of these names, all of them.
    pub async fn groups(&self, names: &[String]) -> Result<Vec<GroupReading>, CallError> {
        let call = self.call("DescribeAutoScalingGroups", group(&names.join("`, `")));
        let asked = self.autoscaling.describe_auto_scaling_groups().set_auto_scaling_group_names(Some(names.to_vec()));
        let answer = asked.send().await.map_err(|error| call.failed(error))?;
        let groups: Vec<GroupReading> = answer.auto_scaling_groups().iter().map(GroupReading::of).collect();
        match names.iter().find(|name| groups.iter().all(|group| group.name != **name)) {
            None => Ok(groups),
            Some(missing) => {
                let call = self.call("DescribeAutoScalingGroups", group(missing));
                Err(call.error(CallFailure::NotFound, "there is no such group"))
            }
        }
    }

    /// Activities that began since then, oldest first.
    pub async fn activities(&self, name: &str, since: SystemTime) -> Result<Vec<ActivityReading>, CallError> {
        let call = self.call("DescribeScalingActivities", group(name));
        let mut found = Vec::new();
        let mut token = None;
        for _ in 0..ACTIVITY_PAGES {
            let asked = self.autoscaling.describe_scaling_activities().auto_scaling_group_name(name);
            let answer = asked.set_next_token(token).send().await.map_err(|error| call.failed(error))?;
            let page: Vec<ActivityReading> = answer.activities().iter().filter_map(ActivityReading::of).collect();
            let older = page.iter().any(|activity| activity.started < since);
            found.extend(page.into_iter().filter(|activity| activity.started >= since));
            token = answer.next_token;
            // They come newest first.
            if older || token.is_none() {
                break;
            }
        }
        found.sort_by_key(|activity| activity.started);
        Ok(found)
    }

    /// Names of the alarms that make a group grow.
    pub async fn growing_alarms(&self, name: &str) -> Result<Vec<AlarmReading>, CallError> {
        let policies = self.policies(name).await?;
        let shrinking = |policy: &ScalingPolicy| {
            let adjusts = policy.step_adjustments().iter().filter_map(|step| step.scaling_adjustment);
            adjusts.chain(policy.scaling_adjustment).any(|by| by < 0)
        };
        let growing = policies.iter().filter(|policy| !shrinking(policy));
        let alarms: Vec<(String, bool)> = growing
            .flat_map(|policy| {
                let tracking = policy.target_tracking_configuration.is_some();
                policy.alarms().iter().filter_map(move |alarm| Some((alarm.alarm_name.clone()?, tracking)))
            })
            .collect();
        let known = self.alarms(name, alarms.iter().map(|(name, _)| name.clone()).collect()).await?;
        // Target tracking has two alarms, and shrinks by the one below its target.
        let tracks = |name: &str| alarms.iter().any(|(alarm, tracking)| *tracking && alarm == name);
        let readings = known.iter().filter_map(AlarmReading::of);
        Ok(readings.filter(|alarm| alarm.above || !tracks(&alarm.name)).collect())
    }

    pub async fn policies(&self, name: &str) -> Result<Vec<ScalingPolicy>, CallError> {
        let call = self.call("DescribePolicies", group(name));
        let asked = self.autoscaling.describe_policies().auto_scaling_group_name(name).into_paginator().items().send();
        asked.collect::<Result<Vec<_>, _>>().await.map_err(|error| call.failed(error))
    }

    /// Alarms of a group, by their names.
    pub async fn alarms(&self, name: &str, alarms: Vec<String>) -> Result<Vec<MetricAlarm>, CallError> {
        if alarms.is_empty() {
            // Without names all alarms of the account would be told.
            return Ok(Vec::new());
        }
        let call = self.call("DescribeAlarms", format!("the alarms of {}", group(name)));
        let asked = self.cloudwatch.describe_alarms().set_alarm_names(Some(alarms));
        Ok(asked.send().await.map_err(|error| call.failed(error))?.metric_alarms.unwrap_or_default())
    }

    /// Changes of an alarm's state from then on, oldest first.
    pub async fn alarm_history(&self, alarm: &AlarmReading, since: SystemTime) -> Result<Vec<AlarmState>, CallError> {
        let call = self.call("DescribeAlarmHistory", format!("the alarm `{}`", alarm.name));
        let asked = self
            .cloudwatch
            .describe_alarm_history()
            .alarm_name(&alarm.name)
            .history_item_type(aws_sdk_cloudwatch::types::HistoryItemType::StateUpdate)
            .start_date(DateTime::from(since))
            .scan_by(aws_sdk_cloudwatch::types::ScanBy::TimestampAscending);
        let items = asked.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await;
        let items = items.map_err(|error| call.failed(error))?;
        Ok(items.iter().filter_map(|item| AlarmState::of(item, alarm)).collect())
    }

    /// ARN of a target group, by its name or its ARN. That it is there is known then.
    pub async fn target_group_arn(&self, name: &str) -> Result<String, CallError> {
        Ok(self.whole_target_group(name).await?.target_group_arn.unwrap_or_default())
    }

    pub async fn whole_target_group(&self, name: &str) -> Result<TargetGroup, CallError> {
        let call = self.call("DescribeTargetGroups", format!("the target group `{name}`"));
        let asked = self.balancing.describe_target_groups();
        let asked = if name.starts_with("arn:") { asked.target_group_arns(name) } else { asked.names(name) };
        let found = asked.send().await.map_err(|error| call.failed(error))?.target_groups.unwrap_or_default();
        found.into_iter().next().ok_or_else(|| call.error(CallFailure::NotFound, "there is no such target group"))
    }

    pub async fn whole_group(&self, name: &str) -> Result<AutoScalingGroup, CallError> {
        let call = self.call("DescribeAutoScalingGroups", group(name));
        let answer = self.autoscaling.describe_auto_scaling_groups().auto_scaling_group_names(name).send().await;
        let found = answer.map_err(|error| call.failed(error))?.auto_scaling_groups.unwrap_or_default();
        found.into_iter().next().ok_or_else(|| call.error(CallFailure::NotFound, "there is no such group"))
    }

    pub async fn targets(&self, arn: &str) -> Result<Vec<TargetReading>, CallError> {
        let call = self.call("DescribeTargetHealth", format!("the target group `{}`", target_group_name(arn)));
        let asked = self.balancing.describe_target_health().target_group_arn(arn);
        let answer = asked.send().await.map_err(|error| call.failed(error))?;
        Ok(answer.target_health_descriptions().iter().filter_map(TargetReading::of).collect())
    }

    pub async fn listener(&self, arn: &str) -> Result<ListenerReading, CallError> {
        let call = self.call("DescribeListeners", format!("the listener `{arn}`"));
        let asked = self.balancing.describe_listeners().listener_arns(arn);
        let answer = asked.send().await.map_err(|error| call.failed(error))?;
        let listener = answer.listeners().first();
        let listener = listener.ok_or_else(|| call.error(CallFailure::NotFound, "there is no such listener"))?;
        ListenerReading::of(listener).map_err(|why| call.error(CallFailure::Refused, why))
    }

    /// Gives a listener's traffic to these target groups.
    pub async fn weigh(&self, listener: &ListenerReading, weights: &[Weight]) -> Result<(), CallError> {
        let call = self.call("ModifyListener", format!("the listener `{}`", listener.arn));
        let action = listener.forwarding(weights);
        let asked = self.balancing.modify_listener().listener_arn(&listener.arn).default_actions(action);
        asked.send().await.map(drop).map_err(|error| call.failed(error))
    }

    pub async fn replication_group(&self, id: &str) -> Result<StoreReading, CallError> {
        let group = self.whole_replication_group(id).await?;
        let nodes = group.node_groups().iter().flat_map(|shard| shard.node_group_members().iter());
        Ok(StoreReading {
            arn: group.arn.clone().unwrap_or_default(),
            status: group.status.clone().unwrap_or_default(),
            shards: group.node_groups().iter().filter_map(|shard| shard.node_group_id.clone()).collect(),
            nodes: nodes.filter_map(NodeReading::of).collect(),
        })
    }

    pub async fn whole_replication_group(&self, id: &str) -> Result<ReplicationGroup, CallError> {
        let call = self.call("DescribeReplicationGroups", replication_group(id));
        let asked = self.elasticache.describe_replication_groups().replication_group_id(id);
        let found = asked.send().await.map_err(|error| call.failed(error))?.replication_groups.unwrap_or_default();
        found.into_iter().next().ok_or_else(|| call.error(CallFailure::NotFound, "there is no such replication group"))
    }

    /// Of a balancer or a listener.
    pub async fn tags_of(&self, arn: &str, what: String) -> Result<Vec<(String, String)>, CallError> {
        let call = self.call("DescribeTags", what);
        let answer = self.balancing.describe_tags().resource_arns(arn).send().await;
        let answer = answer.map_err(|error| call.failed(error))?;
        let tags = answer.tag_descriptions().iter().flat_map(|described| described.tags());
        Ok(tags.filter_map(|tag| Some((tag.key.clone()?, tag.value.clone().unwrap_or_default()))).collect())
    }
}

pub(super) fn group(name: &str) -> String {
    format!("the Auto Scaling group `{name}`")
}

pub(super) fn replication_group(id: &str) -> String {
    format!("the replication group `{id}`")
}

/// `web` of `arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web/73e2d6bc24d8a067`.
pub(super) fn target_group_name(arn: &str) -> &str {
    arn.split('/').nth(1).unwrap_or(arn)
}
