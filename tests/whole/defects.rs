//! Negative controls: each way in which the lab's application can be wrong is caught and named, and a right one is not
//! accused of anything.

use crate::support::{Ended, run_with, turn};
use serde_json::Value;

/// A short run with everything a defect could show itself in: two instances that become four under sessions that log
/// in by form, keep a cart, and wait for a job.
pub const PROFILE: &str = include_str!("defects.toml");

pub fn lab(defect: Option<&str>, more: &[&str]) -> Ended {
    lab_of(PROFILE, defect, more)
}

pub fn lab_of(profile: &str, defect: Option<&str>, more: &[&str]) -> Ended {
    let _turn = turn();
    let defect = defect.map(|name| format!("fleet.defect=\"{name}\""));
    let mut arguments = Vec::new();
    for set in defect.iter().map(String::as_str).chain(more.iter().copied()) {
        arguments.extend(["--set", set]);
    }
    run_with(profile, &arguments)
}

pub fn symptoms(summary: &Value) -> Vec<String> {
    let list = summary["verdict"]["symptoms"].as_array().unwrap();
    list.iter().map(|symptom| symptom["kind"].as_str().unwrap().to_owned()).collect()
}

pub fn demand(ended: &Ended, code: i32, symptom: &str) {
    ended.demand_code(code);
    let found = symptoms(&ended.summary());
    assert!(found.iter().any(|kind| kind == symptom), "no {symptom} in {found:?}\n{}", ended.stdout);
}

/// And the symptom names this instance.
fn demand_of(ended: &Ended, code: i32, symptom: &str, instance: &str) {
    demand(ended, code, symptom);
    let summary = ended.summary();
    let mut list = summary["verdict"]["symptoms"].as_array().unwrap().iter();
    let evidence = list.find(|found| found["kind"] == symptom).unwrap()["evidence"].as_str().unwrap();
    let mut words = evidence.split(|c: char| !c.is_alphanumeric() && c != '-');
    assert!(words.any(|word| word == instance), "{evidence}");
}

#[test]
fn a_right_application_is_accused_of_nothing() {
    let ended = lab(None, &[]);
    ended.demand_code(0);
    let summary = ended.summary();
    assert_eq!(symptoms(&summary), Vec::<String>::new());
    assert_eq!(ended.analysis()["sessions"]["losses"].as_object().unwrap().len(), 0, "{}", ended.stdout);
    for instance in summary["scale_out"].as_array().unwrap() {
        assert!(instance["adopted_sessions"].as_u64().unwrap() > 0, "{instance}");
    }
}

#[test]
fn sessions_in_the_instances_memory() {
    demand(&lab(Some("local-sessions"), &[]), 4, "sessions-local-to-instance");
}

#[test]
fn a_sticky_balancer_over_local_sessions_shows_nothing_while_stickiness_is_kept() {
    let ended = lab(Some("sticky-local-sessions"), &["connections.stickiness=\"kept\""]);
    ended.demand_code(6);
    assert!(ended.stdout.contains("stickiness"), "{}", ended.stdout);
}

#[test]
fn a_sticky_balancer_over_local_sessions_is_lost_sessions_once_stickiness_is_stripped() {
    demand(
        &lab(Some("sticky-local-sessions"), &["connections.stickiness=\"stripped\""]),
        4,
        "sessions-local-to-instance",
    );
}

#[test]
fn sessions_that_one_zone_accepts() {
    demand(&lab(Some("store-per-zone"), &[]), 4, "sessions-local-to-zone");
}

#[test]
fn writes_acknowledged_and_dropped() {
    demand(&lab(Some("dropped-writes"), &[]), 4, "writes-dropped");
}

#[test]
fn sessions_mixed_up() {
    demand(&lab(Some("session-mixup"), &[]), 4, "wrong-user");
}

#[test]
fn new_instances_that_are_slow_at_first() {
    let ended = lab(Some("slow-warm-up"), &["objectives.0.metric=\"warm-up-penalty\"", "objectives.0.at_most=3"]);
    demand_of(&ended, 3, "slow-warm-up", "i-3");
}

#[test]
fn csrf_tokens_in_the_instances_memory() {
    demand(&lab(Some("local-csrf"), &[]), 4, "login-local-to-instance");
}

#[test]
fn jobs_in_the_instances_memory() {
    demand(&lab(Some("local-jobs"), &[]), 4, "jobs-local-to-instance");
}

/// The only instance dies with all jobs that it has taken.
#[test]
fn jobs_in_the_memory_of_an_instance_that_dies() {
    let profile = PROFILE
        .replace("do = \"scale-out\"\nby = 2", "do = \"kill-instance\"\ntarget = \"i-1\"")
        .replace("weight = 3", "weight = 1")
        // What a right application takes over has to wait for its turn.
        .replace("within = \"6s\"", "within = \"15s\"");
    let more = ["fleet.instances=1", "fleet.workers=32"];
    let ended = lab_of(&profile, Some("local-jobs"), &more);
    demand_of(&ended, 4, "lost-with-instance", "i-1");
    let right = lab_of(&profile, None, &more);
    right.demand_code(0);
    assert_eq!(symptoms(&right.summary()), Vec::<String>::new());
}

/// Of the drained instances, half of the work they have is lost; a slow service leaves them enough of it.
#[test]
fn instances_that_ignore_their_drain() {
    let replace = [
        "timeline.0.do=\"scale-in\"",
        "timeline.0.by=3",
        "fleet.instances=4",
        "fleet.service_time=\"lognormal 150ms sigma 0.3\"",
        "objectives.0.metric=\"error-rate\"",
    ];
    let ended = lab(Some("drain-ignored"), &replace);
    // The newest of the fullest zone go first.
    demand_of(&ended, 3, "drain-ignored", "i-4");
    let right = lab(None, &replace);
    right.demand_code(0);
    assert_eq!(symptoms(&right.summary()), Vec::<String>::new());
}

#[test]
fn a_health_check_that_always_says_yes() {
    let more = ["fleet.boot=\"3s\"", "objectives.0.metric=\"error-rate\""];
    demand_of(&lab(Some("always-healthy"), &more), 3, "ready-too-soon", "i-3");
}
