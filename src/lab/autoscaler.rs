use crate::plan::AutoscalerPlan;
use std::time::Duration;

/// The deciding part of a target-tracking policy, as EC2 Auto Scaling has it: fed with a datapoint each period, told
/// the time, and nothing else.
#[derive(Clone, Debug)]
pub(super) struct Autoscaler {
    plan: AutoscalerPlan,
    /// Consecutive datapoints above the target, and below the share of it at which scaling in begins.
    above: u32,
    below: u32,
    alarm: Alarm,
    scaled_in_at: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Alarm {
    Ok,
    Raised,
}

/// What was seen in one period.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Datapoint {
    /// End of the period, on any clock that does not go back.
    pub(super) at: Duration,
    /// Requests per second and target, over the targets that are warm.
    pub(super) requests_per_target: f64,
    /// Targets that are healthy and warm.
    pub(super) warm: u32,
    /// Instances asked for, warm or not.
    pub(super) desired: u32,
}

/// What follows from a datapoint.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Reaction {
    AlarmRaised,
    AlarmCleared,
    /// The desired count is to change.
    Scale {
        to: u32,
    },
}

/// Below this share of the target it scales in, so that it does not swing about the target (Application Auto Scaling
/// puts the low alarm of a target-tracking policy at 90 % of the target).
const SCALE_IN_BELOW: f64 = 0.9;

impl Autoscaler {
    pub(super) fn new(plan: AutoscalerPlan) -> Autoscaler {
        Autoscaler { plan, above: 0, below: 0, alarm: Alarm::Ok, scaled_in_at: None }
    }

    /// Takes the next datapoint. With no warm target there is nothing to go by, and nothing changes.
    pub(super) fn observe(&mut self, point: Datapoint) -> Vec<Reaction> {
        if point.warm == 0 {
            return Vec::new();
        }
        let target = self.plan.requests_per_target;
        self.above = if point.requests_per_target > target { self.above + 1 } else { 0 };
        self.below = if point.requests_per_target < SCALE_IN_BELOW * target { self.below + 1 } else { 0 };

        let mut reactions = Vec::new();
        match (self.alarm, self.above >= self.plan.datapoints) {
            (Alarm::Ok, true) => {
                self.alarm = Alarm::Raised;
                reactions.push(Reaction::AlarmRaised);
            }
            (Alarm::Raised, false) => {
                self.alarm = Alarm::Ok;
                reactions.push(Reaction::AlarmCleared);
            }
            (Alarm::Ok, false) | (Alarm::Raised, true) => {}
        }
        let to = match self.alarm {
            Alarm::Raised => self.scaled_out(point),
            Alarm::Ok => self.scaled_in(point),
        };
        if let Some(to) = to {
            if to < point.desired {
                self.scaled_in_at = Some(point.at);
                self.below = 0;
            }
            reactions.push(Reaction::Scale { to });
        }
        reactions
    }

    /// ⌈warm · metric / target⌉. Instances that are not warm yet have been asked for already: only a need beyond them
    /// adds more.
    fn scaled_out(&self, point: Datapoint) -> Option<u32> {
        let needed = needed(point, self.plan.requests_per_target).min(self.plan.max);
        (needed > point.desired).then_some(needed)
    }

    /// As many as would still be below the scale-in threshold afterwards; never while instances are on their way.
    fn scaled_in(&self, point: Datapoint) -> Option<u32> {
        let enough = self.plan.scale_in_datapoints.is_some_and(|datapoints| self.below >= datapoints);
        let cooling = self.scaled_in_at.is_some_and(|at| point.at.saturating_sub(at) < self.plan.scale_in_cooldown);
        if !enough || cooling || point.warm < point.desired {
            return None;
        }
        let needed = needed(point, SCALE_IN_BELOW * self.plan.requests_per_target).max(self.plan.min);
        (needed < point.desired).then_some(needed)
    }
}

fn needed(point: Datapoint, per_target: f64) -> u32 {
    (f64::from(point.warm) * point.requests_per_target / per_target).ceil() as u32
}

#[cfg(test)]
mod tests {
    use super::Reaction::{AlarmCleared, AlarmRaised, Scale};
    use super::*;
    use proptest::prelude::*;

    fn plan() -> AutoscalerPlan {
        AutoscalerPlan {
            min: 2,
            max: 6,
            requests_per_target: 100.0,
            period: Duration::from_secs(10),
            datapoints: 3,
            warm_up: Duration::from_secs(30),
            scale_in_cooldown: Duration::from_secs(60),
            scale_in_datapoints: Some(2),
        }
    }

    /// Feeds (metric, warm, desired) each period and gives the reactions of each.
    fn react(plan: AutoscalerPlan, points: &[(f64, u32, u32)]) -> Vec<Vec<Reaction>> {
        let period = plan.period;
        let mut autoscaler = Autoscaler::new(plan);
        (1..)
            .zip(points)
            .map(|(n, &(requests_per_target, warm, desired))| {
                autoscaler.observe(Datapoint { at: period * n, requests_per_target, warm, desired })
            })
            .collect()
    }

    #[test]
    fn reactions() {
        let none = Vec::new;
        for (what, points, expected) in [
            ("at the target nothing happens", vec![(100.0, 2, 2); 5], vec![none(); 5]),
            (
                "the alarm needs its datapoints in a row",
                vec![(150.0, 2, 2), (150.0, 2, 2), (99.0, 2, 2), (150.0, 2, 2), (150.0, 2, 2)],
                vec![none(); 5],
            ),
            (
                "raised: in proportion, rounded up",
                vec![(120.0, 2, 2), (120.0, 2, 2), (151.0, 2, 2)],
                vec![none(), none(), vec![AlarmRaised, Scale { to: 4 }]],
            ),
            (
                "what is on its way counts as there",
                vec![(150.0, 2, 2), (150.0, 2, 2), (150.0, 2, 2), (150.0, 2, 3), (210.0, 2, 3)],
                vec![none(), none(), vec![AlarmRaised, Scale { to: 3 }], none(), vec![Scale { to: 5 }]],
            ),
            (
                "not beyond the maximum",
                vec![(900.0, 2, 2), (900.0, 2, 2), (900.0, 2, 2), (900.0, 2, 6)],
                vec![none(), none(), vec![AlarmRaised, Scale { to: 6 }], none()],
            ),
            (
                "cleared by one good datapoint",
                vec![(150.0, 2, 2), (150.0, 2, 2), (150.0, 2, 2), (95.0, 3, 3)],
                vec![none(), none(), vec![AlarmRaised, Scale { to: 3 }], vec![AlarmCleared]],
            ),
            ("between 90 % and the target it stays", vec![(91.0, 4, 4); 4], vec![none(); 4]),
            ("in, to what keeps it below 90 %", vec![(50.0, 4, 4), (50.0, 4, 4)], vec![none(), vec![Scale { to: 3 }]]),
            ("not below the minimum", vec![(0.0, 3, 3), (0.0, 3, 3)], vec![none(), vec![Scale { to: 2 }]]),
            (
                "after scaling in, not again before the cooldown is over",
                [vec![(40.0, 6, 6), (40.0, 6, 6)], vec![(10.0, 3, 3); 6]].concat(),
                [vec![none(), vec![Scale { to: 3 }]], vec![none(); 5], vec![vec![Scale { to: 2 }]]].concat(),
            ),
            ("not in while instances warm up", vec![(50.0, 3, 4); 4], vec![none(); 4]),
            ("no warm target, no data", vec![(0.0, 0, 2); 4], vec![none(); 4]),
        ] {
            assert_eq!(react(plan(), &points), expected, "{what}");
        }
    }

    #[test]
    fn never_in_without_datapoints_for_it() {
        let plan = AutoscalerPlan { scale_in_datapoints: None, ..plan() };
        assert_eq!(react(plan, &[(1.0, 6, 6); 8]), vec![Vec::new(); 8]);
    }

    proptest! {
        #[test]
        fn stays_within_its_bounds(points in proptest::collection::vec((0.0..1000.0, 0..8u32), 1..60)) {
            let plan = plan();
            let mut autoscaler = Autoscaler::new(plan.clone());
            let mut desired = 2;
            for (n, (requests_per_target, warm)) in (1..).zip(points) {
                let point = Datapoint { at: plan.period * n, requests_per_target, warm: warm.min(desired), desired };
                for reaction in autoscaler.observe(point) {
                    if let Scale { to } = reaction {
                        prop_assert!((plan.min..=plan.max).contains(&to) && to != desired);
                        desired = to;
                    }
                }
            }
        }
    }
}
