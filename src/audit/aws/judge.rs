use super::{balancer, cache, group, table};
use crate::audit::check::{Check, Practice};
use crate::fleet::aws::{Setup, Told, read_setup};
use crate::plan::AwsPlan;
use std::time::Duration;

/// A practice, and whether a part of the deployment keeps it.
pub(super) type Look<T> = (Practice, fn(Practice, &T) -> Check);

const FIREWALL: Practice = Practice {
    name: "security groups let only the balancer in",
    why: "whoever reaches an instance directly goes around the balancer's TLS and its limits",
    remedy: "allow the instances' port from the balancer's security group only, and the store's from the instances' only",
};

/// Reads how a deployment is set up, and judges it. `longest_request`: after which users give up.
pub async fn audit_aws(plan: &AwsPlan, longest_request: Duration) -> Vec<Check> {
    judge(&read_setup(plan).await, longest_request)
}

pub(super) fn judge(setup: &Setup, longest_request: Duration) -> Vec<Check> {
    let Setup { group, policies, target_group, balancer, cache, table } = setup;
    let mut checks = looked(group.as_ref(), &group::LOOKS);
    checks.extend(looked(policies.as_deref(), &group::POLICY_LOOKS));
    checks.extend(looked(target_group.as_ref(), &balancer::TARGET_LOOKS));
    checks.push(balancer::drains(target_group, longest_request));
    checks.extend(balancer::of_group_and_targets(&both(group, target_group)));
    checks.push(balancer::of_group_and_balancer(&both(group, balancer)));
    checks.push(balancer::cross_zone(group, target_group, balancer));
    checks.extend(looked(balancer.as_ref(), &balancer::LOOKS));
    checks.push(
        FIREWALL.not_applicable("not read: the EC2 interface tells of security groups, and rushhour does without"),
    );
    if let Some(cache) = cache {
        checks.extend(looked(cache.as_ref(), &cache::LOOKS));
    }
    if let Some(table) = table {
        checks.extend(looked(table.as_ref(), &table::LOOKS));
    }
    checks
}

fn looked<T: ?Sized>(told: Result<&T, &String>, looks: &[Look<T>]) -> Vec<Check> {
    let look = |(practice, look): &Look<T>| match told {
        Ok(setup) => look(*practice, setup),
        Err(why) => practice.unknown(why.clone()),
    };
    looks.iter().map(look).collect()
}

fn both<'a, A, B>(a: &'a Told<A>, b: &'a Told<B>) -> Told<(&'a A, &'a B)> {
    Ok((a.as_ref().map_err(Clone::clone)?, b.as_ref().map_err(Clone::clone)?))
}

pub(super) fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs())
}
