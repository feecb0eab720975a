//! The load threads against small servers on loopback.

use super::running::{Load, LoadOptions};
use crate::history::{Fingerprinter, GeneratorGauges, Names, Observation, Offset, Outcome, RunClock, StepId};
use crate::plan::*;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// Goose's switch that ends an attack is one for the whole process, so these tests take turns.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// No run of these tests takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

fn curve(points: &[(f64, f64)]) -> Curve {
    let point = |(at_seconds, value): &(f64, f64)| Point { at_seconds: *at_seconds, value: *value };
    Curve { points: points.iter().map(point).collect() }
}

pub(super) fn plan(model: Model, rate: f64, seconds: f64) -> Plan {
    let mut plan = fixture::plan();
    plan.workload.model = model;
    plan.workload.curve = curve(&[(0.0, rate), (seconds, rate)]);
    plan.workload.max_sessions = 20;
    plan.connections.mode = ConnectionMode::Pinned;
    plan.session.on_rejected = OnRejected::Leave;
    plan.user_fields.push("password".to_owned());
    // One page, which nobody has to log in for.
    plan.steps = vec![plan.steps[usize::from(fixture::PAGE.0)].clone()];
    plan.steps[0].expect = vec![Expectation { part: Part::Status, check: Check::StatusBelow(400) }];
    plan.scenarios[0].steps = vec![StepId(0)];
    plan
}

pub(super) fn reply(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// Answers every request with 200 after as long as `delay` says when the request comes.
async fn server(delay: impl Fn() -> Duration + Send + Sync + Clone + 'static) -> String {
    serve(move |_| {
        let delay = delay();
        async move {
            tokio::time::sleep(delay).await;
            Some(reply("200 OK", "ok"))
        }
    })
    .await
}

/// Answers every request with what `answer` makes of it. None: the connection is closed without an answer.
pub(super) async fn serve<A>(answer: impl Fn(String) -> A + Send + Sync + Clone + 'static) -> String
where
    A: Future<Output = Option<String>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut request = [0u8; 4096];
                while let Ok(length @ 1..) = stream.read(&mut request).await {
                    let Some(answer) = answer(String::from_utf8_lossy(&request[..length]).into_owned()).await else {
                        return;
                    };
                    if stream.write_all(answer.as_bytes()).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    url
}

/// Runs a plan to its end and returns what was observed, in order of intended start.
async fn observe(plan: Plan, url: String, threads: usize) -> (Vec<Observation>, GeneratorGauges) {
    let clock = RunClock::starting_in(Duration::from_millis(1200));
    tokio::time::timeout(PATIENCE, observe_by(clock, plan, url, threads)).await.expect("the run ends")
}

async fn observe_by(clock: RunClock, plan: Plan, url: String, threads: usize) -> (Vec<Observation>, GeneratorGauges) {
    let seen: Arc<Mutex<Vec<Observation>>> = Arc::default();
    let sink = seen.clone();
    let (notices, _heard) = mpsc::unbounded_channel();
    let count = plan.user_count;
    let load = Load::start(LoadOptions {
        plan: Arc::new(plan),
        feeder: Feeder::Generated { name: "u{n}".to_owned(), password: Secret::new("p"), count },
        fingerprints: Fingerprinter::new(&[7; 16]),
        url,
        clock,
        names: Names::default(),
        threads,
        sink: Arc::new(move |batch| sink.lock().unwrap().extend(batch)),
        notices,
    })
    .unwrap();
    let gauges = load.gauges();
    while !gauges.drained() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let read = gauges.read();
    load.finish().await.unwrap();
    let mut seen = std::mem::take(&mut *seen.lock().unwrap());
    seen.sort_by_key(|row| row.intended);
    (seen, read)
}

/// Requests in flight from one second of the run to another, in the mean.
fn in_flight(rows: &[Observation], from: f64, to: f64) -> f64 {
    let (from_at, to_at) = (Offset::from_secs_f64(from), Offset::from_secs_f64(to));
    let within = |row: &Observation| row.last_byte.min(to_at).since(row.intended.max(from_at)).as_secs_f64();
    rows.iter().map(within).sum::<f64>() / (to - from)
}

/// The most requests that were in flight at one time.
fn most_in_flight(rows: &[Observation]) -> usize {
    let at = |time: Offset| rows.iter().filter(|row| row.intended <= time && time < row.last_byte).count();
    rows.iter().map(|row| at(row.intended)).max().unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_arrival_is_observed_once_and_on_time() {
    let _turn = TURN.lock().await;
    let url = server(|| Duration::ZERO).await;
    for threads in [1, 2] {
        let mut plan = plan(Model::Sessions, 200.0, 1.0);
        // As many slots as arrivals: none is owed, however long a thread is held up.
        (plan.workload.max_sessions, plan.user_count) = (200, 200);
        let (rows, gauges) = observe(plan, url.clone(), threads).await;
        assert_eq!(rows.len(), 200);
        let mut numbers: Vec<u64> = rows.iter().map(|row| row.session).collect();
        numbers.sort();
        assert_eq!(numbers, (0..200).collect::<Vec<_>>());
        assert!(rows.iter().all(|row| row.outcome == Outcome::Ok));
        // Even arrivals at 200/s: arrival k is due at (k + ½) · 5 ms.
        for (k, row) in rows.iter().enumerate() {
            assert_eq!(row.intended.0, 2_500 + 5_000 * k as i64);
        }
        assert_eq!((gauges.arrivals_due, gauges.arrivals_started, gauges.arrivals_owed), (200, 200, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_arrival_that_finds_no_slot_is_owed_and_its_wait_is_in_its_response_time() {
    let _turn = TURN.lock().await;
    let url = server(|| Duration::from_millis(100)).await;
    let mut plan = plan(Model::Sessions, 40.0, 0.5);
    plan.workload.max_sessions = 2;
    let (rows, gauges) = observe(plan, url, 1).await;
    assert_eq!(rows.len(), 20);
    assert!(gauges.arrivals_owed >= 15, "{} owed", gauges.arrivals_owed);
    // Two at a time, 100 ms each: the last of 20 begins at 0.9 s or later, and was due before 0.5 s.
    let last = rows.last().unwrap();
    let (response, service) = (last.response_time(), last.service_time());
    assert!(service >= Duration::from_millis(99), "{service:?}");
    assert!(response >= service + Duration::from_millis(400), "{response:?} with {service:?} of service");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_of_the_arrivals_model_each_take_an_arrival() {
    let _turn = TURN.lock().await;
    let url = server(|| Duration::ZERO).await;
    let mut plan = plan(Model::Arrivals, 100.0, 1.0);
    plan.steps[0].repeat = Repeat { from: 5, to: 5 };
    let (rows, _) = observe(plan, url, 1).await;
    assert_eq!(rows.len(), 100, "an arrival is a request, not a session");
    for (k, row) in rows.iter().enumerate() {
        assert_eq!(row.intended.0, 5_000 + 10_000 * k as i64);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_as_many_as_the_curve_says() {
    let _turn = TURN.lock().await;
    let url = server(|| Duration::from_millis(50)).await;
    let mut plan = plan(Model::Users, 10.0, 3.0);
    plan.workload.max_sessions = 10;
    let (rows, _) = observe(plan, url, 2).await;
    // Without a pause between sessions, each user has a request in flight (nearly) all the time.
    let users = in_flight(&rows, 0.5, 2.5);
    assert!(users > 9.0 && most_in_flight(&rows) == 10, "{users} of 10 users, {} at most", most_in_flight(&rows));
    let mut numbers: Vec<u64> = rows.iter().map(|row| row.session).collect();
    numbers.sort();
    numbers.dedup();
    assert_eq!(numbers.len(), rows.len(), "session numbers are unique over all threads");
}

#[tokio::test(flavor = "multi_thread")]
async fn users_who_come_before_others_have_left_wait_for_them() {
    let _turn = TURN.lock().await;
    let url = server(|| Duration::from_millis(200)).await;
    let mut plan = plan(Model::Users, 4.0, 4.0);
    plan.steps[0].repeat = Repeat { from: 3, to: 3 };
    // Three are to leave, which they do at the end of their sessions, and three to come at once.
    plan.workload.curve = curve(&[(0.0, 4.0), (1.0, 4.0), (1.0, 1.0), (1.0, 4.0), (4.0, 4.0)]);
    (plan.workload.max_sessions, plan.user_count) = (4, 4);
    let (rows, _) = observe(plan, url, 1).await;
    assert_eq!(most_in_flight(&rows), 4, "there are four users");
    // Goose looks at its plan twice a second, and sessions last 0.6 s.
    let users = in_flight(&rows, 2.5, 3.5);
    assert!(users > 3.5, "{users} of 4 users");
}

/// One second in every five, no answer leaves the server; otherwise each takes half a second. A generator that waits for
/// answers before it sends on would hardly notice (coordinated omission).
#[tokio::test(flavor = "multi_thread")]
async fn the_response_time_told_is_that_of_arithmetic() {
    let _turn = TURN.lock().await;
    const SERVICE: f64 = 0.5;
    const PERIOD: f64 = 5.0;
    const STALL: f64 = 1.0;
    let begun = Instant::now();
    // Of a request that comes at a time since then.
    let service = move |arrived: f64| {
        let left = (PERIOD - (arrived + SERVICE) % PERIOD) % PERIOD;
        SERVICE + if left < STALL { left } else { 0.0 }
    };
    let answered: Arc<Mutex<HashMap<String, Instant>>> = Arc::default();
    let noted = answered.clone();
    let url = serve(move |request| {
        let delay = Duration::from_secs_f64(service(begun.elapsed().as_secs_f64()));
        let noted = noted.clone();
        async move {
            tokio::time::sleep(delay).await;
            let path = request.split_whitespace().nth(1)?.to_owned();
            noted.lock().unwrap().insert(path, Instant::now());
            Some(reply("200 OK", "ok"))
        }
    })
    .await;
    let mut plan = plan(Model::Arrivals, 100.0, 2.0 * PERIOD);
    plan.steps[0].path = Template { pieces: vec![Piece::Text("/".to_owned()), Piece::Session] };
    (plan.workload.max_sessions, plan.user_count) = (400, 400);
    let clock = RunClock::starting_in(Duration::from_millis(1200));
    let (rows, gauges) = observe_by(clock, plan, url, 1).await;
    assert_eq!((rows.len(), gauges.arrivals_owed), (1000, 0));
    let answered = answered.lock().unwrap();
    let mut added: Vec<Duration> = Vec::new();
    for row in &rows {
        let told = row.response_time();
        let at_server = clock.offset(answered[&format!("/{}", row.session)]).since(row.intended);
        // However late anybody was, from when a request was due no less can have gone by than arithmetic says.
        let due = clock.instant(row.intended).duration_since(begun).as_secs_f64();
        let least = Duration::from_secs_f64(service(due)) - Duration::from_micros(5);
        assert!(told >= at_server && at_server >= least, "{told:?} told, {at_server:?} served, {least:?} at least");
        added.push(told - at_server);
    }
    added.sort();
    assert!(added[500] < Duration::from_millis(10), "{:?} on top of what the server took", added[500]);
}
