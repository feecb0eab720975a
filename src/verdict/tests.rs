use super::fixture::{Run, reject_on_new};
use super::*;
use crate::history::fixture::{action, at, launched, row};
use crate::history::{EventKind, GeneratorGauges, Identity, Observation, Outcome as Answer, Sample, StateOp};
use crate::plan::fixture::{CART, LOGIN, PAGE, response_time_at_most};
use crate::plan::{Action, Limit, Metric, Objective, OnFailure, Scope, TimelineEntry, Window, WindowAnchor};
use crate::session::SymptomKind;
use std::time::Duration;

impl Run {
    fn objective(mut self, metric: Metric, limit: Limit) -> ObjectiveResult {
        let window =
            Window { anchor: WindowAnchor::Event("scale-out".into()), from_seconds: 0.0, to_seconds: Some(5.0) };
        let objective = Objective { text: "it".into(), metric, scope: Scope::default(), window, limit };
        self.plan.objectives = vec![objective];
        self.verdict().objectives.remove(0)
    }
}

fn spoiled(spoil: impl FnOnce(&mut Run)) -> Verdict {
    let mut run = Run::good();
    spoil(&mut run);
    run.verdict()
}

#[test]
fn a_good_run_passes_and_says_why() {
    let verdict = spoiled(|_| {});
    assert_eq!((verdict.outcome, verdict.exit_code), (Outcome::Pass, 0), "{:#?}", verdict.reasons);
    assert!(verdict.validity.iter().all(|check| check.ok));
    assert_eq!(verdict.reasons[0].text, "no session lost of 30 sessions that proved who they were");
}

#[test]
fn each_doubt_makes_the_run_inconclusive() {
    type Spoil = fn(&mut Run);
    let cases: [(&str, Spoil); 14] = [
        ("run ended", |r| r.facts.ended = false),
        ("run ended", |r| r.facts.failure = Some("the lab died".into())),
        ("record", |r| r.facts.record_error = Some("disk full".into())),
        ("record", |r| r.facts.observations_produced = 1_000_000),
        ("record", |r| r.facts.unreadable_parts = 1),
        ("requests", |r| r.rows.truncate(90)),
        ("owed arrivals", |r| {
            let generator = GeneratorGauges { arrivals_due: 1000, arrivals_owed: 11, ..GeneratorGauges::default() };
            r.samples.push(Sample { generator, ..Sample::default() });
        }),
        ("scheduling lag", |r| {
            let late = |row: &mut Observation| row.started = row.started + Duration::from_millis(60);
            r.rows.iter_mut().step_by(10).for_each(late);
            r.rows.iter_mut().for_each(|row| row.last_byte = row.last_byte + Duration::from_millis(60));
        }),
        ("load threads", |r| {
            let busy = GeneratorGauges { load_thread_busy: 0.97, ..GeneratorGauges::default() };
            r.samples.push(Sample { at_us: at(5.0), generator: busy, ..Sample::default() });
        }),
        ("timeline", |r| {
            // The run ended before it was done.
            r.events.retain(|event| !matches!(event.kind, EventKind::ActionCompleted { .. }));
        }),
        ("who served", |r| r.rows.iter_mut().step_by(50).for_each(|row| row.instance = None)),
        ("identity", |r| {
            let rows = r.rows.iter_mut().filter(|row| row.identity == Identity::Recognised);
            rows.for_each(|row| row.identity = Identity::Silent);
        }),
        ("adoption", |r| {
            let (new, old) = (r.names.id("new"), r.names.id("b"));
            let rows = r.rows.iter_mut().filter(|row| row.instance == Some(new));
            rows.for_each(|row| row.instance = Some(old));
        }),
        ("affinity", |r| {
            let old = r.names.id("a");
            for row in &mut r.rows {
                row.affinity = true;
                row.instance = if row.session == 0 { row.instance } else { Some(old) };
            }
        }),
    ];
    for (name, spoil) in cases {
        let verdict = spoiled(spoil);
        assert_eq!((verdict.outcome, verdict.exit_code), (Outcome::Inconclusive, 6), "{name}: {verdict:#?}");
        let failed: Vec<&str> = verdict.validity.iter().filter(|c| !c.ok).map(|c| c.name.as_str()).collect();
        assert!(failed.contains(&name), "{name}: {failed:?}");
    }
}

fn adoption(verdict: &Verdict) -> &ValidityCheck {
    verdict.validity.iter().find(|check| check.name == "adoption").unwrap()
}

#[test]
fn instances_that_replace_others_must_adopt_as_those_of_a_scale_out_must() {
    for name in ["rolling-replace", "blue-green"] {
        let replaced = |run: &mut Run| {
            run.events = vec![action(10.0, name), launched(10.2, "new", "z2")];
            run.plan.timeline.clear();
        };
        let verdict = spoiled(replaced);
        assert_eq!(adoption(&verdict).found, format!("30 adoptions by 1 new instances of {name}"));
        assert_eq!(verdict.exit_code, 0, "{:#?}", verdict.reasons);
        let silent = spoiled(|run| {
            replaced(run);
            let (new, old) = (run.names.id("new"), run.names.id("b"));
            run.rows.iter_mut().filter(|row| row.instance == Some(new)).for_each(|row| row.instance = Some(old));
        });
        assert_eq!(silent.exit_code, 6);
        assert_eq!(adoption(&silent).found, format!("{name} was to bring new instances, and none served a request"));
    }
    let beside = spoiled(|run| run.events.push(action(20.0, "rolling-replace")));
    let found = &adoption(&beside).found;
    assert_eq!(found, "rolling-replace was to bring new instances, and none served a request", "the scale-out's do");
}

#[test]
fn affinity_that_hides_the_store_names_the_remedy() {
    let verdict = spoiled(|r| {
        let old = r.names.id("a");
        for row in &mut r.rows {
            row.affinity = true;
            row.instance = Some(old).filter(|_| row.session > 0).or(row.instance);
        }
    });
    let reason = verdict.reasons.iter().find(|r| r.text.contains("stickiness hides")).unwrap();
    assert!(reason.text.contains("stickiness = \"stripped\""), "{}", reason.text);
}

#[test]
fn losses_outrank_doubts_and_doubts_outrank_objectives() {
    let slow = |run: &mut Run| run.plan.objectives = vec![response_time_at_most(0.5, 0.001)];
    let killed = |run: &mut Run| run.facts.ended = false;
    assert_eq!(spoiled(slow).exit_code, 3);
    let doubtful = spoiled(|r| {
        slow(r);
        killed(r);
    });
    assert_eq!(doubtful.exit_code, 6);
    let lost = spoiled(|r| {
        slow(r);
        killed(r);
        reject_on_new(r);
    });
    assert_eq!(lost.exit_code, 4);
    let outcomes: Vec<Outcome> = lost.reasons.iter().map(|r| r.speaks_for).collect();
    assert_eq!(outcomes[0], Outcome::SessionsLost, "its own reasons lead");
    assert!(outcomes.contains(&Outcome::Inconclusive) && outcomes.contains(&Outcome::ObjectiveMissed));
}

#[test]
fn an_interrupted_run_is_judged_by_what_was_seen() {
    let verdict = spoiled(|r| {
        r.facts.interrupted = true;
        r.plan.timeline.push(TimelineEntry {
            at: Duration::from_secs(99),
            action: Action::ScaleIn { by: 1 },
            on_failure: OnFailure::Continue,
        });
    });
    assert_eq!((verdict.outcome, verdict.exit_code, verdict.interrupted), (Outcome::Pass, 130, true));
}

#[test]
fn losses_within_the_allowance_are_no_loss() {
    let allowing = |relogins: u64| {
        spoiled(|r| {
            r.plan.session.allow.relogins = relogins;
            reject_on_new(r);
            // One session keeps its login on the new instance, so that there is adoption.
            let row = r.rows.iter_mut().find(|row| row.identity == Identity::Rejected).unwrap();
            (row.identity, row.outcome, row.status) = (Identity::Recognised, Answer::Ok, 200);
        })
    };
    assert_eq!(allowing(29).exit_code, 0);
    // What was lost is said all the same.
    let told = "29 sessions asked to log in again while still valid (the profile allows 29)";
    assert_eq!(allowing(29).reasons[0].text, told);
    assert_eq!(allowing(28).exit_code, 4);
    assert!(allowing(28).reasons[0].text.starts_with("29 sessions asked to log in again"));
}

#[test]
fn wrong_users_lost_state_and_refused_logins_are_losses() {
    let wrong = spoiled(|r| r.rows[60].identity = Identity::Other);
    assert_eq!(wrong.exit_code, 4);
    assert_eq!(wrong.reasons[0].text, "1 session answered as another user");

    let counted = |found| StateOp::Counted { state: CART, found };
    let state = spoiled(|r| {
        let own: Vec<usize> = (0..r.rows.len()).filter(|i| r.rows[*i].session == 7).collect();
        r.rows[own[1]].states = vec![counted(5)];
        r.rows[own[2]].states = vec![counted(4)];
    });
    assert_eq!((state.exit_code, state.reasons[0].text.contains("\"cart\" lost 1 time")), (4, true));

    let csrf = spoiled(|r| {
        for session in 100..120 {
            r.rows.push(row(session, crate::plan::fixture::FORM, 1.0).on("a@z1", &r.names));
            let post = row(session, LOGIN, 2.0).on(if session % 2 == 0 { "b@z1" } else { "a@z1" }, &r.names);
            r.rows.push(match session % 2 {
                0 => post.answered_with(Answer::Unexpected, 403).last(),
                _ => post.who(Identity::LoggedIn).last(),
            });
        }
    });
    assert_eq!(csrf.exit_code, 4, "{:#?}", csrf.reasons);
    assert!(csrf.symptoms.iter().any(|s| s.kind == SymptomKind::LoginLocalToInstance));
}

#[test]
fn objectives_are_measured_by_their_metric() {
    let met = |metric, limit| {
        let result = Run::good().objective(metric, limit);
        (result.measured.map(|m| (m * 1000.0).round() / 1000.0), result.met)
    };
    use Limit::{AtLeast, AtMost};
    assert_eq!(met(Metric::ResponseTime { quantile: 0.9 }, AtMost(0.02)), (Some(0.01), Met::Met));
    assert_eq!(met(Metric::ServiceTime { quantile: 0.9 }, AtMost(0.005)), (Some(0.01), Met::Missed));
    assert_eq!(met(Metric::ErrorRate, AtMost(0.0)), (Some(0.0), Met::Met));
    assert_eq!(met(Metric::Survival, AtLeast(0.99)), (Some(1.0), Met::Met));
    assert_eq!(met(Metric::Relogins, AtMost(0.0)), (Some(0.0), Met::Met));
    assert_eq!(met(Metric::OwedShare, AtMost(0.0)), (None, Met::Unknown), "no arrivals were planned");
    // Session 0 is served by `new` at 14.01 s and session 14 at 15.41 s; launched at 10.2 s.
    assert_eq!(met(Metric::AdoptionTime { quantile: 0.5 }, AtMost(6.0)), (Some(5.21), Met::Met));
    assert_eq!(met(Metric::WarmUpPenalty, AtMost(2.0)).1, Met::Met);
    assert_eq!(met(Metric::Balance, AtLeast(0.99)).1, Met::Missed);
    assert_eq!(met(Metric::Recovery, AtMost(5.0)).1, Met::Unknown, "there is no response time to recover");
    let slow = Run::good().objective(Metric::Throughput, AtLeast(100.0));
    assert_eq!((slow.met, slow.measured.is_some()), (Met::Missed, true));
}

#[test]
fn an_objective_around_an_event_that_never_happened_is_unknown() {
    let verdict = spoiled(|r| {
        let mut objective = response_time_at_most(0.99, 1.0);
        objective.window.anchor = WindowAnchor::Event("scale-in".into());
        r.plan.objectives = vec![objective];
    });
    assert_eq!((verdict.exit_code, verdict.objectives[0].met), (6, Met::Unknown));
    assert!(verdict.reasons[0].text.ends_with("\"scale-in\" never happened"), "{}", verdict.reasons[0].text);
}

#[test]
fn a_slow_new_instance_is_named() {
    let verdict = spoiled(|r| {
        for n in 0..100u32 {
            let due = 14.5 + f64::from(n) * 0.1;
            let slow = row(500, PAGE, due).on("new@z2", &r.names).taking(Duration::from_millis(200));
            r.rows.push(slow);
            r.rows.push(row(501, PAGE, due).on("a@z1", &r.names));
        }
        r.rows.sort_by_key(|row| row.last_byte);
    });
    let symptom = verdict.symptoms.iter().find(|s| s.kind == SymptomKind::SlowWarmUp).unwrap();
    assert_eq!(symptom.evidence, "new: p99 200 ms in its first 15 s, its peers 10 ms");
}
