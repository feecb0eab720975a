use super::check::{Check, Practice};
use super::http::{Site, is_affinity};
use std::collections::{BTreeMap, BTreeSet};

/// Requests of visitors without any cookie, one connection each.
const VISITORS: u32 = 48;
/// The busiest instance over the mean. Round robin is at 1; a random balancer is below this in 99 of 100 audits of four
/// instances.
const MOST_UNEVEN: f64 = 1.6;

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

/// Who serves, where, and how evenly: as responses tell.
pub(super) async fn routing(site: &Site, path: &str) -> Vec<Check> {
    let mut served: BTreeMap<String, u32> = BTreeMap::new();
    let mut zones: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut affinity = None;
    for _ in 0..VISITORS {
        let answer = match site.get(path, None).await {
            Ok(answer) => answer,
            Err(error) => return [ZONES, EVEN, STICKY].map(|practice| practice.unknown(error.clone())).to_vec(),
        };
        affinity = affinity.or(answer.cookies().find(|cookie| is_affinity(cookie)).map(str::to_owned));
        let (Some(instance), zone) = (answer.header("x-instance"), answer.header("x-zone")) else { continue };
        *served.entry(instance.to_owned()).or_default() += 1;
        zones.entry(zone.unwrap_or_default().to_owned()).or_default().insert(instance.to_owned());
    }
    let cookie = affinity.as_deref().and_then(|cookie| cookie.split('=').next()).unwrap_or_default();
    let sticky = STICKY.holds(
        affinity.is_none(),
        if affinity.is_some() { format!("the balancer sets the cookie {cookie}") } else { "no affinity cookie".into() },
    );
    if served.is_empty() {
        let why = "responses do not say who served them (X-Instance)";
        return vec![ZONES.unknown(why), EVEN.unknown(why), sticky];
    }
    let counts: Vec<String> = zones.iter().map(|(zone, instances)| format!("{} in {zone}", instances.len())).collect();
    let sizes: Vec<usize> = zones.values().map(BTreeSet::len).collect();
    let apart = sizes.iter().max().unwrap_or(&0) - sizes.iter().min().unwrap_or(&0);
    let shares: Vec<String> = served.iter().map(|(instance, count)| format!("{instance} {count}")).collect();
    let mean = f64::from(served.values().sum::<u32>()) / served.len() as f64;
    let uneven = f64::from(*served.values().max().unwrap_or(&0)) / mean;
    vec![
        ZONES.holds(zones.len() >= 2 && apart <= 1, counts.join(", ")),
        EVEN.holds(uneven <= MOST_UNEVEN, format!("of {VISITORS} requests: {}", shares.join(", "))),
        sticky,
    ]
}
