//! Writes down a run that never was, as large as wanted: what `scripts/bench judge` judges.
//!
//! ```sh
//! cargo run --release --example record_hour -- scripts/bench.d/hour.toml RESULTS 36000000
//! ```
//!
//! The sessions of the profile arrive evenly and go through its steps with its think times; half-way, the fleet grows
//! from two instances to four. Rows come in the order of their last byte and are written by the recorder of a real run,
//! in parts as large as a part of that rate is. The same arguments give the same rows.

use anyhow::{Context as _, ensure};
use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;
use rushhour::history::{
    ConnectionUse, Event, EventKind, EventSource, Failure, FleetGauges, GeneratorGauges, Identity, Machine, NameId,
    Names, Observation, Offset, Origin, Outcome, SCALE_OUT, Sample, StateOp, StepId,
};
use rushhour::plan::{Distribution, Plan, Role, StateUse, Step, ThisMachine, resolve};
use rushhour::profile;
use rushhour::record::{Ending, FORMAT_VERSION, Manifest, PartFile, Recorder, RecorderOptions, RunDirectory};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::fs::File;
use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

/// Instances and their zones: those of the start, and those of the scale-out.
const FLEET: [(&str, &str); 4] = [("i-1", "zone-a"), ("i-2", "zone-b"), ("i-3", "zone-a"), ("i-4", "zone-b")];
const AT_START: usize = 2;
/// From the launch of an instance to its first requests.
const BOOT: Duration = Duration::from_secs(30);
const SERVICE: Distribution = Distribution::Lognormal { median_seconds: 0.06, sigma: 0.5 };
/// One request of so many gets no answer.
const UNANSWERED: u32 = 20_000;
/// One request of so many opens a connection of its own.
const RECONNECTS: u32 = 10;
/// A part of a run of 10,000 requests a second, closed after five seconds.
const PART_ROWS: usize = 50_000;
/// Parts that may be ahead of the recorder.
const PARTS_AHEAD: usize = 4;
/// Rows handed over at a time.
const BATCH: usize = 1000;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [profile, results, requests] = &arguments[..] else {
        anyhow::bail!("needs three arguments: PROFILE RESULTS REQUESTS");
    };
    let requests: u64 = requests.parse().context("REQUESTS must be a number")?;
    let profile = profile::load(Path::new(profile), &[]).map_err(|errors| anyhow::anyhow!(errors.render(false)))?;
    let (plan, _) = resolve(&profile, &ThisMachine).map_err(|errors| anyhow::anyhow!(errors.render(false)))?;
    let directory = RunDirectory::create(Path::new(results), &plan.name, SystemTime::now())?;
    let mut manifest = manifest(&plan, &directory);
    manifest.write(&directory)?;

    let names = Names::default();
    let (permits, granted) = sync_channel(PARTS_AHEAD);
    let granted = Mutex::new(granted);
    // The recorder of a run drops what it cannot keep up with; here its parts hold the generator back instead.
    let open_part = move |path: &Path| {
        let _ = granted.lock().expect("no holder panics").recv();
        File::create(path).map(|file| Box::new(file) as Box<dyn PartFile>)
    };
    let options = RecorderOptions {
        part_rows: PART_ROWS,
        part_time: Duration::from_secs(3600),
        open_part: Arc::new(open_part),
        ..RecorderOptions::default()
    };
    let recorder = Recorder::start(&directory, &plan, names.clone(), options)?;
    let day = Day::new(&plan, requests, &names);
    let load_end = day.load_end();
    day.events().iter().for_each(|event| recorder.event(event));
    day.samples().iter().for_each(|sample| recorder.sample(sample));
    day.play(&recorder, &permits);

    let rows = recorder.offered();
    let outcome = recorder.finish();
    ensure!(outcome.lost == 0, "{} rows were lost: {:?}", outcome.lost, outcome.error);
    manifest.ending =
        Some(Ending { load_end_us: load_end.0, observations: rows, recorded: outcome.recorded, ..Ending::default() });
    manifest.write(&directory)?;
    Ok(())
}

fn manifest(plan: &Plan, directory: &RunDirectory) -> Manifest {
    Manifest {
        format_version: FORMAT_VERSION,
        origin: Origin {
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            run_id: directory.run_id(),
            zero_at: "2026-01-01T00:00:00Z".to_owned(),
            zero_unix_us: 1_767_225_600_000_000,
            machine: Machine::this(),
            load_threads: 1,
            pacer: "timerfd".to_owned(),
        },
        plan: plan.clone(),
        ending: None,
    }
}

/// What is to happen.
struct Day<'a> {
    plan: &'a Plan,
    /// Steps of a session, repeats written out.
    journey: Vec<StepId>,
    sessions: u64,
    arrivals_per_second: f64,
    instances: Vec<(NameId, NameId)>,
    address: NameId,
    rng: Pcg64Mcg,
}

/// A session and its request under way.
struct UnderWay {
    session: u64,
    /// Index into the journey.
    at: usize,
    row: Observation,
    /// What the cart and the theme hold, as the application keeps them.
    count: i64,
    theme: i64,
}

impl<'a> Day<'a> {
    fn new(plan: &'a Plan, requests: u64, names: &Names) -> Day<'a> {
        let step = |id: &StepId| std::iter::repeat_n(*id, plan.steps[usize::from(id.0)].repeat.to as usize);
        let journey: Vec<StepId> = plan.scenarios[0].steps.iter().flat_map(step).collect();
        Day {
            sessions: requests / journey.len() as u64,
            arrivals_per_second: plan.workload.curve.points[0].value,
            instances: FLEET.iter().map(|(instance, zone)| (names.id(instance), names.id(zone))).collect(),
            address: names.id("127.0.0.1:9"),
            rng: Pcg64Mcg::seed_from_u64(plan.workload.seed),
            plan,
            journey,
        }
    }

    fn load_end(&self) -> Offset {
        self.arrival(self.sessions)
    }

    fn arrival(&self, session: u64) -> Offset {
        Offset::from_secs_f64(session as f64 / self.arrivals_per_second)
    }

    fn scale_out(&self) -> Offset {
        self.arrival(self.sessions / 2)
    }

    fn events(&self) -> Vec<Event> {
        let event = |at_us, source, kind| Event { at_us, source, resolution_us: 1000, kind };
        let named = |(instance, zone): &(&str, &str)| (instance.to_string(), zone.to_string());
        let mut events: Vec<Event> = (FLEET[..AT_START].iter().map(named))
            .map(|(instance, zone)| {
                event(Offset(-1), EventSource::Balancer, EventKind::InstanceHealthy { instance, zone })
            })
            .collect();
        events.push(event(Offset::ZERO, EventSource::Run, EventKind::LoadStarted));
        let change = self.scale_out();
        let activity =
            EventKind::ActivityStarted { from: AT_START as u32, to: FLEET.len() as u32, cause: "alarm".to_owned() };
        events.push(event(change, EventSource::Alarm, EventKind::AlarmRaised { metric: 5000.0, target: 4000.0 }));
        let declared = EventKind::ActionStarted { action: SCALE_OUT.to_owned(), detail: String::new() };
        events.push(event(change, EventSource::Declared, declared));
        events.push(event(change, EventSource::Provider, activity));
        for (instance, zone) in FLEET[AT_START..].iter().map(named) {
            let (name, place) = (|| instance.clone(), || zone.clone());
            let launched = EventKind::InstanceLaunched { instance: name(), zone: place() };
            let in_service = EventKind::InstanceInService { instance: name(), zone: place() };
            events.push(event(change, EventSource::Provider, launched));
            events.push(event(change + BOOT, EventSource::Provider, in_service));
            events.push(event(change + BOOT, EventSource::Balancer, EventKind::InstanceHealthy { instance, zone }));
        }
        events.push(event(self.load_end(), EventSource::Run, EventKind::LoadEnded));
        events.sort_by_key(|event| event.at_us);
        events
    }

    fn samples(&self) -> Vec<Sample> {
        let sample = |second: u64| {
            let at_us = Offset::ZERO + Duration::from_secs(second);
            let due = (second as f64 * self.arrivals_per_second) as u64;
            let healthy = self.healthy_at(at_us) as u32;
            let desired = if at_us < self.scale_out() { AT_START } else { FLEET.len() } as u32;
            let generator = GeneratorGauges {
                arrivals_due: due,
                arrivals_started: due,
                cpu_seconds: second as f64 / 2.0,
                load_thread_busy: 0.4,
                timer_lag_us: 100,
                ..GeneratorGauges::default()
            };
            let fleet = FleetGauges { desired, launched: desired, healthy, ..FleetGauges::default() };
            Sample { at_us, generator, fleet: Some(fleet), store: None }
        };
        (1..=self.load_end().as_secs_f64() as u64).map(sample).collect()
    }

    fn healthy_at(&self, at: Offset) -> usize {
        if at < self.scale_out() + BOOT { AT_START } else { FLEET.len() }
    }

    /// Hands the rows to the recorder, in the order of their last byte; `permits`: one a part.
    fn play(mut self, recorder: &Recorder, permits: &SyncSender<()>) {
        let batches = recorder.batches();
        // By the end of the request under way; `parked` holds the sessions, so that little is moved when they are sorted.
        let mut ends: BinaryHeap<Reverse<(i64, usize)>> = BinaryHeap::new();
        let mut parked: Vec<UnderWay> = Vec::new();
        let mut free: Vec<usize> = Vec::new();
        let mut arrived = 0;
        let mut sent = 0;
        let mut batch = Vec::with_capacity(BATCH);
        while arrived < self.sessions || !ends.is_empty() {
            let next_end = ends.peek().map_or(Offset(i64::MAX), |Reverse((end, _))| Offset(*end));
            if arrived < self.sessions && self.arrival(arrived) <= next_end {
                let session = self.arrives(arrived);
                let end = session.row.last_byte.0;
                let place = free.pop().unwrap_or(parked.len());
                match parked.get_mut(place) {
                    Some(left) => *left = session,
                    None => parked.push(session),
                }
                ends.push(Reverse((end, place)));
                arrived += 1;
                continue;
            }
            let mut top = ends.peek_mut().expect("a request is under way");
            let place = top.0.1;
            batch.push(parked[place].row.clone());
            if parked[place].row.last_of_session {
                PeekMut::pop(top);
                free.push(place);
            } else {
                self.goes_on(&mut parked[place]);
                top.0.0 = parked[place].row.last_byte.0;
            }
            if batch.len() == BATCH {
                if sent % PART_ROWS == 0 {
                    permits.send(()).expect("the recorder waits for it");
                }
                sent += BATCH;
                batches.send(std::mem::replace(&mut batch, Vec::with_capacity(BATCH)));
            }
        }
        // The last, incomplete batch may need a part of its own.
        let _ = permits.try_send(());
        batches.send(batch);
    }

    fn arrives(&mut self, session: u64) -> UnderWay {
        let row = Observation {
            session,
            user: (session % u64::from(self.plan.user_count)) as u32,
            step: self.journey[0],
            part: 0,
            intended: Offset::ZERO,
            started: Offset::ZERO,
            first_byte: None,
            last_byte: Offset::ZERO,
            outcome: Outcome::Ok,
            status: 200,
            body_bytes: 0,
            instance: None,
            zone: None,
            address: Some(self.address),
            connection: ConnectionUse::Opened,
            affinity: false,
            identity: Identity::Silent,
            found_identity: 0,
            last_of_session: false,
            states: Vec::new(),
        };
        let mut under_way = UnderWay { session, at: 0, row, count: 0, theme: 0 };
        let due = self.arrival(session);
        self.asks(&mut under_way, due);
        under_way
    }

    /// The user thinks and makes the next request.
    fn goes_on(&mut self, under_way: &mut UnderWay) {
        let before = self.step(under_way);
        let think = before.think.sample(&mut self.rng).min(before.think_cap);
        let due = under_way.row.last_byte + think;
        under_way.at += 1;
        self.asks(under_way, due);
    }

    fn step(&self, under_way: &UnderWay) -> &'a Step {
        &self.plan.steps[usize::from(self.journey[under_way.at].0)]
    }

    /// Fills in the row of the session's next request, due at `due`.
    fn asks(&mut self, under_way: &mut UnderWay, due: Offset) {
        let step = self.step(under_way);
        let healthy = self.healthy_at(due);
        let (instance, zone) = self.instances[self.rng.random_range(0..healthy)];
        let unanswered = step.role == Role::Ordinary && self.rng.random_range(0..UNANSWERED) == 0;
        let kept = under_way.at > 0 && self.rng.random_range(0..RECONNECTS) > 0;
        let row = &mut under_way.row;
        row.step = self.journey[under_way.at];
        row.intended = due;
        row.started = due + Duration::from_micros(self.rng.random_range(20..200));
        row.connection = if kept { ConnectionUse::Kept } else { ConnectionUse::Opened };
        row.last_of_session = under_way.at + 1 == self.journey.len();
        row.states.clear();
        if unanswered {
            row.first_byte = None;
            row.last_byte = row.started + self.plan.target.timeout;
            (row.outcome, row.status, row.body_bytes) = (Outcome::Failed(Failure::Timeout), 0, 0);
            (row.instance, row.zone, row.identity) = (None, None, Identity::Silent);
        } else {
            let service = SERVICE.sample(&mut self.rng);
            row.first_byte = Some(row.started + service);
            row.last_byte = row.started + service + Duration::from_micros(100);
            (row.outcome, row.status, row.body_bytes) = (Outcome::Ok, 200, self.rng.random_range(500..20_000));
            (row.instance, row.zone) = (Some(instance), Some(zone));
            row.identity = match step.role {
                Role::Login if step.name == "login" => Identity::LoggedIn,
                Role::Login => Identity::Silent,
                Role::Logout => Identity::LoggedOut,
                Role::Ordinary => Identity::Recognised,
            };
        }
        for state in &step.states {
            match *state {
                StateUse::Add { state, amount } => {
                    under_way.count += amount;
                    under_way.row.states.push(StateOp::Add { state, amount });
                }
                StateUse::Set { state, .. } => {
                    under_way.theme = 1 + (under_way.session % 3) as i64;
                    under_way.row.states.push(StateOp::Set { state, value: under_way.theme });
                }
                StateUse::Read { .. } if unanswered => {}
                StateUse::Read { state, .. } if step.name == "cart" => {
                    under_way.row.states.push(StateOp::Counted { state, found: under_way.count });
                }
                StateUse::Read { state, .. } => {
                    under_way.row.states.push(StateOp::Found { state, value: under_way.theme });
                }
                StateUse::StartJob(_) | StateUse::PollJob(_) => {}
            }
        }
    }
}
