//! What AWS said, at one time, without what nobody here needs of it.

use aws_sdk_autoscaling::primitives::DateTime;
use aws_sdk_autoscaling::types::{Activity, AutoScalingGroup};
use aws_sdk_cloudwatch::types::{AlarmHistoryItem, ComparisonOperator, MetricAlarm};
use aws_sdk_elasticache::types::NodeGroupMember;
use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, ForwardActionConfig, Listener, TargetGroupStickinessConfig, TargetGroupTuple,
    TargetHealthDescription,
};
use serde::{Deserialize, Serialize};
use std::time::SystemTime;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct GroupReading {
    pub name: String,
    pub arn: String,
    pub min: u32,
    pub max: u32,
    pub desired: u32,
    pub instances: Vec<InstanceReading>,
    /// ARNs.
    pub target_groups: Vec<String>,
    pub tags: Vec<(String, String)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct InstanceReading {
    pub id: String,
    pub zone: String,
    /// `Pending`, `Pending:Wait`, `InService`, `Terminating`, … and what AWS may add.
    pub lifecycle: String,
    /// What the group takes it for: it replaces what it takes to be unhealthy.
    pub well: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ActivityReading {
    pub id: String,
    pub description: String,
    pub cause: String,
    pub started: SystemTime,
    pub status: String,
    /// Why it failed.
    pub message: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct AlarmReading {
    pub name: String,
    pub threshold: f64,
    /// It is raised above its threshold, not below.
    pub above: bool,
}

/// What became of an alarm.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct AlarmState {
    pub at: SystemTime,
    pub raised: bool,
    pub metric: f64,
    pub threshold: f64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TargetReading {
    /// The instance's id.
    pub id: String,
    /// `initial`, `healthy`, `unhealthy`, `draining`, `unused`, … and what AWS may add.
    pub state: String,
    /// A code and words, where the target is not healthy.
    pub reason: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StoreReading {
    pub arn: String,
    /// `available`, `modifying`, …
    pub status: String,
    pub shards: Vec<String>,
    pub nodes: Vec<NodeReading>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NodeReading {
    pub id: String,
    pub zone: String,
    pub primary: bool,
}

/// A listener that forwards to target groups by weight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ListenerReading {
    pub arn: String,
    pub weights: Vec<Weight>,
    /// For how many seconds a client stays with its target group, where it does.
    pub sticky_seconds: Option<i32>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Weight {
    /// ARN.
    pub target_group: String,
    pub weight: i32,
}

fn time(stamp: &DateTime) -> Option<SystemTime> {
    SystemTime::try_from(*stamp).ok()
}

fn count(written: Option<i32>) -> u32 {
    written.and_then(|count| u32::try_from(count).ok()).unwrap_or(0)
}

impl GroupReading {
    pub fn of(group: &AutoScalingGroup) -> GroupReading {
        let instance = |instance: &aws_sdk_autoscaling::types::Instance| {
            Some(InstanceReading {
                id: instance.instance_id.clone()?,
                zone: instance.availability_zone.clone().unwrap_or_default(),
                lifecycle: instance.lifecycle_state.as_ref()?.as_str().to_owned(),
                well: instance.health_status.as_deref().is_none_or(|status| !status.eq_ignore_ascii_case("unhealthy")),
            })
        };
        GroupReading {
            name: group.auto_scaling_group_name.clone().unwrap_or_default(),
            arn: group.auto_scaling_group_arn.clone().unwrap_or_default(),
            min: count(group.min_size),
            max: count(group.max_size),
            desired: count(group.desired_capacity),
            instances: group.instances().iter().filter_map(instance).collect(),
            target_groups: group.target_group_arns().to_vec(),
            tags: group.tags().iter().filter_map(|tag| Some((tag.key.clone()?, tag.value.clone()?))).collect(),
        }
    }
}

impl InstanceReading {
    /// Instances of a warm pool serve nothing.
    pub fn is_in_the_fleet(&self) -> bool {
        !self.lifecycle.starts_with("Warmed:")
    }

    pub fn is_leaving(&self) -> bool {
        ["Terminating", "Detach", "EnteringStandby", "Standby"].iter().any(|way| self.lifecycle.starts_with(way))
    }

    pub fn is_gone(&self) -> bool {
        matches!(self.lifecycle.as_str(), "Terminated" | "Detached")
    }
}

impl ActivityReading {
    pub fn of(activity: &Activity) -> Option<ActivityReading> {
        Some(ActivityReading {
            id: activity.activity_id.clone()?,
            description: activity.description.clone().unwrap_or_default(),
            cause: activity.cause.clone().unwrap_or_default(),
            started: time(activity.start_time.as_ref()?)?,
            status: activity.status_code.as_ref().map_or_else(String::new, |code| code.as_str().to_owned()),
            message: activity.status_message.clone(),
        })
    }
}

impl AlarmReading {
    pub fn of(alarm: &MetricAlarm) -> Option<AlarmReading> {
        let above = !matches!(
            alarm.comparison_operator,
            Some(ComparisonOperator::LessThanThreshold | ComparisonOperator::LessThanOrEqualToThreshold)
        );
        Some(AlarmReading { name: alarm.alarm_name.clone()?, threshold: alarm.threshold.unwrap_or(0.0), above })
    }
}

/// The part of an alarm's history that is JSON in a string. The field names are CloudWatch's.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HistoryData {
    new_state: NewState,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewState {
    state_value: String,
    #[serde(default)]
    state_reason_data: Option<ReasonData>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReasonData {
    #[serde(default)]
    recent_datapoints: Vec<Option<f64>>,
    threshold: Option<f64>,
}

impl AlarmState {
    pub fn of(item: &AlarmHistoryItem, alarm: &AlarmReading) -> Option<AlarmState> {
        let data: HistoryData = serde_json::from_str(item.history_data.as_deref()?).ok()?;
        let reason = data.new_state.state_reason_data;
        let threshold = reason.as_ref().and_then(|reason| reason.threshold).unwrap_or(alarm.threshold);
        // An alarm that says no more is raised at its threshold at least.
        let latest = reason.and_then(|reason| reason.recent_datapoints.into_iter().flatten().next_back());
        Some(AlarmState {
            at: time(item.timestamp.as_ref()?)?,
            raised: match data.new_state.state_value.as_str() {
                "ALARM" => true,
                "OK" => false,
                // Without data it is neither.
                _ => return None,
            },
            metric: latest.unwrap_or(threshold),
            threshold,
        })
    }
}

impl TargetReading {
    pub fn of(target: &TargetHealthDescription) -> Option<TargetReading> {
        let health = target.target_health.as_ref()?;
        let words = [health.reason.as_ref().map(|reason| reason.as_str()), health.description.as_deref()];
        let words: Vec<&str> = words.into_iter().flatten().collect();
        Some(TargetReading {
            id: target.target.as_ref()?.id.clone()?,
            state: health.state.as_ref()?.as_str().to_owned(),
            reason: (!words.is_empty()).then(|| words.join(": ")),
        })
    }

    pub fn is_healthy(&self) -> bool {
        self.state == "healthy"
    }

    pub fn is_draining(&self) -> bool {
        self.state.ends_with("draining")
    }
}

impl NodeReading {
    /// None where the group has shards: then nobody tells who of them is primary.
    pub fn of(node: &NodeGroupMember) -> Option<NodeReading> {
        Some(NodeReading {
            id: node.cache_cluster_id.clone()?,
            zone: node.preferred_availability_zone.clone().unwrap_or_default(),
            primary: node.current_role.as_deref()? == "primary",
        })
    }
}

impl ListenerReading {
    fn of_forward(arn: &str, action: &Action) -> Option<ListenerReading> {
        if action.r#type != Some(ActionTypeEnum::Forward) {
            return None;
        }
        let weighted = action.forward_config.iter().flat_map(|config| config.target_groups());
        let mut weights: Vec<Weight> = weighted
            .filter_map(|group| {
                let weight = group.weight.unwrap_or(1);
                Some(Weight { target_group: group.target_group_arn.clone()?, weight })
            })
            .collect();
        if let (true, Some(only)) = (weights.is_empty(), &action.target_group_arn) {
            weights.push(Weight { target_group: only.clone(), weight: 1 });
        }
        let sticky = action.forward_config.as_ref().and_then(|config| config.target_group_stickiness_config.as_ref());
        let sticky = sticky.filter(|sticky| sticky.enabled == Some(true)).and_then(|sticky| sticky.duration_seconds);
        Some(ListenerReading { arn: arn.to_owned(), weights, sticky_seconds: sticky })
    }

    /// # Errors
    /// The listener does something else than to forward: that could not be put back.
    pub fn of(listener: &Listener) -> Result<ListenerReading, String> {
        let arn = listener.listener_arn.as_deref().unwrap_or_default();
        match listener.default_actions() {
            [forward] => ListenerReading::of_forward(arn, forward)
                .ok_or_else(|| "its default action is not to forward to target groups".to_owned()),
            several => Err(format!("it has {} default actions; only one that forwards can be weighed", several.len())),
        }
    }

    /// The default action with other weights.
    pub fn forwarding(&self, weights: &[Weight]) -> Action {
        let group = |weight: &Weight| {
            TargetGroupTuple::builder().target_group_arn(&weight.target_group).weight(weight.weight).build()
        };
        let sticky = self
            .sticky_seconds
            .map(|seconds| TargetGroupStickinessConfig::builder().enabled(true).duration_seconds(seconds).build());
        let config = ForwardActionConfig::builder()
            .set_target_groups(Some(weights.iter().map(group).collect()))
            .set_target_group_stickiness_config(sticky)
            .build();
        Action::builder().r#type(ActionTypeEnum::Forward).forward_config(config).build()
    }
}
