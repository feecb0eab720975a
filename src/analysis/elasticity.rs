//! How closely the fleet followed the load: the elasticity metrics of the SPEC Research Group (N. Herbst et al.,
//! "Quantifying Cloud Performance and Dependability", ACM TOMPECS 3(4), 2018, §3), in the variant that is normalised by
//! demand.

use super::ElasticityFigures;

/// Demand is taken over as many seconds together, so that the chance of single arrivals does not make it flap.
pub(super) const INTERVAL: usize = 10;

/// Instances in an interval: needed for the load offered, and there to serve it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Interval {
    pub demand: u32,
    pub supply: u32,
}

impl Interval {
    /// `rate` and `capacity` in requests/s. Where there is a service at all, there is one instance.
    pub(super) fn new(rate: f64, capacity: f64, supply: u32) -> Interval {
        Interval { demand: (rate / capacity).ceil().max(1.0) as u32, supply }
    }
}

/// None of less than two intervals, or where it is never known what there was to serve.
pub(super) fn elasticity(intervals: &[Interval]) -> Option<ElasticityFigures> {
    if intervals.len() < 2 || intervals.iter().all(|i| i.supply == 0) {
        return None;
    }
    let mean = |value: &dyn Fn(&Interval) -> f64| intervals.iter().map(value).sum::<f64>() / intervals.len() as f64;
    let short = |i: &Interval| f64::from(i.demand.saturating_sub(i.supply));
    let spare = |i: &Interval| f64::from(i.supply.saturating_sub(i.demand));
    let moved_apart = |pair: &&[Interval]| pair[0].demand.cmp(&pair[1].demand) != pair[0].supply.cmp(&pair[1].supply);
    Some(ElasticityFigures {
        interval_seconds: INTERVAL as u32,
        under_accuracy: mean(&|i| short(i) / f64::from(i.demand)),
        over_accuracy: mean(&|i| spare(i) / f64::from(i.demand)),
        under_timeshare: mean(&|i| f64::from(u8::from(short(i) > 0.0))),
        over_timeshare: mean(&|i| f64::from(u8::from(spare(i) > 0.0))),
        instability: intervals.windows(2).filter(moved_apart).count() as f64 / (intervals.len() - 1) as f64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn figures(list: &[(u32, u32)]) -> Option<ElasticityFigures> {
        let intervals: Vec<Interval> = list.iter().map(|&(demand, supply)| Interval { demand, supply }).collect();
        elasticity(&intervals)
    }

    #[test]
    fn a_fleet_that_lags_by_an_interval_is_short_and_then_spare() {
        let found = figures(&[(2, 2), (4, 2), (4, 4), (2, 4), (2, 2)]).unwrap();
        assert_eq!((found.under_timeshare, found.over_timeshare), (0.2, 0.2));
        // Short of 2 of 4, then 2 more than the 2 that are needed.
        assert!((found.under_accuracy - 0.5 / 5.0).abs() < 1e-12 && (found.over_accuracy - 1.0 / 5.0).abs() < 1e-12);
        // Demand and supply never move together.
        assert_eq!(found.instability, 1.0);
    }

    #[test]
    fn nothing_is_said_of_what_is_not_known() {
        assert_eq!(figures(&[(2, 2)]), None);
        assert_eq!(figures(&[(2, 0), (3, 0)]), None);
    }

    #[test]
    fn demand_is_whole_instances_and_at_least_one() {
        let demand = |rate| Interval::new(rate, 50.0, 1).demand;
        assert_eq!([0.0, 1.0, 50.0, 50.1, 200.0].map(demand), [1, 1, 1, 2, 4]);
    }

    proptest! {
        #[test]
        fn a_fleet_that_is_always_right_has_no_fault(demand in prop::collection::vec(1u32..50, 2..50)) {
            let list: Vec<(u32, u32)> = demand.iter().map(|d| (*d, *d)).collect();
            let found = figures(&list).unwrap();
            prop_assert_eq!(
                [found.under_accuracy, found.over_accuracy, found.under_timeshare, found.over_timeshare, found.instability],
                [0.0; 5]
            );
        }
    }
}
