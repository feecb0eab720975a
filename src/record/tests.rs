//! Runs written and read back.

use super::*;
use crate::history::{
    ConnectionUse, Event, EventKind, EventSource, GeneratorGauges, Identity, Machine, NameId, Names, Observation,
    Offset, Origin, Outcome, Sample, StateOp, StepId,
};
use crate::plan::{
    Allowance, ArrivalPattern, Body, CompareRules, ConnectionMode, Connections, Curve, Distribution, FleetPlan,
    HttpVersion, Model, OnRejected, Plan, Point, Publish, Repeat, Role, Scenario, SessionRules, State, StateKind, Step,
    Stickiness, Target, Template, Workload,
};
use proptest::prelude::*;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, UNIX_EPOCH};
use tempfile::TempDir;

const NAMES: [&str; 5] = ["i-1", "i-2", "zone-a", "zone-b", "127.0.0.1:8443"];

fn step(name: &str, scenario: u16) -> Step {
    Step {
        name: name.into(),
        scenario,
        assign: Vec::new(),
        method: "GET".into(),
        path: Template::literal("/"),
        headers: vec![],
        body: Body::None,
        follow_redirects: false,
        role: Role::Ordinary,
        think: Distribution::ZERO,
        think_cap: Duration::ZERO,
        repeat: Repeat { from: 1, to: 1 },
        extract: vec![],
        expect: vec![],
        states: vec![],
        proves_identity: false,
    }
}

/// Two scenarios that share the name of a step.
fn plan() -> Plan {
    let scenario = |name: &str, steps: &[u16]| Scenario {
        name: name.into(),
        weight: 1,
        steps: steps.iter().copied().map(StepId).collect(),
    };
    Plan {
        name: "evening".into(),
        description: String::new(),
        target: Target {
            url: None,
            instance: None,
            zone: None,
            access_log: None,
            timeout: Duration::from_secs(10),
            max_body_bytes: 1 << 20,
            ca_file: None,
            headers: vec![],
        },
        connections: Connections {
            mode: ConnectionMode::Browser,
            stickiness: Stickiness::Stripped,
            affinity_cookies: vec![],
            http: HttpVersion::Auto,
        },
        workload: Workload {
            model: Model::Sessions,
            curve: Curve { points: vec![Point { at_seconds: 0.0, value: 1.0 }] },
            arrivals: ArrivalPattern::Poisson,
            seed: 1,
            max_sessions: 10,
            grace: Duration::ZERO,
        },
        scenarios: vec![scenario("shopper", &[0, 1]), scenario("browser", &[2])],
        steps: vec![step("login", 0), step("cart", 0), step("cart", 1)],
        states: ["cart", "theme", "export"]
            .into_iter()
            .zip([StateKind::Counter, StateKind::Register, StateKind::Job])
            .map(|(name, kind)| State { name: name.into(), kind })
            .collect(),
        session: SessionRules {
            rejected: vec![],
            identity: None,
            on_rejected: OnRejected::Relogin,
            idle_timeout: None,
            lifetime: None,
            allow: Allowance::default(),
        },
        fleet: FleetPlan::Observe { capacity_per_instance: None },
        timeline: vec![],
        objectives: vec![],
        compare: CompareRules::default(),
        publish: Publish::default(),
        user_fields: vec!["name".into()],
        user_count: 10,
        variables: vec![],
    }
}

fn names() -> Names {
    let names = Names::default();
    for name in NAMES {
        names.id(name);
    }
    names
}

fn row(session: u64) -> Observation {
    Observation {
        session,
        user: 3,
        step: StepId(1),
        part: 0,
        intended: Offset(1_000),
        started: Offset(1_010),
        first_byte: Some(Offset(3_000)),
        last_byte: Offset(3_100),
        outcome: Outcome::Ok,
        status: 200,
        body_bytes: 512,
        instance: Some(NameId(1)),
        zone: Some(NameId(2)),
        address: Some(NameId(4)),
        connection: ConnectionUse::Kept,
        affinity: false,
        identity: Identity::Recognised,
        found_identity: 0,
        last_of_session: false,
        states: vec![StateOp::Counted { state: 0, found: 2 }],
    }
}

pub(super) fn rows(sessions: std::ops::Range<u64>) -> Vec<Observation> {
    sessions.map(row).collect()
}

fn manifest(directory: &RunDirectory) -> Manifest {
    Manifest {
        format_version: FORMAT_VERSION,
        origin: Origin {
            tool_version: "0.1.0".into(),
            run_id: directory.run_id(),
            zero_at: "1970-01-01T00:00:00Z".into(),
            zero_unix_us: 0,
            machine: Machine::this(),
            load_threads: 1,
            pacer: "tokio".into(),
        },
        plan: plan(),
        ending: None,
    }
}

/// A run directory with its manifest, below a directory that goes away with the test.
pub(super) fn begun() -> (TempDir, RunDirectory) {
    let results = tempfile::tempdir().unwrap();
    let directory = RunDirectory::create(results.path(), "evening", UNIX_EPOCH).unwrap();
    manifest(&directory).write(&directory).unwrap();
    (results, directory)
}

/// Parts that are closed by nothing but their number of rows.
pub(super) fn by_rows(part_rows: usize) -> RecorderOptions {
    RecorderOptions { part_rows, part_time: Duration::from_secs(3600), ..RecorderOptions::default() }
}

pub(super) fn recorded(
    directory: &RunDirectory,
    options: RecorderOptions,
    batches: &[Vec<Observation>],
) -> RecordOutcome {
    let recorder = Recorder::start(directory, &plan(), names(), options).unwrap();
    let sender = recorder.batches();
    for batch in batches {
        sender.send(batch.clone());
    }
    recorder.finish()
}

/// All rows, with their names put back to the numbers of [`names`].
pub(super) fn read(directory: &RunDirectory) -> (Vec<Observation>, Reading) {
    let run = RecordedRun::open(directory.path()).unwrap();
    let (met, known) = (Names::default(), names());
    let mut rows = Vec::new();
    let reading = run.for_each(&met, [&mut |batch: &[Observation]| rows.extend_from_slice(batch)]);
    for row in &mut rows {
        for name in [&mut row.instance, &mut row.zone, &mut row.address].into_iter().flatten() {
            *name = known.id(&met.name(*name));
        }
    }
    assert_eq!(reading.rows, rows.len() as u64);
    (rows, reading)
}

fn parts(directory: &RunDirectory) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(directory.requests())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn any_state_op() -> impl Strategy<Value = StateOp> {
    (0..schema::STATE_OP_NAMES.len() as u16, 0..3u8, any::<i64>()).prop_map(|(op, state, value)| {
        schema::put_together(op, state, value).expect("there is an operation for each name")
    })
}

fn any_name() -> impl Strategy<Value = Option<NameId>> {
    prop::option::of((0..NAMES.len() as u16).prop_map(NameId))
}

fn any_row() -> impl Strategy<Value = Observation> {
    let offset = || any::<i64>().prop_map(Offset);
    let who = (any::<u64>(), any::<u32>(), (0..3u16).prop_map(StepId), any::<u8>());
    let when = (offset(), offset(), prop::option::of(offset()), offset());
    let answer = (prop::sample::select(&Outcome::ALL[..]), any::<u16>(), any::<u32>());
    let whence = (any_name(), any_name(), any_name(), prop::sample::select(&ConnectionUse::ALL[..]), any::<bool>());
    let said = (prop::sample::select(&Identity::ALL[..]), any::<i64>(), any::<bool>());
    let states = prop::collection::vec(any_state_op(), 0..4);
    (who, when, answer, whence, said, states).prop_map(|(who, when, answer, whence, said, states)| Observation {
        session: who.0,
        user: who.1,
        step: who.2,
        part: who.3,
        intended: when.0,
        started: when.1,
        first_byte: when.2,
        last_byte: when.3,
        outcome: answer.0,
        status: answer.1,
        body_bytes: answer.2,
        instance: whence.0,
        zone: whence.1,
        address: whence.2,
        connection: whence.3,
        affinity: whence.4,
        identity: said.0,
        found_identity: said.1,
        last_of_session: said.2,
        states,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_read_is_what_was_written(rows in prop::collection::vec(any_row(), 0..60), part_rows in 1..40usize) {
        let (_results, directory) = begun();
        let outcome = recorded(&directory, by_rows(part_rows), std::slice::from_ref(&rows));
        prop_assert_eq!(&outcome, &RecordOutcome { recorded: rows.len() as u64, lost: 0, error: None });
        prop_assert_eq!(parts(&directory).len(), rows.len().div_ceil(part_rows));
        let (read, reading) = read(&directory);
        prop_assert_eq!(reading.damaged, vec![]);
        prop_assert_eq!(read, rows);
    }
}

#[test]
fn rows_of_many_row_groups_and_batches_come_back_in_order() {
    let (_results, directory) = begun();
    let all = rows(0..40_000);
    let batches: Vec<_> = all.chunks(777).map(<[_]>::to_vec).collect();
    assert_eq!(recorded(&directory, by_rows(1_000_000), &batches).recorded, 40_000);
    assert_eq!(parts(&directory), ["w0-00000.parquet"]);
    assert_eq!(read(&directory).0, all);
}

#[test]
fn parts_are_closed_by_rows_and_named_after_the_worker() {
    let (_results, directory) = begun();
    let options = RecorderOptions { worker: 3, ..by_rows(10) };
    recorded(&directory, options, &[rows(0..25)]);
    assert_eq!(parts(&directory), ["w3-00000.parquet", "w3-00001.parquet", "w3-00002.parquet"]);
}

#[test]
fn a_part_that_is_old_is_closed_without_further_rows() {
    let (_results, directory) = begun();
    let options = RecorderOptions { part_time: Duration::ZERO, ..RecorderOptions::default() };
    let recorder = Recorder::start(&directory, &plan(), names(), options).unwrap();
    recorder.batches().send(rows(0..3));
    // Nothing but the age of the part makes it closed, so this ends, or the test never does.
    while !directory.part(0, 0).exists() {
        std::thread::yield_now();
    }
    assert_eq!(recorder.finish().recorded, 3);
}

#[test]
fn the_same_rows_make_the_same_bytes() {
    let parts: Vec<_> = (0..2)
        .map(|_| {
            let (_results, directory) = begun();
            recorded(&directory, by_rows(1_000_000), &[rows(0..500)]);
            fs::read(directory.part(0, 0)).unwrap()
        })
        .collect();
    assert!(parts[0] == parts[1]);
}

#[test]
fn names_get_the_same_numbers_at_every_reading() {
    let (_results, directory) = begun();
    recorded(&directory, by_rows(2), &[rows(0..5)]);
    let run = RecordedRun::open(directory.path()).unwrap();
    let numbered: Vec<_> = (0..2)
        .map(|_| {
            let names = Names::default();
            run.for_each(&names, []);
            names.all()
        })
        .collect();
    assert_eq!(numbered[0].iter().map(|name| &**name).collect::<Vec<_>>(), ["i-2", "zone-a", "127.0.0.1:8443"]);
    assert_eq!(numbered[0], numbered[1]);
}

/// Judging on several threads comes to what judging on one does: whoever is shown the rows is shown all, in their order.
#[test]
fn each_visitor_is_shown_all_rows_in_order() {
    let (_results, directory) = begun();
    let written = rows(0..30_000);
    recorded(&directory, by_rows(10_000), std::slice::from_ref(&written));
    let run = RecordedRun::open(directory.path()).unwrap();
    let (mut seen, mut sessions) = (Vec::new(), Vec::new());
    let mut keeps = |batch: &[Observation]| seen.extend(batch.iter().map(|row| row.session));
    // Much slower than the other, which must neither wait for ever nor run away from it.
    let mut sorts = |batch: &[Observation]| {
        sessions.extend(batch.iter().map(|row| row.session));
        sessions.sort_unstable();
    };
    let reading = run.for_each(&Names::default(), [&mut keeps, &mut sorts]);
    assert_eq!((reading.rows, reading.damaged), (30_000, Vec::new()));
    let expected: Vec<u64> = written.iter().map(|row| row.session).collect();
    assert_eq!((&seen, &sessions), (&expected, &expected));
}

#[test]
fn a_killed_run_is_read_up_to_its_last_closed_part() {
    let (_results, directory) = begun();
    recorded(&directory, by_rows(10), &[rows(0..30)]);
    // As it is when the process dies with the last part still open.
    let last = directory.part(0, 2);
    let whole = fs::read(&last).unwrap();
    fs::write(directory::beside(&last, part_writer::UNFINISHED), &whole[..whole.len() / 2]).unwrap();
    fs::remove_file(&last).unwrap();
    fs::write(
        directory.events(),
        "{\"at_us\":0,\"source\":\"run\",\"resolution_us\":0,\"kind\":\"load-started\"}\n{\"at_",
    )
    .unwrap();

    let run = RecordedRun::open(directory.path()).unwrap();
    assert_eq!((run.unfinished_parts, run.skipped_lines, run.events.len()), (1, 1, 1));
    assert!(run.manifest.ending.is_none());
    let (read, reading) = read(&directory);
    assert_eq!(read, rows(0..20));
    assert_eq!(reading.damaged, []);
}

#[test]
fn a_damaged_part_is_named_and_the_others_are_read() {
    let (_results, directory) = begun();
    recorded(&directory, by_rows(10), &[rows(0..30)]);
    let damaged = directory.part(0, 1);
    let whole = fs::read(&damaged).unwrap();
    fs::write(&damaged, &whole[..whole.len() - 1]).unwrap();
    let (read, reading) = read(&directory);
    assert_eq!(read, [rows(0..10), rows(20..30)].concat());
    assert_eq!(reading.damaged.len(), 1);
    assert_eq!(reading.damaged[0].file, damaged);
    insta::assert_snapshot!(reading.damaged[0].reason, @"Parquet error: Invalid Parquet file. Corrupt footer");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// As a copy that was interrupted leaves it.
    #[test]
    fn a_part_that_is_cut_short_spoils_no_other(cut in any::<prop::sample::Index>()) {
        let (_results, directory) = begun();
        recorded(&directory, by_rows(10), &[rows(0..20)]);
        let damaged = directory.part(0, 0);
        let bytes = fs::read(&damaged).unwrap();
        fs::write(&damaged, &bytes[..cut.index(bytes.len())]).unwrap();
        let (read, reading) = read(&directory);
        prop_assert_eq!(read, rows(10..20));
        prop_assert_eq!(reading.damaged.len(), 1);
    }
}

#[test]
fn a_part_of_another_plan_is_damaged() {
    let (_results, directory) = begun();
    recorded(&directory, by_rows(10), &[rows(0..10)]);
    let mut other = manifest(&directory);
    other.plan.steps[1].name = "basket".into();
    other.write(&directory).unwrap();
    let (read, reading) = read(&directory);
    assert_eq!(read, []);
    insta::assert_snapshot!(reading.damaged[0].reason, @"a row's step is not one of its scenario in this plan");
}

/// A file on a disk that has room for `left` more bytes, all files together.
struct Filling {
    file: File,
    left: Arc<AtomicUsize>,
}

impl Write for Filling {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = self.left.load(Ordering::Relaxed);
        if left < bytes.len() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.left.store(left - bytes.len(), Ordering::Relaxed);
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl PartFile for Filling {
    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_all()
    }
}

fn on_a_disk_of(bytes: usize) -> OpenPart {
    let left = Arc::new(AtomicUsize::new(bytes));
    Arc::new(move |path: &Path| Ok(Box::new(Filling { file: File::create(path)?, left: left.clone() }) as _))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Wherever the disk gets full, rows are either readable or counted as lost.
    #[test]
    fn a_full_disk_keeps_what_was_recorded_before(room in 0..60_000usize) {
        let (_results, directory) = begun();
        let options = RecorderOptions { open_part: on_a_disk_of(room), ..by_rows(50) };
        let batches: Vec<_> = (0..20).map(|batch| rows(batch * 20..(batch + 1) * 20)).collect();
        let outcome = recorded(&directory, options, &batches);
        prop_assert_eq!(outcome.recorded + outcome.lost, 400);
        prop_assert_eq!(outcome.lost > 0, outcome.error.is_some());
        let (read, reading) = read(&directory);
        prop_assert_eq!(read, rows(0..outcome.recorded));
        prop_assert_eq!(reading.damaged, vec![]);
        prop_assert_eq!(RecordedRun::open(directory.path()).unwrap().unfinished_parts, 0);
    }
}

#[test]
fn a_full_disk_is_told_while_the_run_goes_on() {
    let (results, directory) = begun();
    let options = RecorderOptions { open_part: on_a_disk_of(0), ..by_rows(10) };
    let recorder = Recorder::start(&directory, &plan(), names(), options).unwrap();
    assert_eq!(recorder.failed(), None);
    recorder.batches().send(rows(0..10));
    while recorder.lost() < 10 {
        std::thread::yield_now();
    }
    let failed = recorder.failed().unwrap().replace(&*results.path().to_string_lossy(), "");
    insta::assert_snapshot!(failed.replace(&directory.run_id(), "RUN"), @"cannot write /evening/RUN/requests/.w0-00000.parquet.unfinished: no storage space; results need a directory that is writable and has room");
    recorder.batches().send(rows(10..15));
    let outcome = recorder.finish();
    assert_eq!((outcome.recorded, outcome.lost), (0, 15));
}

#[test]
fn a_slow_disk_loses_rows_and_does_not_block_the_load() {
    let (_results, directory) = begun();
    let (let_go, held) = std::sync::mpsc::channel::<()>();
    let held = std::sync::Mutex::new(held);
    let open_part: OpenPart = Arc::new(move |path: &Path| {
        // Opens once the test has sent all it wanted to.
        let _ = held.lock().unwrap().recv();
        File::create(path).map(|file| Box::new(file) as _)
    });
    let options = RecorderOptions { open_part, queue_batches: 2, ..by_rows(1_000) };
    let recorder = Recorder::start(&directory, &plan(), names(), options).unwrap();
    let sender = recorder.batches();
    for batch in 0..10 {
        sender.send(rows(batch..batch + 1));
    }
    // One batch is being written and two wait, at most.
    assert!(recorder.lost() >= 7);
    drop(let_go);
    let outcome = recorder.finish();
    assert_eq!((outcome.recorded + outcome.lost, outcome.error), (10, None));
    assert!((2..=3).contains(&outcome.recorded));
    sender.send(rows(0..1));
}

#[test]
fn events_and_samples_come_back() {
    let (_results, directory) = begun();
    let recorder = Recorder::start(&directory, &plan(), names(), RecorderOptions::default()).unwrap();
    let event = Event {
        at_us: Offset(5),
        source: EventSource::Balancer,
        resolution_us: 500_000,
        kind: EventKind::InstanceHealthy { instance: "i-3\n".into(), zone: "a".into() },
    };
    let sample = Sample {
        at_us: Offset(1_000_000),
        generator: GeneratorGauges { requests_done: 7, load_thread_busy: 0.25, ..GeneratorGauges::default() },
        fleet: None,
        store: None,
    };
    recorder.event(&event);
    recorder.sample(&sample);
    // They are there at once, not only when the recorder is done.
    let run = RecordedRun::open(directory.path()).unwrap();
    assert_eq!((run.events, run.samples, run.skipped_lines), (vec![event], vec![sample], 0));
    recorder.finish();
}

#[test]
fn a_newer_format_is_refused_with_the_remedy() {
    let (results, directory) = begun();
    let newer = {
        let manifest = manifest(&directory);
        let origin = Origin { tool_version: "9.0.0".into(), ..manifest.origin };
        Manifest { format_version: FORMAT_VERSION + 1, origin, ..manifest }
    };
    newer.write(&directory).unwrap();
    // A newer manifest need not look like ours at all.
    let mut json: serde_json::Value = serde_json::from_slice(&fs::read(directory.manifest()).unwrap()).unwrap();
    json["plan"] = "elsewhere".into();
    write_whole(&directory.manifest(), json.to_string().as_bytes()).unwrap();
    let error = RecordedRun::open(directory.path()).unwrap_err().to_string();
    let error = error.replace(&*results.path().to_string_lossy(), "").replace(&directory.run_id(), "RUN");
    insta::assert_snapshot!(error, @"/evening/RUN/manifest.json was written in format 2 by rushhour 9.0.0, and this version reads formats up to 1; read it with rushhour 9.0.0 or newer");
}

#[test]
fn a_manifest_that_is_cut_short_is_named() {
    let (_results, directory) = begun();
    let json = fs::read(directory.manifest()).unwrap();
    fs::write(directory.manifest(), &json[..json.len() / 2]).unwrap();
    assert!(matches!(RecordedRun::open(directory.path()), Err(RecordError::BadManifest { .. })));
}

#[test]
fn the_readme_names_every_column() {
    let readme = fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("results/README.md")).unwrap();
    for column in schema::schema().get_fields() {
        assert!(readme.contains(&format!("| `{}` |", column.name())), "{}", column.name());
    }
    let lists = [schema::outcome_names(), schema::connection_names(), schema::identity_names()];
    for name in lists.concat().into_iter().chain(schema::STATE_OP_NAMES) {
        assert!(readme.contains(&format!("`{name}`")), "{name}");
    }
}
