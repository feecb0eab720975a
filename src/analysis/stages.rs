use super::objective::{Watch, Watched};
use super::seconds::Seconds;
use super::{InstanceStages, StageStep, Stamp};
use crate::history::{Event, EventKind, EventSource, FleetChange, Offset, SCALE_OUT};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// An instance serves its fair share when its rate is at least this part of the mean of those that serve …
const FAIR: f64 = 0.9;
/// … over this many seconds together. A run that ends earlier has not shown it.
pub(super) const FAIR_FOR: usize = 30;
/// Seconds over which the offered rate is averaged, so that a moment's chance is not taken for too much load.
const OFFERED_OVER: usize = 5;
const SECOND: Duration = Duration::from_secs(1);

/// What stages are read from.
pub(super) struct Evidence<'a> {
    pub events: &'a [Event],
    pub changes: &'a [FleetChange],
    pub start: Offset,
    pub seconds: &'a Seconds,
    /// Responses in each second, by instance.
    pub served: &'a BTreeMap<String, Vec<u32>>,
    /// Requests/s one instance can serve.
    pub capacity_per_instance: Option<f64>,
    pub watch: Option<&'a Watched<'a>>,
    pub first_adoptions: &'a BTreeMap<String, Offset>,
}

/// A new instance, as responses show it.
pub(super) struct NewInstance {
    pub name: String,
    pub zone: Option<String>,
    pub appeared: Offset,
    pub first_response: Offset,
}

fn unknown(reason: impl Into<String>) -> Stamp {
    Stamp::Unknown { reason: reason.into() }
}

fn at(at_us: Offset, source: &str, resolution: Duration) -> Stamp {
    Stamp::At { at_us, source: source.to_owned(), resolution_us: resolution.as_micros() as u64 }
}

fn told(event: &Event) -> Stamp {
    let source = match event.source {
        EventSource::Run => "run",
        EventSource::Provider => "provider",
        EventSource::Dns => "dns",
        EventSource::Alarm => "alarm",
        EventSource::Balancer => "balancer",
        EventSource::Store => "store",
        EventSource::Declared => "declared",
    };
    Stamp::At { at_us: event.at_us, source: source.to_owned(), resolution_us: event.resolution_us }
}

impl Evidence<'_> {
    fn second(&self, at: Offset) -> usize {
        at.since(self.start).as_secs() as usize
    }

    fn offset(&self, second: usize) -> Offset {
        self.start + SECOND * second as u32
    }

    pub(super) fn stages(&self, instance: &NewInstance) -> InstanceStages {
        let name = instance.name.as_str();
        let change = self.changes.iter().rev().find(|c| c.name == SCALE_OUT && c.at_us <= instance.appeared + SECOND);
        // Stages before the change belong to it only when they are later than the change before it.
        let since = self.changes.iter().rev().find(|c| change.is_some_and(|own| c.at_us < own.at_us));
        let since = since.map_or(self.start, |c| c.at_us);
        let event = |what: &str, is: fn(&EventKind) -> bool| {
            let found = self.events.iter().find(|e| is(&e.kind) && e.kind.instance() == Some(name));
            found.map_or_else(|| unknown(format!("no event says when it {what}")), told)
        };
        let activity = change.and_then(|c| c.activity_us);
        let t1 = self.objective_broken(since);
        let t6 = event("became healthy", |k| matches!(k, EventKind::InstanceHealthy { .. }));
        let until = t6.at().unwrap_or(instance.first_response);
        let mut stages = InstanceStages {
            instance: instance.name.clone(),
            zone: instance.zone.clone(),
            t0_load_exceeds_capacity: self.load_exceeds_capacity(since, until),
            t2_alarm: self.alarm(since, change.map_or(instance.appeared, |c| c.at_us)),
            t3_activity: match (activity, change) {
                (Some(us), Some(c)) => at(us, "provider", Duration::from_micros(c.resolution_us)),
                _ => unknown("no event says when the activity began"),
            },
            t4_launched: event("was launched", |k| matches!(k, EventKind::InstanceLaunched { .. })),
            t5_in_service: event("was in service", |k| matches!(k, EventKind::InstanceInService { .. })),
            t6_healthy: t6,
            t7_first_response: at(instance.first_response, "responses", Duration::ZERO),
            t8_first_adoption: match self.first_adoptions.get(name) {
                Some(us) => at(*us, "responses", Duration::ZERO),
                None => unknown("it was not seen to serve a session older than itself"),
            },
            t9_fair_share: self.fair_share(name, instance.first_response),
            t10_objective_holds: self.objective_holds(&t1),
            t1_objective_broken: t1,
            steps: Vec::new(),
            warm_up: None,
        };
        stages.steps = steps(&stages);
        stages
    }

    fn load_exceeds_capacity(&self, since: Offset, until: Offset) -> Stamp {
        let Some(capacity) = self.capacity_per_instance else {
            return unknown("the capacity of an instance is not known");
        };
        let span = self.second(since)..(self.second(until) + 1).min(self.seconds.len());
        let exceeds = |second: &usize| {
            let offered: u64 = (*second..second + OFFERED_OVER).map(|s| self.seconds.requests(s)).sum();
            // No instance known to be healthy means that nobody tells, not that there is no capacity.
            let healthy = healthy_at(self.events, self.offset(*second + 1)) as f64;
            healthy > 0.0 && offered as f64 / OFFERED_OVER as f64 > capacity * healthy
        };
        match span.into_iter().find(exceeds) {
            Some(second) => at(self.offset(second), "rows", SECOND * OFFERED_OVER as u32),
            None => unknown("the offered load did not exceed the capacity before"),
        }
    }

    fn objective_broken(&self, since: Offset) -> Stamp {
        let Some(watch) = self.watch else {
            return unknown("the profile has no objective for response time");
        };
        match watch.first_broken(self.second(since), self.seconds.len()) {
            Some(second) => at(self.offset(second), &format!("rows: {}", watch.text), SECOND * Watch::WINDOW as u32),
            None => unknown("the objective was not broken"),
        }
    }

    fn objective_holds(&self, broken: &Stamp) -> Stamp {
        let (Some(watch), Some(broken)) = (self.watch, broken.at()) else {
            return unknown("the objective was not broken");
        };
        match watch.holds_again(self.second(broken)) {
            Some(second) => at(self.offset(second), &format!("rows: {}", watch.text), SECOND * Watch::WINDOW as u32),
            None => unknown("the objective did not hold again for a whole window"),
        }
    }

    fn alarm(&self, since: Offset, until: Offset) -> Stamp {
        let before = || self.events.iter().rev().filter(|e| e.at_us <= until + SECOND);
        let raised = before().find(|e| matches!(e.kind, EventKind::AlarmRaised { .. }));
        let cleared = before().find(|e| matches!(e.kind, EventKind::AlarmCleared { .. })).map(|e| e.at_us);
        // One that came before an earlier change and still stands may have made this one, too.
        match raised.filter(|e| e.at_us >= since || cleared < Some(e.at_us)) {
            Some(event) => told(event),
            None => unknown("no alarm came before: the timeline or somebody else made the change"),
        }
    }

    /// The first second from which on the instance has its share, taken over [`FAIR_FOR`] seconds together.
    fn fair_share(&self, name: &str, from: Offset) -> Stamp {
        let Some(own) = self.served.get(name) else { return unknown("it served nothing") };
        let first = self.second(from);
        let sum = |counts: &[u32], second: usize| -> u64 {
            counts.iter().skip(second).take(FAIR_FOR).map(|n| u64::from(*n)).sum()
        };
        // The last second of the run is seldom a whole one.
        let last = self.served.values().map(Vec::len).max().unwrap_or(0).saturating_sub(1);
        let fair = |second: &usize| {
            let served: Vec<u64> = self.served.values().map(|c| sum(c, *second)).filter(|n| *n > 0).collect();
            let mean = served.iter().sum::<u64>() as f64 / served.len() as f64;
            sum(own, *second) as f64 >= FAIR * mean
        };
        match (first..(last + 1).saturating_sub(FAIR_FOR)).find(fair) {
            Some(second) => at(self.offset(second).max(from), "rows", SECOND),
            None => unknown(format!("not reached for {FAIR_FOR} s")),
        }
    }
}

/// Instances the balancer sends traffic to at a time.
pub(super) fn healthy_at(events: &[Event], time: Offset) -> usize {
    let mut healthy = BTreeSet::new();
    for event in events.iter().filter(|e| e.at_us <= time) {
        match &event.kind {
            EventKind::InstanceHealthy { instance, .. } => {
                healthy.insert(instance);
            }
            EventKind::InstanceUnhealthy { instance, .. }
            | EventKind::InstanceDraining { instance, .. }
            | EventKind::InstanceGone { instance, .. } => {
                healthy.remove(instance);
            }
            _ => {}
        }
    }
    healthy.len()
}

/// From each known stage to the next known one.
fn steps(stages: &InstanceStages) -> Vec<StageStep> {
    // When an objective is broken says nothing of the way there.
    let on_the_way = stages.named().into_iter().filter(|(name, _)| !name.starts_with("objective"));
    let known: Vec<(&str, Offset)> = on_the_way.filter_map(|(name, stamp)| Some((name, stamp.at()?))).collect();
    let step = |pair: &[(&str, Offset)]| StageStep {
        from: pair[0].0.to_owned(),
        to: pair[1].0.to_owned(),
        seconds: (pair[1].1.0 - pair[0].1.0) as f64 / 1e6,
    };
    known.windows(2).map(step).collect()
}
