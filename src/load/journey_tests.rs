//! Single sessions against a small server, both on the test's own thread.

use super::compiled::CompiledPlan;
use super::gauges::LoadGauges;
use super::journey::{Ended, Means, run_session};
use super::shard::{self, Arrival, Shard};
use super::tests::{plan, reply, serve};
use super::timer;
use crate::history::{ConnectionUse, Fingerprinter, Identity, Names, Observation, RunClock, StateOp, StepId};
use crate::plan::*;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::{Duration, Instant};

const JOB: u8 = fixture::EXPORT;

/// A session of one page.
fn page() -> Plan {
    plan(Model::Sessions, 1.0, 1.0)
}

/// A session that does nothing but ask for its job.
fn poll(every_ms: u64, within_ms: u64) -> Plan {
    let mut plan = page();
    plan.steps[0].states = vec![StateUse::PollJob(JobPoll {
        state: JOB,
        source: Source::Json("/state".to_owned()),
        done: vec!["done".to_owned()],
        failed: vec!["failed".to_owned()],
        every: Duration::from_millis(every_ms),
        within: Duration::from_millis(within_ms),
    })];
    plan
}

/// A session that logs in and looks at a page, against an application that asks for a login by a 401.
fn login_and_page() -> Plan {
    let mut plan = page();
    let mut login = plan.steps[0].clone();
    (login.role, login.proves_identity, login.path) = (Role::Login, false, Template::literal("/login"));
    plan.steps.insert(0, login);
    plan.scenarios[0].steps = vec![StepId(0), StepId(1)];
    plan.session.rejected = vec![RejectionRule { status: vec![401], redirect: None, body: None }];
    plan.session.on_rejected = OnRejected::Relogin;
    plan
}

/// A server that gives these answers one after the other, and then the last of them for ever. None: the connection is
/// closed.
async fn answers(list: &'static [Option<&'static str>]) -> String {
    let given = Arc::new(AtomicUsize::new(0));
    serve(move |_| {
        let answer = list[given.fetch_add(1, Relaxed).min(list.len() - 1)].map(|body| reply("200 OK", body));
        async move { answer }
    })
    .await
}

/// Runs one session: how it ended, and what was observed.
async fn run(plan: Plan, url: &str) -> (Ended, Vec<Observation>) {
    let feeder = Feeder::Generated { name: "u{n}".to_owned(), password: Secret::new("p"), count: plan.user_count };
    let plan = Arc::new(CompiledPlan::new(Arc::new(plan), feeder, Fingerprinter::new(&[7; 16])).unwrap());
    let seen: Arc<Mutex<Vec<Observation>>> = Arc::default();
    let sink = seen.clone();
    let sink = Arc::new(move |batch: Vec<Observation>| sink.lock().unwrap().extend(batch));
    let clock = RunClock::starting_in(Duration::ZERO);
    shard::install(Shard::new(&plan, clock, Names::default(), sink, LoadGauges::new(1).shard(0), Share::ALL));
    let timers = tokio::spawn(timer::drive());
    let add_slot = |context: &mut std::task::Context<'_>| shard::with(|shard| shard.add_slot(context.waker()));
    let slot = std::future::poll_fn(|context| Poll::Ready(add_slot(context))).await;
    let user = shard::with(Shard::take_user).unwrap();
    let means = Means::new(plan, url).unwrap();
    let ended = run_session(&means, 0, slot, user, Arrival { number: 0, due: Instant::now() }).await;
    timers.abort();
    shard::uninstall();
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    (ended, seen)
}

fn outcomes(rows: &[Observation]) -> Vec<&str> {
    rows.iter().map(|row| row.outcome.name()).collect()
}

/// Whether just the last row is marked as the session's last.
fn ends_once(rows: &[Observation]) -> bool {
    rows.iter().map(|row| row.last_of_session).eq((1..=rows.len()).map(|n| n == rows.len()))
}

#[tokio::test]
async fn a_poll_that_cannot_be_sent_is_not_repeated() {
    let url = answers(&[Some("{}")]).await;
    let mut plan = poll(1, 200);
    plan.variables = vec!["job".to_owned()];
    plan.steps[0].path = Template { pieces: vec![Piece::Text("/jobs/".to_owned()), Piece::Variable(0)] };
    let (ended, rows) = run(plan, &url).await;
    assert_eq!((ended, outcomes(&rows), ends_once(&rows)), (Ended::Whole, vec!["not-sent"], true));
}

#[tokio::test]
async fn a_poll_without_an_answer_is_not_the_last_of_its_session_while_others_follow() {
    let url = answers(&[None, Some(r#"{"state":"running"}"#), Some(r#"{"state":"done"}"#)]).await;
    let (ended, rows) = run(poll(1, 60_000), &url).await;
    assert_eq!((ended, outcomes(&rows), ends_once(&rows)), (Ended::Whole, vec!["reset", "ok", "ok"], true));
    let said: Vec<_> = rows.into_iter().map(|row| row.states).collect();
    assert_eq!(said, [vec![], vec![StateOp::JobPending { state: JOB }], vec![StateOp::JobDone { state: JOB }]]);
}

#[tokio::test]
async fn the_last_poll_within_the_limit_ends_the_session_and_tells_that_the_job_is_overdue() {
    for answer in [&[Some(r#"{"state":"running"}"#)], &[None]] {
        let url = answers(answer).await;
        let (ended, rows) = run(poll(20, 50), &url).await;
        assert_eq!((ended, ends_once(&rows)), (Ended::Whole, true), "{rows:?}");
        let overdue = rows.iter().position(|row| row.states == [StateOp::JobOverdue { state: JOB }]);
        assert_eq!(overdue, Some(rows.len() - 1), "{rows:?}");
    }
}

#[tokio::test]
async fn a_user_who_is_rejected_again_and_again_logs_in_again_until_it_is_enough() {
    for (rejections, ended, statuses) in [
        (2, Ended::Whole, vec![200, 401, 200, 401, 200, 200]),
        (usize::MAX, Ended::GaveUp, vec![200, 401, 200, 401, 200, 401, 200, 401]),
    ] {
        let asked = Arc::new(AtomicUsize::new(0));
        let url = serve(move |request| {
            let rejected = !request.contains(" /login ") && asked.fetch_add(1, Relaxed) < rejections;
            async move { Some(reply(if rejected { "401 Unauthorized" } else { "200 OK" }, "")) }
        })
        .await;
        let (how, rows) = run(login_and_page(), &url).await;
        assert_eq!((how, rows.iter().map(|row| row.status).collect::<Vec<_>>()), (ended, statuses));
        let rejected = |row: &&Observation| row.identity == Identity::Rejected;
        assert_eq!(rows.iter().filter(rejected).count(), rows.iter().filter(|row| row.status == 401).count());
        assert!(ends_once(&rows), "{rows:?}");
    }
}

#[tokio::test]
async fn only_a_connection_that_was_closed_about_when_the_request_was_sent_was_idle() {
    let at_once = Duration::ZERO;
    let while_serving = super::perform::CLOSE_CROSSES_WITHIN * 3;
    for (closed_after, outcome, connection, requests) in
        [(at_once, "ok", ConnectionUse::Reopened, 3), (while_serving, "reset", ConnectionUse::Kept, 2)]
    {
        let received = Arc::new(AtomicUsize::new(0));
        let count = received.clone();
        let url = serve(move |_| {
            let is_second = count.fetch_add(1, Relaxed) == 1;
            async move {
                if is_second {
                    tokio::time::sleep(closed_after).await;
                    return None;
                }
                Some(reply("200 OK", "ok"))
            }
        })
        .await;
        let mut plan = page();
        plan.steps[0].repeat = Repeat { from: 2, to: 2 };
        let (_, rows) = run(plan, &url).await;
        assert_eq!((outcomes(&rows), rows[1].connection), (vec!["ok", outcome], connection));
        assert_eq!(received.load(Relaxed), requests);
    }
}

#[tokio::test]
async fn a_request_that_the_runs_end_cuts_while_it_connects_is_no_failure_to_connect() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        // It never says anything, so the handshake does not end.
        let _silent = listener.accept().await.unwrap();
        shard::with(|shard| {
            shard.stop();
            shard.cut();
        });
        std::future::pending::<()>().await;
    });
    let (_, rows) = run(page(), &url).await;
    assert_eq!(outcomes(&rows), ["abandoned"]);
}
