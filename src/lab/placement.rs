use crate::plan::LabPlan;
use std::collections::BTreeMap;

/// The zone for the next instance: the emptiest, and of equals the first. None where there is no zone.
pub(super) fn zone_for_next<'a>(
    zones: impl IntoIterator<Item = &'a String>,
    occupied: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for zone in occupied {
        *counts.entry(zone).or_default() += 1;
    }
    let count = |zone: &str| counts.get(zone).copied().unwrap_or(0);
    zones.into_iter().map(String::as_str).min_by_key(|zone| count(zone))
}

/// Name and zone of the instances a lab begins with.
pub fn founding_instances(plan: &LabPlan) -> Vec<(String, String)> {
    let mut instances: Vec<(String, String)> = Vec::new();
    for number in 1..=plan.instances {
        let occupied = instances.iter().map(|(_, zone)| zone.as_str());
        let zone = zone_for_next(&plan.zones, occupied).unwrap_or_default().to_owned();
        instances.push((instance_name(number), zone));
    }
    instances
}

pub(super) fn instance_name(number: u32) -> String {
    format!("i-{number}")
}

/// Which of these instances (number and zone) goes first when there are too many: the newest in the fullest zone, and
/// of zones equally full the one with the newest instance.
pub(super) fn first_to_go<'a>(instances: impl Iterator<Item = (u32, &'a str)>) -> Option<u32> {
    let mut zones: BTreeMap<&str, (usize, u32)> = BTreeMap::new();
    for (number, zone) in instances {
        let (count, newest) = zones.entry(zone).or_default();
        *count += 1;
        *newest = number.max(*newest);
    }
    zones.into_values().max().map(|(_, newest)| newest)
}

/// Which instances would have to be replaced, the newest of the fullest zone first, for no zone to have two more than
/// another.
pub(super) fn surplus<'a>(zones: &[&'a str], instances: impl Iterator<Item = (u32, &'a str)>) -> Vec<u32> {
    let mut by_zone: BTreeMap<&str, Vec<Option<u32>>> = zones.iter().map(|zone| (*zone, Vec::new())).collect();
    for (number, zone) in instances {
        if let Some(zone) = by_zone.get_mut(zone) {
            zone.push(Some(number));
        }
    }
    let mut too_many = Vec::new();
    while let Some(fullest) = zones.iter().max_by_key(|zone| by_zone[*zone].len())
        && let Some(emptiest) = zones.iter().min_by_key(|zone| by_zone[*zone].len())
        && by_zone[fullest].len() > by_zone[emptiest].len() + 1
    {
        // What takes its place there is not known yet; it is never too many itself.
        let goes = by_zone.get_mut(fullest).and_then(Vec::pop).flatten();
        too_many.extend(goes);
        by_zone.entry(emptiest).or_default().push(None);
    }
    too_many.sort_unstable();
    too_many
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn zones_alternate() {
        let zones = ["a".to_owned(), "b".to_owned()];
        for (occupied, next) in [
            (vec![], "a"),
            (vec!["a"], "b"),
            (vec!["a", "b"], "a"),
            (vec!["b", "b", "a"], "a"),
            (vec!["a", "gone"], "b"),
        ] {
            assert_eq!(zone_for_next(&zones, occupied.iter().copied()), Some(next), "{occupied:?}");
        }
    }

    #[test]
    fn the_newest_of_the_fullest_zone_goes_first() {
        for (instances, first) in [
            (vec![], None),
            (vec![(1, "a")], Some(1)),
            (vec![(1, "a"), (2, "b"), (3, "a")], Some(3)),
            (vec![(1, "a"), (2, "b"), (3, "b"), (9, "a"), (4, "b")], Some(4)),
            (vec![(1, "a"), (2, "b")], Some(2)),
            (vec![(5, "a"), (2, "b")], Some(5)),
        ] {
            assert_eq!(first_to_go(instances.iter().copied()), first, "{instances:?}");
        }
    }

    proptest! {
        /// Whatever is added and removed, no zone ever has two more than another.
        #[test]
        fn zones_stay_even(steps in proptest::collection::vec(any::<bool>(), 1..60)) {
            let zones = ["a".to_owned(), "b".to_owned(), "c".to_owned()];
            let mut instances: Vec<(u32, &str)> = Vec::new();
            for (number, add) in (1..).zip(steps) {
                if add {
                    let zone = zone_for_next(&zones, instances.iter().map(|(_, zone)| *zone)).unwrap();
                    instances.push((number, zone));
                } else if let Some(first) = first_to_go(instances.iter().copied()) {
                    instances.retain(|(number, _)| *number != first);
                }
                let counts: Vec<usize> =
                    zones.iter().map(|zone| instances.iter().filter(|(_, z)| z == zone).count()).collect();
                let spread = counts.iter().max().unwrap() - counts.iter().min().unwrap();
                prop_assert!(spread <= 1, "{counts:?}");
            }
        }
    }
}
