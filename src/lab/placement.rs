use std::collections::BTreeMap;

/// The zone for the next instance: the emptiest, and of equals the first.
pub(super) fn zone_for_next<'a>(zones: &'a [String], occupied: impl Iterator<Item = &'a str>) -> &'a str {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for zone in occupied {
        *counts.entry(zone).or_default() += 1;
    }
    zones.iter().min_by_key(|zone| counts.get(zone.as_str()).copied().unwrap_or(0)).expect("a lab has a zone")
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
            assert_eq!(zone_for_next(&zones, occupied.iter().copied()), next, "{occupied:?}");
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
                    instances.push((number, zone_for_next(&zones, instances.iter().map(|(_, zone)| *zone))));
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
