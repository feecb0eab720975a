use super::*;
use crate::history::fixture::{action, activity, launched, row};
use crate::history::{Event, EventKind, Failure, Identity, Names, Observation, Outcome, StateOp, fixture::event};
use crate::plan::Plan;
use crate::plan::fixture::{CART, EXPORT, FORM, LOGIN, LOGOUT, PAGE, THEME, plan};
use proptest::prelude::*;

fn judge_by(plan: &Plan, events: &[Event], names: &Names, rows: &[Observation]) -> SessionFindings {
    let mut oracle = Oracle::new(plan, events, &[]);
    rows.iter().for_each(|row| oracle.observe(row, names));
    let findings = oracle.finish(names);
    assert_eq!(findings.answers.rows(), rows.len() as u64, "each row has one answer");
    for c in &findings.cohorts {
        let fates = c.survived + c.lost() + c.ambiguous + c.unavailable + c.unobserved;
        assert_eq!(fates, c.sessions, "fates are exclusive: {c:?}");
    }
    findings
}

/// Rows of one session against an unchanged fleet.
fn judge(rows: &[Observation], names: &Names) -> SessionFindings {
    judge_by(&plan(), &[], names, rows)
}

fn login(session: u64, seconds: f64, place: &str, names: &Names) -> Observation {
    row(session, LOGIN, seconds).on(place, names).who(Identity::LoggedIn)
}

fn page(session: u64, seconds: f64, place: &str, names: &Names) -> Observation {
    row(session, PAGE, seconds).on(place, names).who(Identity::Recognised)
}

fn rejected(session: u64, seconds: f64, place: &str, names: &Names) -> Observation {
    page(session, seconds, place, names).who(Identity::Rejected).answered_with(Outcome::Unexpected, 303)
}

fn kinds(findings: &SessionFindings) -> Vec<SymptomKind> {
    findings.symptoms.iter().map(|s| s.kind).collect()
}

const ADD: StateOp = StateOp::Add { state: CART, amount: 1 };

fn counted(found: i64) -> StateOp {
    StateOp::Counted { state: CART, found }
}

#[test]
fn a_session_that_holds_loses_nothing() {
    let n = &Names::default();
    let f = judge(
        &[
            login(1, 0.0, "a@z1", n),
            page(1, 1.0, "b@z2", n).with(&[ADD, counted(1)]),
            page(1, 2.0, "a@z1", n).with(&[ADD, counted(2)]),
            page(1, 3.0, "b@z2", n).with(&[counted(2)]),
            row(1, LOGOUT, 4.0).on("b@z2", n).who(Identity::LoggedOut).last(),
        ],
        n,
    );
    assert_eq!((f.answers.recognised, f.answers.silent, f.sessions.verified), (3, 2, 1));
    assert_eq!((f.handoffs.handoffs, f.handoffs.sessions_handed_off), (3, 1));
    assert_eq!((f.states[0].agreed, f.states[0].lost), (3, 0));
    assert!(f.losses.is_empty() && f.symptoms.is_empty(), "{f:?}");
}

#[test]
fn a_rejection_of_a_valid_session_is_a_relogin_once() {
    let n = &Names::default();
    let f = judge(
        &[
            login(1, 0.0, "a@z1", n),
            page(1, 1.0, "a@z1", n),
            rejected(1, 2.0, "b@z1", n),
            rejected(1, 2.5, "b@z1", n),
            login(1, 3.0, "b@z1", n),
            page(1, 4.0, "b@z1", n).last(),
        ],
        n,
    );
    assert_eq!((f.sessions.asked_to_log_in_again, f.answers.rejected, f.answers.rejected_as_agreed), (1, 1, 1));
    let example = &f.losses[&LossKind::Relogin][0];
    assert_eq!((example.instance.as_deref(), example.step.as_str(), example.user), (Some("b"), "account", 1));
    assert_eq!(example.before.as_ref().unwrap().instance.as_deref(), Some("a"));
    let cell = f.handoffs.cells.iter().find(|c| c.from == "a" && c.to == "b").unwrap();
    assert_eq!((cell.requests, cell.relogins), (1, 1));
}

#[test]
fn a_rejection_as_agreed_is_no_loss() {
    let n = &Names::default();
    let idle = [login(1, 0.0, "a", n), page(1, 1.0, "a", n).with(&[ADD, counted(1)]), rejected(1, 31.5, "a", n)];
    let again =
        [login(1, 32.0, "a", n), page(1, 33.0, "a", n).with(&[StateOp::Counted { state: CART, found: 0 }]).last()];
    let f = judge(&[&idle[..], &again[..]].concat(), n);
    assert_eq!((f.sessions.asked_to_log_in_again, f.sessions.expired_as_agreed), (0, 1));
    assert_eq!(f.states[0].lost, 0, "what an expired session held may be gone");
    assert!(f.losses.is_empty());

    let f = judge(&[login(1, 0.0, "a", n), page(1, 1.0, "a", n), rejected(1, 30.5, "a", n)], n);
    assert_eq!(f.sessions.asked_to_log_in_again, 1, "29.5 s idle are within the 30 s agreed");

    let mut old = vec![login(1, 0.0, "a", n)];
    old.extend((1..30).map(|t| page(1, f64::from(t) * 20.0, "a", n)));
    old.push(rejected(1, 601.0, "a", n));
    assert_eq!(judge(&old, n).sessions.expired_as_agreed, 1, "past its lifetime");

    let out = [
        login(1, 0.0, "a", n),
        row(1, LOGOUT, 1.0).on("a", n).who(Identity::LoggedOut),
        rejected(1, 2.0, "a", n).last(),
    ];
    assert_eq!(judge(&out, n).sessions.asked_to_log_in_again, 0, "it had logged out");
}

#[test]
fn another_identity_is_told_whatever_else_is_right() {
    let n = &Names::default();
    let f = judge(&[login(1, 0.0, "a", n), page(1, 1.0, "a", n).who(Identity::Other).with(&[counted(9)]).last()], n);
    assert_eq!((f.sessions.wrong_user, f.answers.wrong_user, f.states[0].agreed), (1, 1, 0));
    assert_eq!(kinds(&f), [SymptomKind::WrongUser]);
    assert!(f.losses[&LossKind::WrongUser][0].found.starts_with("another identity"));
}

#[test]
fn writes_that_time_out_are_in_doubt_and_others_are_not() {
    let n = &Names::default();
    let history = |write: Observation, found: i64| {
        let rows = [
            login(1, 0.0, "a", n),
            page(1, 1.0, "a", n).with(&[counted(4)]),
            write.with(&[ADD]),
            page(1, 3.0, "a", n).with(&[counted(found)]).last(),
        ];
        let f = judge(&rows, n);
        (f.answers.state_lost, f.answers.state_ambiguous, f.answers.duplicated)
    };
    let write = || page(1, 2.0, "a", n);
    let silent = || row(1, PAGE, 2.0);
    let (fine, lost, ambiguous, duplicated) = ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1));
    let in_doubt = [Failure::Timeout, Failure::Reset, Failure::Malformed, Failure::TooLarge, Failure::Abandoned]
        .map(|f| silent().failed(f));
    for write in in_doubt {
        assert_eq!(history(write.clone(), 4), fine);
        assert_eq!(history(write.clone(), 5), ambiguous);
        assert_eq!(history(write.clone(), 6), duplicated);
        assert_eq!(history(write, 3), lost);
    }
    for failure in [Failure::Connect, Failure::Dns, Failure::Tls, Failure::NotSent] {
        assert_eq!(history(silent().failed(failure), 4), fine);
        assert_eq!(history(silent().failed(failure), 5), duplicated, "it was never sent");
    }
    assert_eq!(history(write().answered_with(Outcome::Unexpected, 503), 5), ambiguous);
    assert_eq!(history(write().answered_with(Outcome::Unexpected, 409), 4), fine);
    assert_eq!(history(write().answered_with(Outcome::Unexpected, 409), 5), duplicated, "it was refused");
    assert_eq!(history(write(), 4), lost);
    assert_eq!(history(write(), 5), fine);
    assert_eq!(history(write(), 6), duplicated);
}

#[test]
fn state_is_looked_for_after_a_relogin() {
    let n = &Names::default();
    let history = |found: i64| {
        let rows = [
            login(1, 0.0, "a", n),
            page(1, 1.0, "a", n).with(&[counted(2)]),
            rejected(1, 2.0, "b", n),
            login(1, 3.0, "b", n),
            page(1, 4.0, "b", n).with(&[counted(found)]),
            page(1, 5.0, "b", n).with(&[counted(found)]).last(),
        ];
        let f = judge(&rows, n);
        (f.states[0].kept_after_relogin, f.states[0].lost_after_relogin, f.states[0].lost)
    };
    assert_eq!(history(2), (1, 0, 0));
    assert_eq!(history(0), (0, 1, 1), "lost once, however often it is read");
}

#[test]
fn registers_and_missing_state() {
    let n = &Names::default();
    let set = |value| StateOp::Set { state: THEME, value };
    let found = |value| StateOp::Found { state: THEME, value };
    let f = judge(
        &[
            login(1, 0.0, "a", n),
            page(1, 1.0, "a", n).with(&[set(7)]),
            page(1, 2.0, "a", n).with(&[found(7)]),
            row(1, PAGE, 3.0).failed(Failure::Timeout).with(&[set(8)]),
            page(1, 4.0, "a", n).with(&[found(8)]),
            page(1, 5.0, "a", n).with(&[set(9)]),
            page(1, 6.0, "a", n).with(&[found(7)]),
            login(2, 0.0, "a", n),
            page(2, 1.0, "a", n).with(&[set(7)]),
            page(2, 2.0, "a", n).with(&[StateOp::Missing { state: THEME }]).last(),
        ],
        n,
    );
    let theme = &f.states[1];
    assert_eq!((theme.agreed, theme.ambiguous, theme.lost), (1, 1, 2));
    assert_eq!(f.losses[&LossKind::StateLost][0].found, "nothing");
    assert_eq!(f.sessions.state_lost, 2);
}

/// Thirty sessions whose second request is served by the same instance, another, and another zone.
fn spread(rejects: impl Fn(&str) -> bool, n: &Names) -> SessionFindings {
    let mut rows = Vec::new();
    for session in 0..30 {
        let place = ["a@z1", "b@z1", "c@z2"][session as usize % 3];
        rows.push(login(session, 0.0, "a@z1", n));
        rows.push(if rejects(place) { rejected(session, 1.0, place, n) } else { page(session, 1.0, place, n) }.last());
    }
    judge(&rows, n)
}

#[test]
fn what_rejections_have_in_common_is_named() {
    let n = &Names::default();
    assert_eq!(kinds(&spread(|_| false, n)), []);
    assert_eq!(kinds(&spread(|place| place != "a@z1", n)), [SymptomKind::SessionsLocalToInstance]);
    assert_eq!(kinds(&spread(|place| place == "c@z2", n)), [SymptomKind::SessionsLocalToZone]);
    assert_eq!(kinds(&spread(|_| true, n)), [SymptomKind::SessionsRejected]);
}

#[test]
fn dropped_writes_are_told_from_state_kept_in_an_instance() {
    let n = &Names::default();
    let history = |loses: &dyn Fn(u64, &str) -> bool| {
        let mut rows = Vec::new();
        for session in 0..40u64 {
            let place = if session % 2 == 0 { "a" } else { "b" };
            let found = if loses(session, place) { 0 } else { 1 };
            rows.push(login(session, 0.0, "a", n).with(&[ADD]));
            rows.push(page(session, 1.0, place, n).with(&[counted(found)]).last());
        }
        kinds(&judge(&rows, n))
    };
    assert_eq!(history(&|session, _| session % 4 < 2 && session % 8 < 4), [SymptomKind::WritesDropped]);
    assert_eq!(history(&|_, place| place == "b"), [SymptomKind::StateLocalToInstance]);
}

#[test]
fn jobs_that_others_do_not_know_are_named() {
    let n = &Names::default();
    let job = |session: u64, place: &str, op| {
        let start = StateOp::JobStarted { state: EXPORT };
        [
            login(session, 0.0, "a", n),
            page(session, 1.0, "a", n).with(&[start]),
            page(session, 2.0, place, n).with(&[op]).last(),
        ]
    };
    let (done, gone) = (StateOp::JobDone { state: EXPORT }, StateOp::JobLost { state: EXPORT });
    let rows: Vec<_> = (0..20).flat_map(|s| if s % 2 == 0 { job(s, "a", done) } else { job(s, "b", gone) }).collect();
    let f = judge(&rows, n);
    assert_eq!((f.states[2].agreed, f.states[2].lost), (10, 10));
    assert_eq!(kinds(&f), [SymptomKind::JobsLocalToInstance]);
    let rows: Vec<_> = (0..20).flat_map(|s| job(s, if s % 2 == 0 { "a" } else { "b" }, gone)).collect();
    assert_eq!(kinds(&judge(&rows, n)), [SymptomKind::JobsLost]);
}

#[test]
fn logins_refused_elsewhere_than_their_form_are_named() {
    let n = &Names::default();
    let attempt = |session: u64, post: &str, refused: bool| {
        let answer = row(session, LOGIN, 1.0).on(post, n);
        let answer =
            if refused { answer.answered_with(Outcome::Unexpected, 403) } else { answer.who(Identity::LoggedIn) };
        [row(session, FORM, 0.0).on("a", n), answer.last()]
    };
    let local: Vec<_> =
        (0..20).flat_map(|s| if s % 2 == 0 { attempt(s, "a", false) } else { attempt(s, "b", true) }).collect();
    let f = judge(&local, n);
    assert_eq!((f.logins.accepted, f.logins.refused), (10, 10));
    assert_eq!((f.logins.by_place.same_instance.lost, f.logins.by_place.other_instance.lost), (0, 10));
    assert_eq!(kinds(&f), [SymptomKind::LoginLocalToInstance]);
    assert!(f.symptoms[0].title.contains("the form and its post are served by different instances"));
    let password: Vec<_> = (0..20).flat_map(|s| attempt(s, if s % 2 == 0 { "a" } else { "b" }, s % 3 == 0)).collect();
    assert_eq!(kinds(&judge(&password, n)), [SymptomKind::LoginsRefused]);
}

/// One scale-out at 10 s, whose instance `new` is launched at 10.2 s.
fn scale_out() -> Vec<Event> {
    vec![action(10.0, "scale-out"), activity(10.1, 2, 3), launched(10.2, "new", "z1"), launched(-5.0, "a", "z1")]
}

#[test]
fn each_member_of_a_cohort_has_one_fate() {
    let n = &Names::default();
    let mut rows = Vec::new();
    let mut session = |number: u64, after: &[Observation]| {
        rows.push(login(number, 1.0, "a", n));
        rows.push(page(number, 2.0, "a", n).with(&[counted(3)]));
        rows.extend_from_slice(after);
    };
    let last = |row: Observation| row.last();
    session(1, &[page(1, 20.0, "new", n).last()]);
    session(2, &[page(2, 20.0, "a", n), last(rejected(2, 21.0, "new", n))]);
    session(3, &[last(page(3, 20.0, "a", n).who(Identity::Other))]);
    session(4, &[page(4, 20.0, "a", n), last(page(4, 21.0, "new", n).with(&[counted(2)]))]);
    session(
        5,
        &[row(5, PAGE, 20.0).failed(Failure::Timeout).with(&[ADD]), last(page(5, 21.0, "a", n).with(&[counted(4)]))],
    );
    session(6, &[row(6, PAGE, 20.0).failed(Failure::Connect), last(row(6, PAGE, 21.0).failed(Failure::Reset))]);
    session(7, &[last(row(7, PAGE, 20.0).on("a", n))]);
    session(8, &[]);
    session(9, &[last(page(9, 5.0, "a", n))]);
    session(10, &[row(10, LOGOUT, 5.0).on("a", n).who(Identity::LoggedOut), last(page(10, 20.0, "a", n))]);
    rows.push(row(11, FORM, 9.0).on("a", n));
    rows.push(login(11, 11.0, "new", n).last());
    let f = judge_by(&plan(), &scale_out(), n, &rows);
    assert_eq!(f.cohorts.len(), 1, "the action and its activity are one change");
    let c = &f.cohorts[0];
    assert_eq!((c.change.name.as_str(), c.change.at_us.0), ("scale-out", 10_000_000));
    assert_eq!(c.sessions, 8, "9 had left, 10 had logged out, 11 was not there yet");
    assert_eq!((c.survived, c.relogin, c.replaced, c.state_lost), (1, 1, 1, 1));
    assert_eq!((c.ambiguous, c.unavailable, c.unobserved), (1, 1, 2));
    let survival = c.survival.unwrap();
    assert_eq!((survival.of, survival.share), (5, 0.2));
}

#[test]
fn a_request_on_its_way_when_the_fleet_changes_proves_no_survival() {
    let n = &Names::default();
    let straddles = page(1, 9.9, "a", n).taking(std::time::Duration::from_secs(1));
    let f = judge_by(&plan(), &scale_out(), n, &[login(1, 1.0, "a", n), straddles.last()]);
    assert_eq!((f.cohorts[0].sessions, f.cohorts[0].unobserved), (1, 1));
}

#[test]
fn adoption_is_proven_service_of_a_session_older_than_the_instance() {
    let n = &Names::default();
    let rows = [
        login(1, 1.0, "a", n),
        login(2, 1.0, "a", n),
        login(3, 1.0, "a", n),
        login(4, 11.0, "a", n),
        row(1, PAGE, 12.0).on("new", n),
        page(1, 13.0, "new", n),
        page(1, 14.0, "new", n).last(),
        page(2, 20.0, "new", n).last(),
        rejected(3, 15.0, "new", n),
        login(3, 16.0, "new", n),
        page(3, 17.0, "new", n).last(),
        page(4, 18.0, "new", n).last(),
    ];
    let f = judge_by(&plan(), &scale_out(), n, &rows);
    let [new] = &f.new_instances[..] else { panic!("one new instance: {:?}", f.new_instances) };
    assert_eq!((new.instance.as_str(), new.appeared_us.0, new.launch_known), ("new", 10_200_000, true));
    assert_eq!((new.adopted_sessions, new.refused_sessions), (2, 1), "3 logged in anew, 4 was younger");
    assert_eq!(new.first_adoption_us.unwrap().0, 13_010_000);
    assert_eq!(new.first_response_us.0, 12_010_000);
    assert_eq!(f.first_adoptions()["new"].0, 13_010_000);
    let adoption = f.cohorts[0].adoption.as_ref().unwrap();
    let curve = &adoption.curve;
    assert_eq!((curve.eligible, curve.adopted), (3, 2));
    assert!((curve.t50_seconds.unwrap() - 9.81).abs() < 1e-9, "two of three are needed for half");
    assert_eq!(curve.t90_seconds, None);
    assert_eq!(curve.share_by_second[2], 1.0 / 3.0);
    let [own] = &adoption.instances[..] else { panic!("one instance: {adoption:?}") };
    assert_eq!((own.instance.as_str(), &own.curve), ("new", curve), "with one instance, its curve is that of all");
}

#[test]
fn each_new_instance_has_a_curve_of_its_own_in_the_cohort_of_its_change() {
    let n = &Names::default();
    let mut events = scale_out();
    events.extend([launched(10.4, "second", "z1"), activity(30.0, 4, 5), launched(30.5, "third", "z1")]);
    let rows = [
        login(1, 1.0, "a", n),
        login(2, 1.0, "a", n),
        page(1, 12.0, "new", n),
        page(2, 13.0, "new", n),
        page(1, 14.0, "second", n),
        page(1, 32.0, "third", n).last(),
        page(2, 33.0, "second", n).last(),
    ];
    let f = judge_by(&plan(), &events, n, &rows);
    let curves = |cohort: usize| -> Vec<(String, u64, u64, Option<f64>)> {
        let adoption = f.cohorts[cohort].adoption.as_ref().unwrap();
        let told = |i: &CohortInstance| {
            let seconds = i.curve.t90_seconds.map(|t| (t * 10.0).round() / 10.0);
            (i.instance.clone(), i.curve.eligible, i.curve.adopted, seconds)
        };
        adoption.instances.iter().map(told).collect()
    };
    assert_eq!(curves(0), [("new".into(), 2, 2, Some(2.8)), ("second".into(), 2, 2, Some(22.6))]);
    assert_eq!(curves(1), [("third".into(), 2, 1, None)]);
}

#[test]
fn answers_are_counted_in_the_second_they_came() {
    let n = &Names::default();
    let rows = [
        login(1, -1.0, "a", n),
        page(1, 0.5, "a", n),
        rejected(1, 2.2, "a", n),
        row(1, PAGE, 2.4).failed(Failure::Timeout).last(),
    ];
    let f = judge(&rows, n);
    let told: Vec<_> = f.answers_by_second.iter().map(|s| (s.recognised, s.rejected, s.unanswered, s.rows())).collect();
    assert_eq!(told, [(1, 0, 0, 1), (0, 0, 0, 0), (0, 1, 1, 2)], "what came before the load's start is in no second");
}

#[test]
fn unexpected_ends_and_declared_changes_have_cohorts_and_failed_actions_have_none() {
    let n = &Names::default();
    let gone = |expected| EventKind::InstanceGone { instance: "b".into(), zone: "z1".into(), expected };
    let failed = EventKind::ActionFailed { action: "scale-in".into(), error: "no".into() };
    let events = [
        event(5.0, gone(true)),
        event(6.0, gone(false)),
        action(7.0, "deploy"),
        action(8.0, "scale-in"),
        event(8.1, failed),
        activity(9.0, 3, 2),
    ];
    let f = judge_by(&plan(), &events, n, &[]);
    let names: Vec<&str> = f.cohorts.iter().map(|c| c.change.name.as_str()).collect();
    assert_eq!(names, ["instance-gone", "deploy", "scale-in"]);
    assert!(f.cohorts[1].change.is_named("deploy"));
}

#[test]
fn an_instance_nobody_announced_is_new_once_others_have_settled() {
    let n = &Names::default();
    let mut rows: Vec<_> = (0..300).map(|s| login(s, s as f64 * 0.01, ["a", "b"][s as usize % 2], n)).collect();
    rows.extend((0..300).map(|s| page(s, 4.0 + s as f64 * 0.01, ["a", "b", "late"][s as usize % 3], n).last()));
    let f = judge_by(&plan(), &[], n, &rows);
    let [late] = &f.new_instances[..] else { panic!("one is new: {:?}", f.new_instances) };
    assert_eq!((late.instance.as_str(), late.launch_known, late.adopted_sessions), ("late", false, 100));
}

#[test]
fn examples_are_the_earliest_and_no_more_than_twenty() {
    let n = &Names::default();
    let rows: Vec<_> = (0..50)
        .rev()
        .flat_map(|s| [login(s, 0.0, "a", n), rejected(s, 1.0 + s as f64 / 10.0, "a", n).last()])
        .collect();
    let f = judge(&rows, n);
    let sessions: Vec<u64> = f.losses[&LossKind::Relogin].iter().map(|e| e.session).collect();
    assert_eq!(sessions, (0..20).collect::<Vec<_>>());
    assert_eq!(f.sessions.asked_to_log_in_again, 50);
}

/// A session's rows from a few small numbers: who serves, and what is answered.
fn history(session: u64, moves: &[(u8, u8)], names: &Names) -> Vec<Observation> {
    let mut rows = vec![login(session, session as f64 * 0.1, "a@z1", names)];
    for (index, (place, what)) in moves.iter().enumerate() {
        let seconds = 2.0 + index as f64 * 3.0 + session as f64 * 0.01;
        let place = ["a@z1", "b@z2", "new@z1"][usize::from(place % if seconds < 11.0 { 2 } else { 3 })];
        rows.push(match what % 8 {
            0 => page(session, seconds, place, names).with(&[ADD]),
            1 => row(session, PAGE, seconds).failed(Failure::Timeout).with(&[ADD]),
            2 => page(session, seconds, place, names).with(&[counted(i64::from(*place == *"a@z1"))]),
            3 => rejected(session, seconds, place, names),
            4 => login(session, seconds, place, names),
            5 => page(session, seconds, place, names).who(Identity::Other),
            6 => row(session, PAGE, seconds).on(place, names),
            _ => page(session, seconds, place, names),
        });
    }
    rows.last_mut().unwrap().last_of_session = !session.is_multiple_of(3);
    rows
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However the rows of different sessions are interleaved, what is found is the same, to the byte.
    #[test]
    fn interleaving_changes_nothing(
        sessions in prop::collection::vec(prop::collection::vec((any::<u8>(), any::<u8>()), 1..8), 1..12),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 150),
    ) {
        let names = Names::default();
        ["a", "b", "new", "z1", "z2"].iter().for_each(|name| { names.id(name); });
        let histories: Vec<Vec<Observation>> =
            sessions.iter().enumerate().map(|(s, moves)| history(s as u64, moves, &names)).collect();
        let one_by_one: Vec<Observation> = histories.concat();
        let mut queues: Vec<std::collections::VecDeque<Observation>> = histories.into_iter().map(Into::into).collect();
        let mut mixed = Vec::new();
        for pick in picks.iter().cycle().take(10_000) {
            if queues.is_empty() {
                break;
            }
            let at = pick.index(queues.len());
            mixed.extend(queues[at].pop_front());
            if queues[at].is_empty() {
                queues.swap_remove(at);
            }
        }
        prop_assert_eq!(mixed.len(), one_by_one.len());
        let told = |rows: &[Observation]| {
            serde_json::to_string(&judge_by(&plan(), &scale_out(), &names, rows)).unwrap()
        };
        prop_assert_eq!(told(&one_by_one), told(&mixed));
    }
}

/// A session that was there at the snapshot (5 s) and one that came after it; both were at work when it was put back.
fn restored(later: &[Observation], n: &Names) -> SessionFindings {
    let taken = EventKind::StoreSnapshotTaken { node: "redis-1".into() };
    let events = [event(5.0, taken), event(20.0, EventKind::StoreRestored { took_us: 1_000_000 })];
    let before = [
        login(1, 0.0, "a", n),
        page(1, 1.0, "a", n).with(&[ADD, counted(1)]),
        page(1, 6.0, "a", n).with(&[ADD, counted(2)]),
        login(2, 10.0, "a", n),
        page(2, 11.0, "a", n).with(&[ADD, counted(1)]),
    ];
    judge_by(&plan(), &events, n, &[&before[..], later].concat())
}

#[test]
fn a_restore_takes_what_came_after_the_snapshot_and_that_is_no_loss() {
    let n = &Names::default();
    let f = restored(
        &[
            page(1, 21.0, "a", n).with(&[counted(1)]),
            page(1, 22.0, "a", n).with(&[ADD, counted(2)]).last(),
            rejected(2, 21.0, "a", n),
            login(2, 22.0, "a", n),
            page(2, 23.0, "a", n).with(&[counted(0)]).last(),
        ],
        n,
    );
    let taken = RestoreFindings { sessions: 1, writes: 2, asked_to_log_in_again: 1 };
    assert_eq!((f.restored, f.losses.len()), (Some(taken), 0), "{:?}", f.losses);
    assert_eq!((f.sessions.asked_to_log_in_again, f.states[0].lost, f.states[0].duplicated), (0, 0, 0));
}

#[test]
fn a_restore_that_lacks_what_the_snapshot_had_is_a_loss() {
    let n = &Names::default();
    let f = restored(&[page(1, 21.0, "a", n).with(&[counted(0)]).last()], n);
    assert_eq!((f.states[0].lost, f.causes[&LossCause::StoreRestored].state_lost), (1, 1));
    let f = restored(&[rejected(1, 21.0, "a", n).last()], n);
    assert_eq!((f.sessions.asked_to_log_in_again, f.causes[&LossCause::StoreRestored].relogins), (1, 1));
    let f = restored(&[page(1, 21.0, "a", n).with(&[counted(2)]).last()], n);
    assert_eq!(f.states[0].duplicated, 1, "nothing but the snapshot was to be there");
}

#[test]
fn what_is_answered_while_a_snapshot_is_taken_or_put_back_may_be_on_either_side() {
    let n = &Names::default();
    // Sent before the restore and answered in it: seen in the old store or in the new one.
    for found in [1, 2] {
        let torn = page(1, 18.995, "a", n).with(&[counted(found)]);
        let f = restored(&[torn, page(1, 21.0, "a", n).with(&[counted(1)]).last()], n);
        assert!(f.losses.is_empty(), "{found}: {:?}", f.losses);
    }
    let taken = EventKind::StoreSnapshotTaken { node: "redis-1".into() };
    let events = [
        Event { resolution_us: 2_000, ..event(5.0, taken) },
        event(20.0, EventKind::StoreRestored { took_us: 1_000_000 }),
    ];
    for found in [0, 1] {
        let rows = [
            login(1, 0.0, "a", n),
            page(1, 4.995, "a", n).with(&[ADD]),
            page(1, 21.0, "a", n).with(&[counted(found)]).last(),
        ];
        let f = judge_by(&plan(), &events, n, &rows);
        assert!(f.losses.is_empty(), "{found}: {:?}", f.losses);
    }
}

/// Memory follows the sessions in flight, not those of the whole run.
#[test]
fn a_session_is_forgotten_once_it_ended() {
    let (n, plan) = (&Names::default(), plan());
    let mut oracle = Oracle::new(&plan, &[], &[]);
    let leaves = |session: u64, at: f64| row(session, LOGOUT, at).on("a@z1", n).who(Identity::LoggedOut).last();
    for session in 0..1000 {
        let at = session as f64;
        oracle.observe(&login(session, at, "a@z1", n), n);
        oracle.observe(&page(session, at + 0.5, "a@z1", n), n);
        // Two sessions at a time.
        if session > 0 {
            oracle.observe(&leaves(session - 1, at + 0.7), n);
        }
        assert_eq!(oracle.alive.keys().copied().collect::<Vec<_>>(), [session]);
    }
    assert_eq!(oracle.finish(n).sessions.verified, 1000);
}
