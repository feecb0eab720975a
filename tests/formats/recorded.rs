//! A small run, recorded as a real one is but without any load, and judged by the program.

use rushhour::history::{
    ConnectionUse, Event, EventKind, EventSource, FleetGauges, Identity, Machine, Names, Observation, Offset, Origin,
    Outcome, Sample, StateOp, StepId,
};
use rushhour::plan::{Plan, ThisMachine, resolve};
use rushhour::profile::Profile;
use rushhour::record::{Ending, FORMAT_VERSION, Manifest, Recorder, RecorderOptions, RunDirectory};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};
use tempfile::TempDir;

/// What the new instance calls itself.
pub const HOSTILE: &str = "=1+1<script>alert('x')</script>\",\u{202e}|`*_::error::";

const PROFILE: &str = r#"
description = "A <b>bold</b> & \"quoted\" description"

[target]
url = "http://127.0.0.1:1"
instance = { header = "x-instance" }

[users]
generate = 60

[workload]
stages = ["3/s for 20s"]

[fleet]
provider = "observe"

[session]
rejected = [{ status = 401 }]
identity = { header = "x-user", equals = "{{user.name}}" }
states = { cart = "counter" }

[[scenarios]]
name = "shopper"
think = "1s"

[[scenarios.steps]]
name = "login"
post = "/login"
login = true

[[scenarios.steps]]
name = "cart"
get = "/cart"
reads = { cart = { json = "/count" } }
proves_identity = true

[[timeline]]
at = "15s"
do = "declare"
name = "failover"

[[objectives]]
metric = "response-time p99"
at_most = "500ms"

[[objectives]]
metric = "response-time p50"
at_most = "1ms"

[[objectives]]
metric = "survival"
during = "failover +0s..10s"
at_least = 1.0
"#;

pub struct Recorded {
    directory: PathBuf,
    _results: TempDir,
}

impl Recorded {
    pub fn make() -> Recorded {
        let results = tempfile::tempdir().unwrap();
        let profile = Profile::parse(Path::new("formats.toml"), PROFILE, &[]).unwrap();
        let (plan, _) = resolve(&profile, &ThisMachine).unwrap();
        let directory = RunDirectory::create(results.path(), &plan.name, UNIX_EPOCH).unwrap();
        record(&directory, plan);
        let mut report = Command::new(env!("CARGO_BIN_EXE_rushhour"));
        let ended = report.args(["report", "--json"]).arg(directory.path()).output().unwrap();
        let code = ended.status.code();
        assert_eq!(code, Some(4), "sessions were lost in it: {}", String::from_utf8_lossy(&ended.stderr));
        Recorded { directory: directory.path().to_owned(), _results: results }
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

fn record(directory: &RunDirectory, plan: Plan) {
    let names = Names::default();
    let recorder = Recorder::start(directory, &plan, names.clone(), RecorderOptions::default()).unwrap();
    let rows = rows(&names);
    let count = rows.len() as u64;
    recorder.batches().send(rows);
    events().iter().for_each(|event| recorder.event(event));
    (0..20).for_each(|second| recorder.sample(&sample(second)));
    assert_eq!(recorder.finish().recorded, count);
    let ending = Ending { load_end_us: 20_000_000, observations: count, recorded: count, ..Ending::default() };
    let manifest = Manifest { format_version: FORMAT_VERSION, origin: origin(directory), plan, ending: Some(ending) };
    manifest.write(directory).unwrap();
}

fn origin(directory: &RunDirectory) -> Origin {
    Origin {
        tool_version: "0.1.0".into(),
        run_id: directory.run_id(),
        zero_at: "1970-01-01T00:00:00Z".into(),
        zero_unix_us: 0,
        machine: Machine { hostname: "loader".into(), os: "linux x86_64".into(), cpus: 2, memory_bytes: 8 << 30 },
        load_threads: 1,
        pacer: "timerfd".into(),
    }
}

/// Forty sessions of eight requests each. From second 8 on a new instance serves every third request; it asks some for
/// a new login and loses the cart of others.
fn rows(names: &Names) -> Vec<Observation> {
    let [old, other, new] = ["i-1", "i-2", HOSTILE].map(|name| names.id(name));
    let [east, west] = ["east", "west"].map(|zone| names.id(zone));
    let mut rows = Vec::new();
    for session in 0..40_u64 {
        for request in 0..8_u64 {
            let due = Offset::from_secs_f64(session as f64 * 0.12 + request as f64 * 2.0);
            let (instance, zone) = match (session + request) % 3 {
                0 => (old, east),
                1 => (other, west),
                _ if due < Offset::from_secs_f64(8.0) => (old, east),
                _ => (new, west),
            };
            let took = Duration::from_millis(20 + (session * 7 + request * 13) % 60);
            let rejected = instance == new && session % 10 == 3;
            let found = if instance == new && session % 10 == 6 { 1 } else { 5 };
            rows.push(Observation {
                session,
                user: session as u32,
                step: StepId(u16::from(request > 0)),
                part: 0,
                intended: due,
                started: due,
                first_byte: Some(due + took / 2),
                last_byte: due + took,
                outcome: if rejected { Outcome::Unexpected } else { Outcome::Ok },
                status: if rejected { 401 } else { 200 },
                body_bytes: 100,
                instance: Some(instance),
                zone: Some(zone),
                address: None,
                connection: ConnectionUse::Kept,
                affinity: false,
                identity: match (request, rejected) {
                    (0, _) => Identity::LoggedIn,
                    (_, true) => Identity::Rejected,
                    (_, false) => Identity::Recognised,
                },
                found_identity: 0,
                last_of_session: request == 7,
                states: if request == 0 || rejected { vec![] } else { vec![StateOp::Counted { state: 0, found }] },
            });
        }
    }
    rows.sort_by_key(|row| row.last_byte);
    rows
}

fn events() -> Vec<Event> {
    let event = |seconds: f64, kind: EventKind| Event {
        at_us: Offset::from_secs_f64(seconds),
        source: EventSource::Provider,
        resolution_us: 100_000,
        kind,
    };
    let (instance, zone) = (HOSTILE.to_owned(), "west".to_owned());
    vec![
        event(0.0, EventKind::LoadStarted),
        event(6.0, EventKind::ActivityStarted { from: 2, to: 3, cause: "<i>somebody</i>".into() }),
        event(6.5, EventKind::InstanceLaunched { instance: instance.clone(), zone: zone.clone() }),
        event(7.9, EventKind::InstanceHealthy { instance, zone }),
        event(20.0, EventKind::LoadEnded),
    ]
}

fn sample(second: i64) -> Sample {
    let fleet = FleetGauges { desired: 3, launched: 3, healthy: 2, requests_per_target: None, balancer_queue: 0 };
    let mut sample = Sample { at_us: Offset(second * 1_000_000 + 300), fleet: Some(fleet), ..Sample::default() };
    sample.generator.sessions_in_flight = 40;
    sample
}
