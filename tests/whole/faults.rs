//! What faults do to sessions, shown on a real fleet and store: what must be lost is lost and put down to its cause, what
//! must be kept is kept, and no fault keeps a run from its end.

use crate::support::{Ended, Running, run, start, turn};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rushhour::history::Outcome;
use serde_json::Value;
use std::path::PathBuf;

/// Short sessions that fill a cart and read it back. No timeline, and the store is left to each test.
const PROFILE: &str = include_str!("faults.toml");

fn profile(more: &str) -> String {
    format!("{PROFILE}\n{more}")
}

/// With losses that are to be expected.
fn lenient(more: &str) -> String {
    profile(more).replace("[session]\n", "[session]\nallow = { relogins = 1000, state_lost = 1000 }\n")
}

fn in_turn(profile: &str) -> Ended {
    let _turn = turn();
    run(profile)
}

fn causes(ended: &Ended) -> Vec<String> {
    let analysis = ended.analysis();
    analysis["sessions"]["causes"].as_object().unwrap().keys().cloned().collect()
}

/// The cohort of the change of this name.
fn cohort(ended: &Ended, change: &str) -> Value {
    let analysis = ended.analysis();
    let cohorts = analysis["sessions"]["cohorts"].as_array().unwrap();
    let wanted = cohorts.iter().find(|cohort| cohort["change"]["name"] == change);
    wanted.unwrap_or_else(|| panic!("no {change} in {cohorts:?}")).clone()
}

fn lost(cohort: &Value) -> u64 {
    ["relogin", "replaced", "state_lost"].iter().map(|fate| cohort[fate].as_u64().unwrap()).sum()
}

/// The number of requests that were answered with this status.
fn answered_with(ended: &Ended, status: u16) -> usize {
    ended.rows().iter().filter(|row| row.status == status).count()
}

const FAILOVER: &str = r#"
[fleet.store]
link_delay = "20ms"

[[timeline]]
at = "4s"
do = "store-failover"
how = "kill"

[[timeline]]
at = "8s"
do = "store-recovery"
"#;

#[test]
fn a_failover_loses_only_what_the_primary_took_with_it() {
    let ended = in_turn(&lenient(FAILOVER));
    ended.demand_code(0);
    assert!(causes(&ended).iter().all(|cause| cause == "store-failover"), "{:?}\n{}", causes(&ended), ended.stdout);
    let analysis = ended.analysis();
    assert_eq!(analysis["sessions"]["failovers"]["unexplained"], 0, "{}", analysis["sessions"]);
    let spans = analysis["sessions"]["failovers"]["spans"].as_array().unwrap();
    assert_eq!(spans.len(), 1, "one failover: {spans:?}");
    let outage = &analysis["analysis"]["store"]["outages"][0];
    assert!(outage["seconds"].as_f64().unwrap() > 0.5, "sentinels wait for that long: {outage}");
    assert!(cohort(&ended, "store-failover")["survived"].as_u64().unwrap() > 0);
}

#[test]
fn a_failover_loses_nothing_once_writes_wait_for_a_replica() {
    let ended = in_turn(&profile(&FAILOVER.replace("link_delay", "wait_for_replicas = 1\nlink_delay")));
    ended.demand_code(0);
    assert_eq!(causes(&ended), Vec::<String>::new());
    assert_eq!(ended.analysis()["analysis"]["store"]["lost_writes"], 0);
}

/// Its failed requests are told with its instances, or with the store, whose primary was in it.
#[test]
fn a_zone_that_goes_dark_is_told_as_that_and_comes_back_as_no_second_primary() {
    let ended = in_turn(&profile(
        r#"
[[timeline]]
at = "3s"
do = "zone-outage"
zone = "zone-a"

[[timeline]]
at = "8s"
do = "zone-recovery"
zone = "zone-a"
"#,
    ));
    ended.demand_code(0);
    let analysis = ended.analysis()["analysis"].clone();
    let departure = &analysis["departures"][0];
    assert_eq!((&departure["dark_zone"], &departure["instances"][0]), (&"zone-a".into(), &"i-1".into()), "{departure}");
    let failed = ended.rows().iter().filter(|row| row.outcome != Outcome::Ok).count() as u64;
    let told =
        |list: &Value| list.as_array().unwrap().iter().map(|one| one["failed_requests"].as_u64().unwrap()).sum::<u64>();
    assert_eq!(told(&analysis["departures"]) + told(&analysis["store"]["outages"]), failed, "{}", ended.stdout);
    let events = std::fs::read_to_string(ended.run_directory().join("events.jsonl")).unwrap();
    let primaries = events.lines().filter(|line| line.contains("store-role-changed") && line.contains("\"primary\""));
    assert_eq!(primaries.count(), 1, "{events}");
}

fn pressure(policy: &str) -> String {
    profile(&format!(
        "[fleet.store]\nkind = \"single\"\n\n[[timeline]]\nat = \"5s\"\ndo = \"evict\"\npolicy = \"{policy}\"\nmemory = 0.5\n"
    ))
}

#[test]
fn eviction_takes_a_part_of_the_sessions_and_is_named() {
    let ended = in_turn(&pressure("allkeys-random"));
    ended.demand_code(4);
    assert_eq!(causes(&ended), ["eviction"]);
    let there = cohort(&ended, "evict");
    assert!(lost(&there) > 0 && there["survived"].as_u64().unwrap() > 0, "a part of them: {there}");
    let symptoms = ended.summary()["verdict"]["symptoms"].to_string();
    assert!(symptoms.contains("\"evicted\""), "{symptoms}");
}

#[test]
fn a_full_store_that_does_not_evict_refuses_writes_and_keeps_sessions() {
    let ended = in_turn(&pressure("noeviction"));
    ended.demand_code(0);
    assert_eq!(causes(&ended), Vec::<String>::new());
    let there = cohort(&ended, "evict");
    assert_eq!(lost(&there), 0, "{there}");
    assert!(there["survived"].as_u64().unwrap() > 0, "{there}");
    assert!(answered_with(&ended, 503) > 0, "{}", ended.stdout);
}

#[test]
fn a_restore_takes_what_came_after_the_snapshot_and_nothing_else() {
    let ended = in_turn(&profile(
        r#"
[fleet.store]
persistence = "append-only"

[[timeline]]
at = "4s"
do = "snapshot"

[[timeline]]
at = "6s"
do = "restore"
"#,
    ));
    ended.demand_code(0);
    let sessions = ended.analysis()["sessions"].clone();
    assert_eq!(sessions["causes"].as_object().unwrap().len(), 0, "{}", ended.stdout);
    assert!(sessions["restored"]["asked_to_log_in_again"].as_u64().unwrap() > 0, "{}", sessions["restored"]);
    assert!(cohort(&ended, "restore")["survived"].as_u64().unwrap() > 0, "the snapshot has some");
}

/// The processes below a run whose command line has this in it.
fn processes(running: &Running, word: &str) -> Vec<u32> {
    let command = |pid: u32| std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    running.descendants().into_iter().filter(|pid| command(*pid).contains(word)).collect()
}

#[test]
fn without_a_quorum_of_sentinels_nothing_fails_over_and_that_is_told() {
    let _turn = turn();
    let fails = FAILOVER.split("[[timeline]]").take(2).collect::<Vec<_>>().join("[[timeline]]");
    // Until the action gives up waiting for a new primary.
    let running = start(&lenient(&fails).replace("6/s for 12s", "4/s for 26s"), &[], None);
    running.wait_for_samples(1);
    let sentinels = processes(&running, "[sentinel]");
    assert_eq!(sentinels.len(), 3);
    sentinels[..2].iter().for_each(|pid| kill(Pid::from_raw(*pid as i32), Signal::SIGSTOP).unwrap());
    let ended = running.end();
    ended.demand_code(6);
    assert!(ended.stdout.contains("0 of 1 \\\"store-failover\\\" were carried out"), "{}", ended.stdout);
    ended.demand_error(&["no replica took over"]);
    let outages = ended.analysis()["analysis"]["store"]["outages"].clone();
    assert!(outages[0]["seconds"].is_null(), "to the end: {outages}");
    assert_eq!(ended.analysis()["sessions"]["losses"].get("relogin"), None, "a store that is away forgets nobody");
}

#[test]
fn a_balancer_that_cannot_be_controlled_any_more_is_told_and_the_run_ends() {
    let _turn = turn();
    let grows = "[fleet.store]\nkind = \"single\"\n\n[[timeline]]\nat = \"3s\"\ndo = \"scale-out\"\n";
    let mut running = start(&profile(grows), &[], None);
    // What happens before the load is not shown.
    running.wait_for_samples(2);
    let haproxy = processes(&running, "haproxy.cfg");
    let command = std::fs::read_to_string(format!("/proc/{}/cmdline", haproxy[0])).unwrap();
    let config = command.split('\0').find(|argument| argument.ends_with("haproxy.cfg")).map(PathBuf::from).unwrap();
    std::fs::remove_file(config.with_file_name("haproxy.sock")).unwrap();
    running.wait_for("the balancer does not answer");
    let ended = running.end();
    ended.demand_code(6);
    assert!(ended.stdout.contains("none served a request"), "{}", ended.stdout);
    let failed = ended.rows().iter().filter(|row| !row.answered()).count();
    assert_eq!(failed, 0, "those that were there go on");
    assert!(!config.exists(), "the lab is gone");
}

#[test]
fn an_action_that_fails_leaves_the_run_to_its_end_unless_the_profile_says_otherwise() {
    let fails =
        "[fleet.store]\nkind = \"single\"\n\n[[timeline]]\nat = \"1s\"\ndo = \"kill-instance\"\ntarget = \"i-9\"\n";
    let ended = in_turn(&profile(fails).replace("6/s for 12s", "6/s for 4s"));
    ended.demand_code(6);
    ended.demand_error(&["i-9 is not there"]);
    let sessions: std::collections::BTreeSet<u64> = ended.rows().iter().map(|row| row.session).collect();
    assert_eq!(sessions.len(), 24, "every arrival came");
}

#[test]
fn what_is_waited_for_comes_before_what_is_behind_it() {
    let ended = in_turn(&profile(
        r#"
[fleet.store]
kind = "single"

[[timeline]]
at = "2s"
do = "kill-instance"
target = "i-1"

[[timeline]]
at = "2s"
do = "wait-for"
state = "settled"

[[timeline]]
at = "2s"
do = "set-capacity"
to = 3

[[timeline]]
at = "2s"
do = "wait-for"
event = "instance-healthy"

[[timeline]]
at = "2s"
do = "wait-for"
quiet = "1s"

[[timeline]]
at = "2s"
do = "wait-for"
event = "instance-unhealthy"
within = "1s"
"#,
    ));
    ended.demand_code(6);
    ended.demand_error(&["it did not come within 1 s"]);
    assert!(ended.stdout.contains("3 of 4 \\\"wait-for\\\" were carried out"), "{}", ended.stdout);
    let events = std::fs::read_to_string(ended.run_directory().join("events.jsonl")).unwrap();
    let events: Vec<Value> = events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut behind = events.iter();
    for (kind, key, value) in [
        ("instance-gone", "instance", "i-1"),
        ("instance-healthy", "instance", "i-3"),
        ("action-completed", "action", "wait-for"),
        ("action-started", "action", "set-capacity"),
        ("instance-healthy", "instance", "i-4"),
        ("action-completed", "action", "wait-for"),
        ("action-completed", "action", "wait-for"),
        ("action-failed", "action", "wait-for"),
    ] {
        let found = behind.any(|event| event["kind"] == kind && event[key] == value);
        assert!(found, "no {kind} of {value} after those before it\n{events:#?}");
    }
}

#[test]
fn an_instance_dies_while_all_are_replaced_and_no_session_is_lost() {
    let ended = in_turn(&profile(
        r#"
[fleet.store]
kind = "single"

[[timeline]]
at = "3s"
do = "rolling-replace"
pause = "1s"

[[timeline]]
at = "3500ms"
do = "kill-instance"
target = "i-2"
"#,
    ));
    ended.demand_code(0);
    assert_eq!(causes(&ended), Vec::<String>::new());
    for change in ["rolling-replace", "kill-instance"] {
        let there = cohort(&ended, change);
        assert!(lost(&there) == 0 && there["survived"].as_u64().unwrap() > 0, "{change}: {there}");
    }
    let verdict = std::fs::read_to_string(ended.run_directory().join("verdict.json")).unwrap();
    assert!(verdict.contains("new instances of rolling-replace"), "{verdict}");
}
