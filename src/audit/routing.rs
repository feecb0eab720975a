use super::application::{Application, Told};
use super::check::{Check, Practice};
use crate::history::{Failure, Outcome, StepId};
use std::collections::{BTreeMap, BTreeSet};

/// Visitors without any cookie, one connection each.
const VISITORS: u32 = 48;
/// The busiest instance over the mean.
const MOST_UNEVEN: f64 = 1.6;
/// Of a random balancer, the busiest instance is as far above its mean (in standard deviations) in less than one of a
/// thousand audits.
const BY_CHANCE: f64 = 4.0;

const ZONES: Practice = Practice {
    name: "instances over zones",
    why: "with all instances in one zone, the zone's outage is the application's",
    remedy: "spread the instances over at least two zones, evenly",
};
const EVEN: Practice = Practice {
    name: "even routing",
    why: "an instance that gets more than its share is the first to be overloaded",
    remedy: "look at the balancer's algorithm, weights and slow start",
};
const STICKY: Practice = Practice {
    name: "no stickiness",
    why: "affinity hides sessions that are not shared, and keeps load on old instances after a scale-out",
    remedy: "switch the balancer's stickiness off: a stateless application needs none",
};

/// What the answers to some visitors tell of whoever served them.
#[derive(Default)]
struct Served {
    by_instance: BTreeMap<String, u32>,
    by_zone: BTreeMap<String, BTreeSet<String>>,
    affinity: BTreeSet<String>,
}

/// Who serves, where, and how evenly: as responses tell.
pub(super) async fn routing(application: &Application<'_>) -> Vec<Check> {
    match served(application).await {
        Ok(served) => vec![zones(&served), even(&served.by_instance), sticky(&served.affinity)],
        Err(why) => [ZONES, EVEN, STICKY].map(|practice| practice.unknown(why.clone())).to_vec(),
    }
}

async fn served(application: &Application<'_>) -> Result<Served, String> {
    let step = open_step(application).await?;
    let mut served = Served::default();
    for visitor in 0..VISITORS {
        let mut visit = application.visits.begin(scenario_of(application, step), visitor);
        let answered = application.visits.take(&mut visit, step).await;
        if let Outcome::Failed(_) = answered.outcome {
            return Err(format!("`{}`: {}", application.step(step).name, Told(&answered)));
        }
        let cookies = application.visits.cookies(&visit).into_iter();
        served.affinity.extend(cookies.filter(|cookie| cookie.is_affinity).map(|cookie| cookie.name));
        let Some(instance) = answered.instance else { continue };
        *served.by_instance.entry(instance.to_string()).or_default() += 1;
        if let Some(zone) = answered.zone {
            served.by_zone.entry(zone.to_string()).or_default().insert(instance.to_string());
        }
    }
    Ok(served)
}

/// The first step that anybody can take without having done anything before.
async fn open_step(application: &Application<'_>) -> Result<StepId, String> {
    let ids = (0..application.plan.steps.len()).map(|at| StepId(at as u16));
    for id in ids.filter(|id| application.step(*id).method == "GET") {
        let mut visit = application.visits.begin(scenario_of(application, id), 0);
        let answered = application.visits.take(&mut visit, id).await;
        if answered.outcome != Outcome::Failed(Failure::NotSent) {
            return Ok(id);
        }
    }
    Err("no GET step of the profile can be taken by a visitor who has done nothing before".to_owned())
}

fn scenario_of(application: &Application<'_>, step: StepId) -> usize {
    usize::from(application.step(step).scenario)
}

fn zones(served: &Served) -> Check {
    let zones = &served.by_zone;
    if zones.is_empty() {
        return ZONES.not_applicable("responses do not tell the zone that served them (`target.zone`)");
    }
    let counts: Vec<String> = zones.iter().map(|(zone, instances)| format!("{} in {zone}", instances.len())).collect();
    let sizes = || zones.values().map(BTreeSet::len);
    let apart = sizes().max().unwrap_or(0) - sizes().min().unwrap_or(0);
    ZONES.holds(zones.len() >= 2 && apart <= 1, counts.join(", "))
}

fn even(served: &BTreeMap<String, u32>) -> Check {
    if served.is_empty() {
        return EVEN.not_applicable("responses do not tell who served them (`target.instance`)");
    }
    let shares: Vec<String> = served.iter().map(|(instance, count)| format!("{instance} {count}")).collect();
    let total: u32 = served.values().sum();
    EVEN.holds(!is_uneven(served.values().copied()), format!("of {total} requests: {}", shares.join(", ")))
}

/// Whether the busiest has more than its share by more than chance.
fn is_uneven(counts: impl Iterator<Item = u32> + Clone) -> bool {
    let share = 1.0 / counts.clone().count() as f64;
    let total = f64::from(counts.clone().sum::<u32>());
    let (mean, deviation) = (total * share, (total * share * (1.0 - share)).sqrt());
    counts.map(f64::from).any(|count| count > mean * MOST_UNEVEN && count > mean + BY_CHANCE * deviation)
}

fn sticky(affinity: &BTreeSet<String>) -> Check {
    let names: Vec<&str> = affinity.iter().map(String::as_str).collect();
    let seen = match names.as_slice() {
        [] => "no affinity cookie".to_owned(),
        names => format!("the balancer sets the cookie {}", names.join(", ")),
    };
    STICKY.holds(affinity.is_empty(), seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routing_is_uneven_only_where_chance_does_not_explain_it() {
        for (counts, uneven) in [
            (vec![48], false),
            (vec![24, 24], false),
            (vec![31, 17], false),
            (vec![44, 4], true),
            // Of four at random, one is often at 20; of twelve, at twice the mean.
            (vec![20, 10, 9, 9], false),
            (vec![8, 4, 4, 4, 4, 4, 4, 4, 4, 3, 3, 2], false),
            (vec![30, 6, 6, 6], true),
        ] {
            assert_eq!(is_uneven(counts.iter().copied()), uneven, "{counts:?}");
        }
    }
}
