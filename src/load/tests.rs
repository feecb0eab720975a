//! The load threads against small servers on loopback.

use super::running::{Load, LoadOptions};
use crate::history::{Fingerprinter, Names, Observation, Outcome, RunClock, StepId};
use crate::plan::*;

use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// Goose's switch that ends an attack is one for the whole process, so these tests take turns.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

fn plan(model: Model, rate: f64, seconds: f64) -> Plan {
    let mut plan = fixture::plan();
    let point = |at_seconds| Point { at_seconds, value: rate };
    plan.workload.model = model;
    plan.workload.curve = Curve { points: vec![point(0.0), point(seconds)] };
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

/// Answers every request with 200 after `delay` says so, given when the request came.
async fn server(delay: impl Fn() -> Duration + Send + Sync + Clone + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let delay = delay.clone();
            tokio::spawn(async move {
                let mut request = [0u8; 4096];
                while let Ok(1..) = stream.read(&mut request).await {
                    tokio::time::sleep(delay()).await;
                    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
                    if stream.write_all(answer).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    url
}

/// Runs a plan to its end and returns what was observed, in order of intended start.
async fn observe(plan: Plan, url: String, threads: usize) -> (Vec<Observation>, crate::history::GeneratorGauges) {
    let seen: Arc<Mutex<Vec<Observation>>> = Arc::default();
    let sink = seen.clone();
    let (notices, _heard) = mpsc::unbounded_channel();
    let count = plan.user_count;
    let load = Load::start(LoadOptions {
        plan: Arc::new(plan),
        feeder: Feeder::Generated { name: "u{n}".to_owned(), password: Secret::new("p"), count },
        fingerprints: Fingerprinter::new(&[7; 16]),
        url,
        clock: RunClock::starting_in(Duration::from_millis(1200)),
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

#[tokio::test(flavor = "multi_thread")]
async fn every_arrival_is_observed_once_and_on_time() {
    let _turn = TURN.lock().await;
    let url = server(|| Duration::ZERO).await;
    for threads in [1, 2] {
        let (rows, gauges) = observe(plan(Model::Sessions, 200.0, 1.0), url.clone(), threads).await;
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
    // Two at a time, 100 ms each: the last of 20 ends at 1 s or later, and was due before 0.5 s.
    let last = rows.last().unwrap();
    assert!(last.response_time() >= Duration::from_millis(490), "{:?}", last.response_time());
    assert!(last.service_time() < Duration::from_millis(250), "{:?}", last.service_time());
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
    // Goose brings the users up within its first second; then 10 users make 20 requests/s each.
    let second = |from: i64| rows.iter().filter(|r| (from..from + 1_000_000).contains(&r.intended.0)).count();
    let at_full = second(1_500_000);
    assert!((150..=210).contains(&at_full), "{at_full} requests in a second of 10 users at 50 ms each");
    let mut numbers: Vec<u64> = rows.iter().map(|row| row.session).collect();
    numbers.sort();
    numbers.dedup();
    assert_eq!(numbers.len(), rows.len(), "session numbers are unique over all threads");
}

/// One second in every five, no answer leaves the server; otherwise each takes half a second. A generator that waits for
/// answers before it sends on would hardly notice (coordinated omission).
#[tokio::test(flavor = "multi_thread")]
async fn the_response_time_told_is_that_of_arithmetic() {
    let _turn = TURN.lock().await;
    const SERVICE: f64 = 0.5;
    const PERIOD: f64 = 5.0;
    const STALL: f64 = 1.0;
    let begun = std::time::Instant::now();
    let url = server(move || {
        let ready = begun.elapsed().as_secs_f64() + SERVICE;
        let left = (PERIOD - ready % PERIOD) % PERIOD;
        Duration::from_secs_f64(SERVICE + if left < STALL { left } else { 0.0 })
    })
    .await;
    let mut plan = plan(Model::Arrivals, 100.0, 2.0 * PERIOD);
    (plan.workload.max_sessions, plan.user_count) = (200, 200);
    let (rows, gauges) = observe(plan, url, 1).await;
    assert_eq!((rows.len(), gauges.arrivals_owed), (1000, 0));
    let mut times: Vec<f64> = rows.iter().map(|row| row.response_time().as_secs_f64()).collect();
    times.sort_by(f64::total_cmp);
    // A fifth of the arrivals is held back, by times spread evenly over the stall.
    for (quantile, arithmetic) in [(0.5, SERVICE), (0.9, SERVICE + STALL / 2.0), (0.99, SERVICE + 0.95 * STALL)] {
        let told = times[(quantile * times.len() as f64) as usize - 1];
        let off = (told - arithmetic).abs() / arithmetic;
        assert!(off < 0.02, "p{}: {told:.4} s told, {arithmetic:.4} s by arithmetic", quantile * 100.0);
    }
}
