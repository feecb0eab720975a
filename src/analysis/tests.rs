use super::*;
use crate::history::fixture::{action, activity, at, event, healthy, launched, row};
use crate::history::{ConnectionUse, Event, EventKind, Failure, GeneratorGauges, Names, Observation, Offset, Sample};
use crate::plan::fixture::{LOGIN, PAGE, plan, response_time_at_most};
use crate::plan::{Limit, Metric, Objective, Plan, Scope, Window, WindowAnchor};
use std::collections::BTreeMap;
use std::time::Duration;

fn analyse(plan: &Plan, events: &[Event], samples: &[Sample], names: &Names, rows: &[Observation]) -> Analysis {
    let mut analyser = Analyser::new(plan, events, samples);
    rows.iter().for_each(|row| analyser.observe(row, names));
    let adoptions = BTreeMap::from([("new".to_owned(), at(14.0))]);
    analyser.finish(names, &adoptions)
}

fn close(found: f64, expected: f64, within: f64, what: &str) {
    assert!((found - expected).abs() <= expected * within, "{what}: found {found}, expected {expected}");
}

/// A server that answers in 1 ms and stalls for the last second of every ten: what was due in it is answered at its end.
/// Of 1000 requests, 100 wait evenly from 1 s down to 0, so 90 % take 1 ms and the p99 is 0.9 s.
#[test]
fn stalls_are_told_as_users_feel_them() {
    let names = Names::default();
    let rows: Vec<Observation> = (0..10_000u64)
        .map(|number| {
            let due = number as f64 / 100.0;
            let stalled = due % 10.0 >= 9.0;
            let answered = if stalled { (due / 10.0).floor() * 10.0 + 10.0 } else { due } + 0.001;
            // The generator sends when it is due; a closed loop would have hidden it by sending late.
            let mut row = row(number, PAGE, due);
            row.last_byte = at(answered);
            row
        })
        .collect();
    let analysis = analyse(&plan(), &[], &[], &names, &rows);
    let times = analysis.requests.response_time;
    close(times.p50_ms, 1.0, 0.02, "p50");
    close(times.p90_ms, 1.0, 0.02, "p90");
    close(times.p99_ms, 901.0, 0.02, "p99");
    close(times.max_ms, 1001.0, 0.02, "max");
    close(analysis.seconds[9].max_ms, 1001.0, 0.002, "the stalled second");
    close(analysis.seconds[8].max_ms, 1.0, 0.002, "the second before it");
}

#[test]
fn lateness_of_the_generator_is_response_time_and_not_service_time() {
    let names = Names::default();
    let mut late = row(1, PAGE, 1.0);
    late.started = at(1.5);
    late.last_byte = at(1.6);
    let mut opened = late.clone();
    opened.connection = ConnectionUse::Opened;
    let analysis = analyse(&plan(), &[], &[], &names, &[late, opened]);
    close(analysis.requests.response_time.p50_ms, 600.0, 0.001, "response time");
    close(analysis.requests.service_time.p50_ms, 100.0, 0.001, "service time");
    close(analysis.generator.scheduling_lag.max_ms, 500.0, 0.001, "lag");
    assert_eq!(analysis.generator.scheduling_lag.count, 1, "opening a connection is not lag");
    assert_eq!((analysis.connections.kept, analysis.connections.opened), (1, 1));
}

/// Load of 80/s from 10 s on against instances of 50/s: one at first, `new` from 14 s. Ends at 60 s.
fn growth() -> (Vec<Event>, Names, Vec<Observation>) {
    let place = |instance: &str| (instance.to_owned(), "z".to_owned());
    let (instance, zone) = place("new");
    let events = vec![
        launched(-3.0, "old", "z"),
        healthy(-1.0, "old", "z"),
        event(0.0, EventKind::LoadStarted),
        event(11.5, EventKind::AlarmRaised { metric: 80.0, target: 40.0 }),
        action(12.0, "scale-out"),
        activity(12.1, 1, 2),
        launched(12.2, "new", "z"),
        event(13.0, EventKind::InstanceInService { instance, zone }),
        healthy(13.5, "new", "z"),
        event(60.0, EventKind::LoadEnded),
    ];
    let names = Names::default();
    let mut rows = Vec::new();
    for second in 0..60u64 {
        let rate = if second < 10 { 20 } else { 80 };
        for n in 0..rate {
            let due = second as f64 + n as f64 / rate as f64;
            let on_new = second >= 14 && n % 2 == 0;
            let time = match second {
                10..=17 => 400,
                _ if on_new => 30,
                _ => 20,
            };
            let served = row(second * 100 + n, PAGE, due).on(if on_new { "new@z" } else { "old@z" }, &names);
            rows.push(served.taking(Duration::from_millis(time)));
        }
    }
    (events, names, rows)
}

#[test]
fn elasticity_compares_the_instances_needed_with_those_there() {
    let (mut events, names, rows) = growth();
    // 20/s for 10 s, then 80/s, at 50/s an instance: one is needed, then two, and they are there in time.
    let in_time = analyse(&plan(), &events, &[], &names, &rows).elasticity.unwrap();
    assert_eq!((in_time.under_timeshare, in_time.over_timeshare, in_time.instability), (0.0, 0.0, 0.0));
    events.retain(|e| !(matches!(e.kind, EventKind::InstanceHealthy { .. }) && e.kind.instance() == Some("new")));
    let short = analyse(&plan(), &events, &[], &names, &rows).elasticity.unwrap();
    assert_eq!((short.under_timeshare, short.over_timeshare), (5.0 / 6.0, 0.0));
    assert!((short.under_accuracy - 5.0 / 12.0).abs() < 1e-12, "half of those needed are missing for 50 of 60 s");
    assert_eq!(short.instability, 1.0 / 5.0);
    let mut plan = plan();
    plan.fleet = crate::plan::FleetPlan::Observe { capacity_per_instance: None };
    assert_eq!(analyse(&plan, &events, &[], &names, &rows).elasticity, None);
}

#[test]
fn the_stages_of_a_scale_out_are_stamped_with_their_source() {
    let (events, names, rows) = growth();
    let mut plan = plan();
    plan.objectives = vec![response_time_at_most(0.99, 0.2)];
    let analysis = analyse(&plan, &events, &[], &names, &rows);
    let [stages] = &analysis.stages[..] else { panic!("one instance is new") };
    let seconds = |stamp: &Stamp| stamp.at().map(Offset::as_secs_f64);
    assert_eq!(stages.instance, "new");
    // Five seconds together exceed 50/s first from 8 s on: (20 + 20 + 80 + 80 + 80) / 5 = 56.
    assert_eq!(seconds(&stages.t0_load_exceeds_capacity), Some(8.0));
    assert_eq!(seconds(&stages.t1_objective_broken), Some(6.0), "the first 5 s window that a slow second falls into");
    assert_eq!(seconds(&stages.t2_alarm), Some(11.5));
    assert_eq!(seconds(&stages.t3_activity), Some(12.1));
    assert_eq!(seconds(&stages.t4_launched), Some(12.2));
    assert_eq!(seconds(&stages.t5_in_service), Some(13.0));
    assert_eq!(seconds(&stages.t6_healthy), Some(13.5));
    assert_eq!(seconds(&stages.t7_first_response), Some(14.4));
    assert_eq!(seconds(&stages.t8_first_adoption), Some(14.0));
    assert_eq!(seconds(&stages.t9_fair_share), Some(14.4));
    assert_eq!(seconds(&stages.t10_objective_holds), Some(18.0));
    let alarm = stages.steps.iter().find(|s| s.from == "alarm").unwrap();
    assert_eq!((alarm.to.as_str(), alarm.seconds), ("activity", 0.6));
    let told: Stamp = serde_json::from_str(&serde_json::to_string(&stages.t4_launched).unwrap()).unwrap();
    assert_eq!(told, Stamp::At { at_us: at(12.2), source: "provider".into(), resolution_us: 1000 });
}

#[test]
fn an_alarm_that_still_stands_may_have_made_a_second_change() {
    let alarm = |extra: Vec<Event>| {
        let (mut events, names, rows) = growth();
        events.extend(extra);
        events.sort_by_key(|event| event.at_us);
        analyse(&plan(), &events, &[], &names, &rows).stages[0].t2_alarm.at()
    };
    let earlier = || action(11.7, "kill-instance");
    let cleared = event(11.8, EventKind::AlarmCleared { metric: 30.0, target: 40.0 });
    assert_eq!(alarm(vec![earlier()]), Some(at(11.5)));
    assert_eq!(alarm(vec![earlier(), cleared]), None);
}

#[test]
fn a_stage_that_is_not_known_says_why() {
    let (mut events, names, mut rows) = growth();
    events.retain(|e| !matches!(e.kind, EventKind::AlarmRaised { .. } | EventKind::InstanceHealthy { .. }));
    rows.retain(|row| row.intended < at(35.0));
    let mut plan = plan();
    plan.fleet = crate::plan::FleetPlan::Observe { capacity_per_instance: None };
    let stages = &analyse(&plan, &events, &[], &names, &rows).stages[0];
    let why = |stamp: &Stamp| match stamp {
        Stamp::Unknown { reason } => reason.clone(),
        known => panic!("known: {known:?}"),
    };
    assert_eq!(why(&stages.t0_load_exceeds_capacity), "the capacity of an instance is not known");
    assert_eq!(why(&stages.t1_objective_broken), "the profile has no objective for response time");
    assert!(why(&stages.t2_alarm).starts_with("no alarm came before"));
    assert_eq!(why(&stages.t6_healthy), "no event says when it became healthy");
    assert_eq!(why(&stages.t9_fair_share), "not reached for 30 s");
}

#[test]
fn phases_instances_and_windows_hold_the_requests_that_fell_into_them() {
    let (events, names, rows) = growth();
    let mut plan = plan();
    let during = |metric, limit| Objective {
        text: String::new(),
        metric,
        scope: Scope::default(),
        window: Window { anchor: WindowAnchor::Event("scale-out".into()), from_seconds: 0.0, to_seconds: Some(4.0) },
        limit,
    };
    let quantile = Metric::ResponseTime { quantile: 0.5 };
    plan.objectives = vec![
        during(quantile, Limit::AtMost(0.2)),
        during(Metric::Recovery, Limit::AtMost(10.0)),
        during(Metric::Balance, Limit::AtLeast(0.9)),
    ];
    let analysis = analyse(&plan, &events, &[], &names, &rows);
    let phases = analysis.phases.as_ref().unwrap();
    assert_eq!((phases.during_from_second, phases.during_to_second), (12, 14));
    assert_eq!((phases.before.count, phases.during.count, phases.after.count), (10 * 20 + 2 * 80, 160, 46 * 80));
    let windows: Vec<&WindowFigures> = analysis.objectives.iter().map(|o| &o.windows[0]).collect();
    assert_eq!((windows[0].from_us, windows[0].to_us, windows[0].requests), (at(12.0), at(16.0), 320));
    close(windows[0].quantile_ms.unwrap(), 400.0, 0.001, "p50 in the window");
    // From 16 s on, most of five seconds' requests are fast again.
    assert_eq!(windows[1].recovery_seconds, Some(4.0));
    assert_eq!(windows[2].jain.map(|j| (j * 1000.0).round()), Some(800.0), "240 and 80 of 320");
    assert!(analysis.balance.instances_jain > 0.95, "rates are those while an instance served");
    let new = analysis.instances.iter().find(|i| i.instance == "new").unwrap();
    assert!(new.new && new.per_second[13] == 0 && new.per_second[20] == 40);
    let penalty = analysis.stages[0].warm_up.unwrap();
    assert_eq!((penalty.p99_ms.round(), penalty.peers_p99_ms.round()), (400.0, 400.0));
}

#[test]
fn a_new_instance_is_measured_beside_its_peers_in_the_same_seconds() {
    let names = Names::default();
    let events = [launched(-1.0, "old", "z"), launched(10.0, "new", "z")];
    let slow = |second: f64| if second < 20.0 { 200 } else { 20 };
    let mut rows = Vec::new();
    for n in 0..600u32 {
        let due = f64::from(n) / 10.0;
        rows.push(row(1, PAGE, due).on("old", &names).taking(Duration::from_millis(20)));
        if due >= 11.0 {
            rows.push(row(2, PAGE, due).on("new", &names).taking(Duration::from_millis(slow(due))));
        }
    }
    let penalty = analyse(&plan(), &events, &[], &names, &rows).stages[0].warm_up.unwrap();
    close(penalty.ratio, 10.0, 0.01, "ratio");
    assert!((148..=153).contains(&penalty.requests) && (148..=153).contains(&penalty.peers_requests), "{penalty:?}");
}

#[test]
fn the_first_minute_of_a_new_instance_is_told_by_second_beside_its_peers() {
    let names = Names::default();
    let events = [launched(-1.0, "old", "z"), launched(10.0, "new", "z"), launched(20.0, "newer", "z")];
    let mut rows = Vec::new();
    for n in 0..1000u32 {
        let due = f64::from(n) / 10.0;
        rows.push(row(1, PAGE, due).on("old", &names).taking(Duration::from_millis(20)));
        if due >= 11.0 && !(30.0..31.0).contains(&due) {
            let ms = if due < 12.0 { 300 } else { 30 };
            rows.push(row(2, PAGE, due).on("new", &names).taking(Duration::from_millis(ms)));
        }
        if due >= 20.5 {
            rows.push(row(3, PAGE, due).on("newer", &names).taking(Duration::from_millis(500)));
        }
    }
    let courses = analyse(&plan(), &events, &[], &names, &rows).warm_ups;
    let told: Vec<_> = courses.iter().map(|c| (c.instance.as_str(), c.from_second, c.seconds.len())).collect();
    assert_eq!(told, [("new", 11, 60), ("newer", 21, 60)]);
    let second = |course: usize, second: usize| courses[course].seconds[second];
    let ms = |value: Option<f64>| value.map(f64::round);
    assert_eq!((ms(second(0, 0).p50_ms), ms(second(0, 0).peers_p99_ms)), (Some(300.0), Some(20.0)));
    assert_eq!(ms(second(0, 15).peers_p99_ms), Some(20.0), "who is fresh, too, is no peer");
    assert_eq!((second(0, 19).requests, second(0, 19).p99_ms), (0, None), "30 s: it served nothing");
    assert_eq!(ms(second(1, 59).peers_p99_ms), Some(30.0), "80 s: `new` is a peer by now");
}

#[test]
fn distributions_end_at_the_slowest_request_of_their_phase() {
    let (events, names, rows) = growth();
    let analysis = analyse(&plan(), &events, &[], &names, &rows);
    let phases = analysis.phases.unwrap();
    let last = |points: &[DistributionPoint]| points.last().map(|p| (p.quantile, p.response_time_ms.round()));
    assert_eq!(last(&phases.distribution.before), Some((1.0, 400.0)));
    assert_eq!(last(&phases.distribution.after), Some((1.0, 400.0)));
    let rises = |points: &[DistributionPoint]| {
        points.windows(2).all(|p| p[0].quantile <= p[1].quantile && p[0].response_time_ms <= p[1].response_time_ms)
    };
    assert!(rises(&analysis.distribution) && analysis.distribution.len() > 10);
}

#[test]
fn counts_by_outcome_step_and_address_and_the_generators_gauges() {
    let names = Names::default();
    let mut first = row(1, LOGIN, 1.0);
    first.address = Some(names.id("127.0.0.1:80"));
    let failed = row(1, PAGE, 2.0).failed(Failure::Timeout);
    let sample = |seconds: f64, busy: f64, owed: u64| Sample {
        at_us: at(seconds),
        generator: GeneratorGauges {
            arrivals_due: 100,
            arrivals_owed: owed,
            load_thread_busy: busy,
            ..GeneratorGauges::default()
        },
        ..Sample::default()
    };
    let samples = [sample(1.0, 0.2, 0), sample(2.0, 0.95, 3), sample(3.0, 0.4, 3)];
    let analysis = analyse(&plan(), &[], &samples, &names, &[first, failed]);
    assert_eq!(analysis.outcomes, BTreeMap::from([("ok".to_owned(), 1), ("timeout".to_owned(), 1)]));
    assert_eq!((analysis.requests.count, analysis.requests.errors), (2, 1));
    assert_eq!(analysis.addresses["127.0.0.1:80"], 1);
    let steps: Vec<(&str, u64)> = analysis.steps.iter().map(|s| (s.step.as_str(), s.requests.count)).collect();
    assert_eq!(steps, [("login", 1), ("account", 1)]);
    let generator = analysis.generator;
    assert_eq!((generator.arrivals_owed, generator.seconds_sampled, generator.seconds_busy), (3, 3, 1));
    assert_eq!(generator.load_thread_busy_max, 0.95);
}

#[test]
fn requests_that_the_runs_end_cut_are_counted_and_are_no_errors() {
    let mut plan = plan();
    plan.objectives = vec![Objective {
        text: String::new(),
        metric: Metric::ErrorRate,
        scope: Scope::default(),
        window: Window::WHOLE_RUN,
        limit: Limit::AtMost(0.0),
    }];
    let rows =
        [row(1, PAGE, 1.0), row(2, PAGE, 2.0).failed(Failure::Abandoned), row(3, PAGE, 2.0).failed(Failure::Reset)];
    let analysis = analyse(&plan, &[], &[], &Names::default(), &rows);
    let outcomes = ["abandoned", "ok", "reset"].map(|outcome| (outcome.to_owned(), 1));
    assert_eq!(analysis.outcomes, BTreeMap::from(outcomes));
    assert_eq!((analysis.requests.count, analysis.requests.errors), (3, 1));
    let window = &analysis.objectives[0].windows[0];
    assert_eq!((window.requests, window.errors, window.answered), (3, 1, 1));
    assert_eq!(analysis.seconds.iter().map(|second| second.errors).collect::<Vec<_>>(), [0, 0, 1]);
}

#[test]
fn the_same_rows_give_the_same_bytes() {
    let (events, names, rows) = growth();
    let told = || serde_json::to_string(&analyse(&plan(), &events, &[], &names, &rows)).unwrap();
    let first = told();
    assert_eq!(first, told());
    let read: Analysis = serde_json::from_str(&first).unwrap();
    assert_eq!(read.stages, analyse(&plan(), &events, &[], &names, &rows).stages);
}
