use super::judge::{Look, seconds};
use crate::audit::check::{Check, Practice};
use crate::fleet::aws::{AlarmSetup, GroupSetup, PolicySetup};
use std::collections::BTreeMap;
use std::time::Duration;

/// Target tracking of a load balancer's requests raises its alarm after three minutes of it, which cannot be changed;
/// what takes longer than this is somebody's choice.
const DETECTED_WITHIN: Duration = Duration::from_secs(300);

pub(super) const LOOKS: [Look<GroupSetup>; 4] = [
    (
        Practice {
            name: "Auto Scaling group spans zones",
            why: "with all instances in one zone, the zone's outage is the application's",
            remedy: "give the group subnets in at least two zones, and do not suspend AZRebalance",
        },
        spans_zones,
    ),
    (
        Practice {
            name: "group replaces what the balancer finds unhealthy",
            why: "an instance that runs and does not answer stays for ever where only EC2's own checks count",
            remedy: "set the group's health check type to ELB",
        },
        replaces_unhealthy,
    ),
    (
        Practice {
            name: "group has room to grow",
            why: "a policy cannot launch what the group's size forbids, whatever the load",
            remedy: "raise the group's maximum size above what it needs at its peak",
        },
        has_room,
    ),
    (
        Practice {
            name: "default instance warm-up",
            why: "without it the figures of instances that still start count, and the group grows too far or too late",
            remedy: "set the group's default instance warm-up to the time from launch to full speed, as a run measures it",
        },
        warms_up,
    ),
];

pub(super) const POLICY_LOOKS: [Look<[PolicySetup]>; 2] = [
    (
        Practice {
            name: "group tracks a target",
            why: "steps and schedules have to be right beforehand; a target is kept whatever the load does",
            remedy: "give the group a target tracking policy, best on requests per target (ALBRequestCountPerTarget)",
        },
        tracks,
    ),
    (
        Practice {
            name: "load is noticed in time",
            why: "no instance is launched before the alarm: its period times its datapoints is the least that takes",
            remedy: "use metrics of one minute (detailed monitoring) and few datapoints",
        },
        notices,
    ),
];

/// How many are in each zone, and whether they are spread evenly.
pub(super) fn spread(group: &GroupSetup) -> (String, bool) {
    let mut zones: BTreeMap<&str, usize> = group.zones.iter().map(|zone| (zone.as_str(), 0)).collect();
    group.in_service.iter().for_each(|zone| *zones.entry(zone).or_default() += 1);
    let told: Vec<String> = zones.iter().map(|(zone, count)| format!("{count} in {zone}")).collect();
    let apart = zones.values().max().unwrap_or(&0) - zones.values().min().unwrap_or(&0);
    (told.join(", "), apart <= 1)
}

fn spans_zones(practice: Practice, group: &GroupSetup) -> Check {
    let (mut told, even) = spread(group);
    let suspended = group.suspended.iter().any(|process| process == "AZRebalance");
    if suspended {
        told += "; AZRebalance is suspended";
    }
    practice.holds(group.zones.len() >= 2 && even && !suspended, told)
}

fn replaces_unhealthy(practice: Practice, group: &GroupSetup) -> Check {
    let suspended =
        group.suspended.iter().find(|process| ["HealthCheck", "ReplaceUnhealthy"].contains(&process.as_str()));
    match suspended {
        Some(process) => practice.holds(false, format!("{process} is suspended")),
        None => practice.holds(group.health_checks.contains("ELB"), format!("health checks: {}", group.health_checks)),
    }
}

fn has_room(practice: Practice, group: &GroupSetup) -> Check {
    practice.holds(group.desired < group.max, format!("{} desired of {} at most", group.desired, group.max))
}

fn warms_up(practice: Practice, group: &GroupSetup) -> Check {
    practice.holds(group.warm_up.is_some(), group.warm_up.map_or_else(|| "none".to_owned(), seconds))
}

fn tracks(practice: Practice, policies: &[PolicySetup]) -> Check {
    let told: Vec<String> = policies.iter().map(policy).collect();
    let tracked = policies.iter().any(|policy| policy.enabled && policy.target.is_some());
    practice.holds(tracked, if told.is_empty() { "no scaling policy".to_owned() } else { told.join(", ") })
}

fn policy(policy: &PolicySetup) -> String {
    let kind = match policy.target {
        Some(target) => format!("tracks {target}"),
        None => "no target".to_owned(),
    };
    format!("{} ({kind}{})", policy.name, if policy.enabled { "" } else { ", disabled" })
}

fn notices(practice: Practice, policies: &[PolicySetup]) -> Check {
    let enabled = policies.iter().filter(|policy| policy.enabled);
    let growing = enabled.flat_map(|policy| &policy.alarms).filter(|alarm| alarm.above && !alarm.period.is_zero());
    let Some(first) = growing.min_by_key(|alarm| takes(alarm)) else {
        return practice.not_applicable("no policy has an alarm that grows the group");
    };
    let told = format!(
        "{} × {} = {} at best, by the alarm {}",
        first.datapoints,
        seconds(first.period),
        seconds(takes(first)),
        first.name
    );
    practice.holds(takes(first) <= DETECTED_WITHIN, told)
}

fn takes(alarm: &AlarmSetup) -> Duration {
    alarm.period * alarm.datapoints
}
