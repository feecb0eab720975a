use super::StoreFindings;
use super::balance::balance;
use super::columns::Pace;
use super::departures::Departures;
use super::elasticity::{INTERVAL, Interval, elasticity};
use super::interval_times::IntervalTimes;
use super::objective::{Watch, Watched};
use super::seconds::Seconds;
use super::stages::{Evidence, NewInstance, healthy_at};
use super::times::{Requests, Times};
use super::unserved::Unserved;
use super::warm_up::WarmUps;
use super::warm_up_course::WarmUpCourses;
use super::windows::Windows;
use super::{
    Analysis, ConnectionFigures, ElasticityFigures, GeneratorFigures, InstanceFigures, InstanceStages,
    PhaseDistributions, Phases, StepFigures,
};
use crate::history::{
    Appearances, ConnectionUse, Event, EventKind, EventSource, FleetChange, NameId, Names, Observation, Offset,
    Outcome, SCALE_OUT, Sample, load_start,
};
use crate::plan::Plan;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Measures a run's rows one at a time, in the order of the record.
pub struct Analyser {
    /// Scenario and name of each step.
    step_names: Vec<(String, String)>,
    capacity_per_instance: Option<f64>,
    watch: Option<Watch>,
    events: Vec<Event>,
    changes: Vec<FleetChange>,
    load_start: Offset,
    load_end: Option<Offset>,
    last_byte: Offset,
    appearances: Appearances,
    names: Vec<Option<Arc<str>>>,
    steps: Vec<Option<Requests>>,
    instances: BTreeMap<NameId, InstanceTally>,
    seconds: Seconds,
    pace: Pace,
    intervals: IntervalTimes,
    windows: Windows,
    departures: Departures,
    warm_ups: WarmUps,
    warm_up_courses: WarmUpCourses,
    scheduling_lag: Times,
    unserved: Unserved,
    connections: ConnectionFigures,
    addresses: BTreeMap<NameId, u64>,
    /// Rows as expected, and the others by how they ended.
    as_expected: u64,
    outcomes: BTreeMap<&'static str, u64>,
    generator: GeneratorFigures,
    store: Option<StoreFindings>,
}

struct InstanceTally {
    zone: Option<NameId>,
    requests: Requests,
    server_errors: u64,
    per_second: Vec<u32>,
}

impl Analyser {
    /// Names come from responses: past this many instances no more are told apart.
    const MOST_INSTANCES: usize = 512;
    /// Seconds of a run that are told one by one, at most (eleven days).
    const MOST_SECONDS: usize = 1_000_000;
    /// `during` lasts no longer than this when no fair share ends it.
    const DURING_SECONDS: usize = 60;

    pub fn new(plan: &Plan, events: &[Event], samples: &[Sample]) -> Analyser {
        let changes = FleetChange::all(events);
        let load_start = load_start(events);
        let load_end = events.iter().rev().find(|e| e.kind == EventKind::LoadEnded).map(|e| e.at_us);
        let scenario = |index: u16| plan.scenarios.get(usize::from(index)).map_or(String::new(), |s| s.name.clone());
        Analyser {
            step_names: plan.steps.iter().map(|s| (scenario(s.scenario), s.name.clone())).collect(),
            capacity_per_instance: plan.fleet.capacity_per_instance(),
            watch: Watch::of(plan),
            windows: Windows::new(plan, &changes, load_start),
            departures: Departures::new(events),
            generator: generator(samples, load_start, load_end),
            store: StoreFindings::of(events, samples),
            events: events.to_vec(),
            changes,
            load_start,
            load_end,
            last_byte: load_start,
            appearances: Appearances::new(events),
            names: Vec::new(),
            steps: plan.steps.iter().map(|_| None).collect(),
            instances: BTreeMap::new(),
            seconds: Seconds::default(),
            pace: Pace::new(load_start),
            intervals: IntervalTimes::new(plan, load_start),
            warm_ups: WarmUps::default(),
            warm_up_courses: WarmUpCourses::new(load_start),
            scheduling_lag: Times::new(),
            unserved: Unserved::new(load_start),
            connections: ConnectionFigures::default(),
            addresses: BTreeMap::new(),
            as_expected: 0,
            outcomes: BTreeMap::new(),
        }
    }

    pub fn observe(&mut self, row: &Observation, names: &Names) {
        self.last_byte = self.last_byte.max(row.last_byte);
        if let Some(step) = self.steps.get_mut(usize::from(row.step.0)) {
            step.get_or_insert_with(Requests::new).take(row);
        }
        match row.outcome {
            Outcome::Ok => self.as_expected += 1,
            other => *self.outcomes.entry(other.name()).or_default() += 1,
        }
        if row.intended >= self.load_start {
            let second = row.intended.since(self.load_start).as_secs();
            self.seconds.take(second, row.response_time().as_micros() as u64, row.outcome.is_error());
        }
        self.pace.take(row);
        self.unserved.take(row);
        self.intervals.take(row, names);
        if !self.departures.take(row, names)
            && let Some(store) = &mut self.store
        {
            store.take(row);
        }
        match row.connection {
            ConnectionUse::Kept => self.connections.kept += 1,
            ConnectionUse::Opened => self.connections.opened += 1,
            ConnectionUse::Reopened => self.connections.reopened += 1,
        }
        if row.connection == ConnectionUse::Kept {
            self.scheduling_lag.record(row.started.since(row.intended).as_micros() as u64);
        }
        if let Some(address) = row.address {
            *self.addresses.entry(address).or_default() += 1;
        }
        let name = row.instance.map(|id| known(&mut self.names, id, names));
        self.windows.take(row, name);
        if let Some(instance) = row.instance {
            self.observe_instance(row, instance, names);
        }
    }

    fn observe_instance(&mut self, row: &Observation, instance: NameId, names: &Names) {
        if row.answered() {
            let appearance = self.appearances.saw(instance, row.last_byte, names);
            self.warm_ups.take(row, instance, appearance);
            self.warm_up_courses.take(row, instance, appearance);
        }
        if self.instances.len() >= Self::MOST_INSTANCES && !self.instances.contains_key(&instance) {
            return;
        }
        let fresh =
            || InstanceTally { zone: None, requests: Requests::new(), server_errors: 0, per_second: Vec::new() };
        let tally = self.instances.entry(instance).or_insert_with(fresh);
        tally.zone = tally.zone.or(row.zone);
        tally.requests.take(row);
        tally.server_errors += u64::from(row.status >= 500);
        let second = row.last_byte.since(self.load_start).as_secs() as usize;
        if second < Self::MOST_SECONDS {
            if tally.per_second.len() <= second {
                tally.per_second.resize(second + 1, 0);
            }
            tally.per_second[second] += 1;
        }
    }

    /// `names`: the table the rows' ids point into; `first_adoptions`: by instance, from the session oracle
    /// ([`crate::session::SessionFindings::first_adoptions`]).
    pub fn finish(self, names: &Names, first_adoptions: &BTreeMap<String, Offset>) -> Analysis {
        let name = |id: NameId| names.name(id).to_string();
        let load_end_us = self.load_end.unwrap_or(self.last_byte);
        let watch = self.watch.as_ref().map(|watch| watch.over(&self.seconds));
        let watch = watch.as_ref();
        let stages = self.stages(names, first_adoptions, watch);
        let phases = self.phases(&stages);
        let rates: Vec<(f64, Option<String>)> =
            self.instances.values().map(|i| (mean_rate(&i.per_second), i.zone.map(name))).collect();
        let start = self.load_start;
        let recovery = |change: Offset, to: Offset| {
            let second = |at: Offset| at.since(start).as_secs() as usize;
            let Some(broken) = watch?.first_broken(second(change), second(to)) else { return Some(0.0) };
            let holds = watch?.holds_again(broken)?;
            Some(holds as f64 - change.since(start).as_secs_f64())
        };
        let mut instances: Vec<InstanceFigures> = (self.instances.iter())
            .map(|(id, tally)| InstanceFigures {
                instance: name(*id),
                zone: tally.zone.map(name),
                new: self.appearances.of(*id).is_some_and(|a| a.new),
                requests: tally.requests.figures(),
                server_errors: tally.server_errors,
                per_second: tally.per_second.clone(),
            })
            .collect();
        instances.sort_by(|a, b| a.instance.cmp(&b.instance));
        let step = |(index, requests): (usize, &Option<Requests>)| {
            let (scenario, step) = self.step_names[index].clone();
            Some(StepFigures { scenario, step, requests: requests.as_ref()?.figures() })
        };
        let mut whole = Requests::new();
        self.steps.iter().flatten().for_each(|step| whole.add(step));
        let as_expected = (self.as_expected > 0).then_some((Outcome::Ok.name(), self.as_expected));
        let outcomes = self.outcomes.iter().map(|(outcome, count)| (*outcome, *count)).chain(as_expected);
        let generator = self.generator();
        Analysis {
            load_start_us: self.load_start,
            load_end_us,
            requests: whole.figures(),
            steps: self.steps.iter().enumerate().filter_map(step).collect(),
            instances,
            balance: balance(&rates),
            elasticity: self.elasticity(load_end_us),
            connections: self.connections,
            addresses: self.addresses.iter().map(|(id, count)| (name(*id), *count)).collect(),
            outcomes: outcomes.map(|(outcome, count)| (outcome.to_owned(), count)).collect(),
            departures: self.departures.finish(),
            unserved: self.unserved.finish(),
            actions: actions(&self.events),
            generator,
            seconds: self.pace.seconds(&self.seconds),
            columns: self.pace.columns(&self.seconds),
            distribution: whole.distribution(),
            interval_log: self.intervals.finish(names, &self.seconds, phases.as_ref()),
            phases,
            warm_ups: self.warm_up_courses.finish(names, &stages),
            stages,
            store: self.store,
            objectives: self.windows.finish(load_end_us, recovery),
        }
    }

    fn generator(&self) -> GeneratorFigures {
        let lag = &self.scheduling_lag;
        let lag_quantile = (1.0 - GeneratorFigures::BEYOND as f64 / lag.count().max(1) as f64).clamp(0.0, 0.99);
        GeneratorFigures {
            scheduling_lag: lag.figures(),
            lag_quantile,
            lag_at_quantile_ms: lag.quantile_ms(lag_quantile),
            ..self.generator
        }
    }

    fn stages(
        &self,
        names: &Names,
        first_adoptions: &BTreeMap<String, Offset>,
        watch: Option<&Watched<'_>>,
    ) -> Vec<InstanceStages> {
        let name = |id: NameId| names.name(id).to_string();
        let served = self.instances.iter().map(|(id, tally)| (name(*id), tally.per_second.clone())).collect();
        let evidence = Evidence {
            events: &self.events,
            changes: &self.changes,
            start: self.load_start,
            seconds: &self.seconds,
            served: &served,
            capacity_per_instance: self.capacity_per_instance,
            watch,
            first_adoptions,
        };
        let mut new: Vec<(NameId, NewInstance)> = (self.appearances.all())
            .filter(|(id, a)| a.new && self.instances.contains_key(id))
            .map(|(id, appearance)| {
                let instance = NewInstance {
                    name: name(id),
                    zone: self.instances[&id].zone.map(name),
                    appeared: appearance.at,
                    first_response: appearance.first_response,
                };
                (id, instance)
            })
            .collect();
        new.sort_by(|(_, a), (_, b)| (a.appeared, &a.name).cmp(&(b.appeared, &b.name)));
        let stages = |(id, instance): &(NameId, NewInstance)| InstanceStages {
            warm_up: self.warm_ups.penalty(*id),
            ..evidence.stages(instance)
        };
        new.iter().map(stages).collect()
    }

    /// Over the whole intervals between the load's start and its end; None under a minute, which tells nothing.
    fn elasticity(&self, load_end: Offset) -> Option<ElasticityFigures> {
        let capacity = self.capacity_per_instance?;
        let interval = |from: usize| {
            let offered: u64 = (from..from + INTERVAL).map(|second| self.seconds.requests(second)).sum();
            let middle = self.load_start + Duration::from_secs((from + INTERVAL / 2) as u64);
            Interval::new(offered as f64 / INTERVAL as f64, capacity, healthy_at(&self.events, middle) as u32)
        };
        let end = load_end.since(self.load_start).as_secs() as usize / INTERVAL * INTERVAL;
        if end < 60 {
            return None;
        }
        elasticity(&(0..end).step_by(INTERVAL).map(interval).collect::<Vec<_>>())
    }

    fn phases(&self, stages: &[InstanceStages]) -> Option<Phases> {
        let change = self.changes.iter().find(|c| c.name == SCALE_OUT).or(self.changes.first())?;
        let second = |at: Offset| at.since(self.load_start).as_secs() as usize;
        let from = second(change.activity_us.unwrap_or(change.at_us));
        let limit = from + Self::DURING_SECONDS;
        let fair: Option<Vec<Offset>> = stages.iter().map(|s| s.t9_fair_share.at()).collect();
        let fair = fair.and_then(|all| all.into_iter().max()).map_or(limit, second);
        let to = fair.clamp(from + 1, limit.min(self.seconds.len()).max(from + 1));
        let before = self.seconds.times(0..from);
        let during = self.seconds.times(from..to);
        let after = self.seconds.times(to..self.seconds.len().max(to));
        Some(Phases {
            change: change.clone(),
            during_from_second: from as u32,
            during_to_second: to as u32,
            before: before.figures(),
            during: during.figures(),
            after: after.figures(),
            distribution: PhaseDistributions {
                before: before.distribution(),
                during: during.distribution(),
                after: after.distribution(),
            },
        })
    }
}

/// A name, looked up once.
fn known<'a>(met: &'a mut Vec<Option<Arc<str>>>, id: NameId, names: &Names) -> &'a str {
    let index = usize::from(id.0);
    if met.len() <= index {
        met.resize(index + 1, None);
    }
    met[index].get_or_insert_with(|| names.name(id))
}

/// Responses a second, from the first second with one to the last.
fn mean_rate(per_second: &[u32]) -> f64 {
    let total: u64 = per_second.iter().map(|n| u64::from(*n)).sum();
    let idle_before = per_second.iter().take_while(|n| **n == 0).count();
    total as f64 / (per_second.len() - idle_before).max(1) as f64
}

/// How often each action was carried out to its end. Of what somebody else does only the beginning is known.
fn actions(events: &[Event]) -> BTreeMap<String, u64> {
    let mut actions: BTreeMap<String, u64> = BTreeMap::new();
    for event in events {
        match (&event.kind, event.source) {
            (EventKind::ActionCompleted { action, .. }, _)
            | (EventKind::ActionStarted { action, .. }, EventSource::Declared) => {
                *actions.entry(action.clone()).or_default() += 1;
            }
            _ => {}
        }
    }
    actions
}

fn generator(samples: &[Sample], start: Offset, end: Option<Offset>) -> GeneratorFigures {
    let gauges = || samples.iter().map(|s| &s.generator);
    let loaded = samples.iter().filter(|s| s.at_us > start && end.is_none_or(|end| s.at_us <= end));
    let busy: Vec<f64> = loaded.map(|s| s.generator.load_thread_busy).collect();
    GeneratorFigures {
        arrivals_due: gauges().map(|g| g.arrivals_due).max().unwrap_or(0),
        arrivals_owed: gauges().map(|g| g.arrivals_owed).max().unwrap_or(0),
        load_thread_busy_max: busy.iter().copied().fold(0.0, f64::max),
        load_thread_busy_mean: busy.iter().fold(0.0, |sum, share| sum + share) / busy.len().max(1) as f64,
        seconds_sampled: busy.len() as u64,
        seconds_busy: busy.iter().filter(|share| **share > GeneratorFigures::BUSY).count() as u64,
        observations_lost: gauges().map(|g| g.observations_lost).max().unwrap_or(0),
        sessions_in_flight_max: gauges().map(|g| g.sessions_in_flight).max().unwrap_or(0),
        ..GeneratorFigures::default()
    }
}
