use super::group::spread;
use super::judge::{Look, seconds};
use crate::audit::check::{Check, Practice};
use crate::fleet::aws::{BalancerSetup, GroupSetup, TargetGroupSetup, Told};
use std::time::Duration;

/// Requests fail for as long as this after an instance died.
const OUT_WITHIN: Duration = Duration::from_secs(30);

pub(super) const TARGET_LOOKS: [Look<TargetGroupSetup>; 3] = [
    (
        Practice {
            name: "health check asks the application",
            why: "an open port says nothing of whether the application behind it can serve",
            remedy: "check by HTTP or HTTPS, at a path that tells readiness",
        },
        asks_application,
    ),
    (
        Practice {
            name: "dead instance is out in time",
            why: "until its health checks have failed, an instance gets its share of requests, and they fail",
            remedy: "shorten the interval of the health checks, such as 5 s, two of which must fail",
        },
        out_in_time,
    ),
    (
        Practice {
            name: "target group without stickiness",
            why: "affinity hides sessions that are not shared, and keeps load on old instances after a scale-out",
            remedy: "switch the target group's stickiness off: a stateless application needs none",
        },
        not_sticky,
    ),
];

const GRACE: Practice = Practice {
    name: "grace outlasts the first health checks",
    why: "an instance that cannot be healthy before its grace is over is replaced again and again",
    remedy: "make the health check grace period longer than the boot and the first good checks together",
};
const SLOW_START: Practice = Practice {
    name: "slow start within the warm-up",
    why: "while an instance starts slowly it takes less than its share; if it counts as warm already, the group grows \
          further than it needs",
    remedy: "make the default instance warm-up at least as long as the target group's slow start, or do without",
};
const SPANS_ZONES: Practice = Practice {
    name: "balancer spans the group's zones",
    why: "instances in a zone that the balancer is not in get no traffic, and a balancer in one zone goes with it",
    remedy: "enable the balancer in each zone that the group launches in, at least two",
};
pub(super) const LOOKS: [Look<BalancerSetup>; 1] = [(
    Practice {
        name: "balancer takes TLS only",
        why: "what is sent in clear, such as passwords and session cookies, can be read on the way",
        remedy: "listen with HTTPS, and let an HTTP listener do nothing but redirect to it",
    },
    takes_tls,
)];

const DRAINS: Practice = Practice {
    name: "deregistration outlasts the longest request",
    why: "what an instance is still answering when the delay is over is cut off, at each scale-in and each deployment",
    remedy: "make the deregistration delay at least as long as the longest request",
};
const CROSS_ZONE: Practice = Practice {
    name: "load is shared across zones",
    why: "without cross-zone balancing each zone gets the same load, whatever number of instances it has",
    remedy: "switch cross-zone load balancing on, or keep as many instances in each zone",
};

fn asks_application(practice: Practice, group: &TargetGroupSetup) -> Check {
    let path = group.check_path.as_deref().map_or(String::new(), |path| format!(" {path}"));
    practice.holds(group.check_protocol.starts_with("HTTP"), format!("{}{path}", group.check_protocol))
}

fn out_in_time(practice: Practice, group: &TargetGroupSetup) -> Check {
    let takes = group.check_interval * group.unhealthy_after;
    let told = format!("{} × {} = {}", group.unhealthy_after, seconds(group.check_interval), seconds(takes));
    practice.holds(takes <= OUT_WITHIN, told)
}

fn not_sticky(practice: Practice, group: &TargetGroupSetup) -> Check {
    let told = group.sticky.as_ref().map_or_else(|| "off".to_owned(), |kind| format!("on ({kind})"));
    practice.holds(group.sticky.is_none(), told)
}

/// `longest_request`: after which users give up.
pub(super) fn drains(group: &Told<TargetGroupSetup>, longest_request: Duration) -> Check {
    match group {
        Err(why) => DRAINS.unknown(why.clone()),
        Ok(group) => {
            let (delay, longest) = (seconds(group.deregistration_delay), seconds(longest_request));
            let told = format!("{delay}; a request takes {longest} at most (`target.timeout`)");
            DRAINS.holds(group.deregistration_delay >= longest_request, told)
        }
    }
}

pub(super) fn of_group_and_targets(told: &Told<(&GroupSetup, &TargetGroupSetup)>) -> [Check; 2] {
    match told {
        Ok((group, target_group)) => [grace(group, target_group), slow_start(group, target_group)],
        Err(why) => [GRACE, SLOW_START].map(|practice| practice.unknown(why.clone())),
    }
}

pub(super) fn of_group_and_balancer(told: &Told<(&GroupSetup, &BalancerSetup)>) -> Check {
    match told {
        Ok((group, balancer)) => spans_zones(group, balancer),
        Err(why) => SPANS_ZONES.unknown(why.clone()),
    }
}

fn grace(group: &GroupSetup, target_group: &TargetGroupSetup) -> Check {
    if !group.health_checks.contains("ELB") {
        return GRACE.not_applicable("the balancer's health checks do not count for the group");
    }
    let healthy = target_group.check_interval * target_group.healthy_after;
    let told = format!("{} of grace; good checks alone take {}", seconds(group.grace), seconds(healthy));
    GRACE.holds(group.grace > healthy, told)
}

fn slow_start(group: &GroupSetup, target_group: &TargetGroupSetup) -> Check {
    if target_group.slow_start.is_zero() {
        return SLOW_START.holds(true, "no slow start");
    }
    let warm_up =
        group.warm_up.map_or_else(|| "no warm-up".to_owned(), |warm_up| format!("{} of warm-up", seconds(warm_up)));
    let told = format!("{} of slow start, {warm_up}", seconds(target_group.slow_start));
    SLOW_START.holds(group.warm_up.is_some_and(|warm_up| warm_up >= target_group.slow_start), told)
}

fn spans_zones(group: &GroupSetup, balancer: &BalancerSetup) -> Check {
    let missing: Vec<&str> =
        group.zones.iter().filter(|zone| !balancer.zones.contains(zone)).map(String::as_str).collect();
    let told = match missing.as_slice() {
        [] => balancer.zones.join(", "),
        missing => format!("{}; not in {}", balancer.zones.join(", "), missing.join(", ")),
    };
    SPANS_ZONES.holds(missing.is_empty() && balancer.zones.len() >= 2, told)
}

/// Attributes of a target group go before those of its balancer.
pub(super) fn cross_zone(
    group: &Told<GroupSetup>,
    target_group: &Told<TargetGroupSetup>,
    balancer: &Told<BalancerSetup>,
) -> Check {
    let (group, on) = match (group, target_group, balancer) {
        (Ok(group), Ok(target_group), Ok(balancer)) => (group, target_group.cross_zone.unwrap_or(balancer.cross_zone)),
        (Err(why), ..) | (_, Err(why), _) | (.., Err(why)) => return CROSS_ZONE.unknown(why.clone()),
    };
    if on {
        return CROSS_ZONE.holds(true, "cross-zone load balancing is on");
    }
    let counts = |zone: &String| group.in_service.iter().filter(|of| *of == zone).count();
    let mut counts = group.zones.iter().map(counts);
    let first = counts.next().unwrap_or(0);
    let (told, _) = spread(group);
    CROSS_ZONE.holds(counts.all(|count| count == first), format!("cross-zone load balancing is off; {told}"))
}

fn takes_tls(practice: Practice, balancer: &BalancerSetup) -> Check {
    let told = |listener: &crate::fleet::aws::ListenerSetup| {
        let redirects = if listener.only_redirects { " (redirects)" } else { "" };
        format!("{} {}{redirects}", listener.protocol, listener.port)
    };
    let all: Vec<String> = balancer.listeners.iter().map(told).collect();
    let is = |protocols: &'static [&'static str]| {
        balancer
            .listeners
            .iter()
            .any(|listener| protocols.contains(&listener.protocol.as_str()) && !listener.only_redirects)
    };
    if is(&["TCP", "TCP_UDP"]) && !is(&["HTTP"]) {
        return practice.not_applicable(format!("{}: TCP is passed on, and instances may take TLS", all.join(", ")));
    }
    practice.holds(is(&["HTTPS", "TLS"]) && !is(&["HTTP", "UDP"]), all.join(", "))
}
