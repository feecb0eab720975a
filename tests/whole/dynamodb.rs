//! Sessions in DynamoDB: nothing is held against a right application, what is planted is found, and a table that hangs
//! costs nobody a session.

use crate::defects::{PROFILE, demand, lab_of, symptoms};
use crate::support::Ended;
use std::path::Path;
use std::process::Command;

const DYNAMODB: &str = "fleet.store.kind=\"dynamodb\"";
/// The emulator is slower than Redis by far.
const LESS_LOAD: &str = "workload.stages.0=\"4/s for 12s\"";

fn over_dynamodb(profile: &str, defect: Option<&str>, more: &[&str]) -> Ended {
    lab_of(profile, defect, &[&[DYNAMODB, LESS_LOAD], more].concat())
}

#[test]
fn sessions_of_before_a_scale_out_are_served_by_the_new_instances() {
    let ended = over_dynamodb(PROFILE, None, &[]);
    ended.demand_code(0);
    let summary = ended.summary();
    assert_eq!(symptoms(&summary), Vec::<String>::new());
    assert_eq!(ended.analysis()["sessions"]["losses"].as_object().unwrap().len(), 0, "{}", ended.stdout);
    let added = summary["scale_out"].as_array().unwrap();
    assert_eq!(added.len(), 2, "{}", ended.stdout);
    for instance in added {
        assert!(instance["adopted_sessions"].as_u64().unwrap() > 0, "{instance}");
    }
    let store = &ended.analysis()["analysis"]["store"];
    assert!(store["acknowledged_writes"].as_u64() > Some(100), "{store}");
    assert_eq!((&store["lost_writes"], &store["session_keys_without_ttl"]), (&0.into(), &0.into()), "{store}");
    let samples = std::fs::read_to_string(ended.run_directory().join("samples.jsonl")).unwrap();
    let samples = samples.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    // The emulator may have been too busy to describe it now and then.
    let tables: Vec<_> =
        samples.map(|sample| sample["store"]["table"].clone()).filter(|table| !table.is_null()).collect();
    let table = tables.last().expect("the table was described");
    assert_eq!((&table["status"], &table["expires"]), (&"ACTIVE".into(), &true.into()), "{table}");
}

#[test]
fn eventual_reads_of_an_emulator_miss_nothing() {
    over_dynamodb(PROFILE, None, &["fleet.store.reads=\"eventual\""]).demand_code(0);
}

#[test]
fn writes_acknowledged_and_dropped_are_found_in_dynamodb_too() {
    demand(&over_dynamodb(PROFILE, Some("dropped-writes"), &[]), 4, "writes-dropped");
}

#[test]
fn a_table_that_hangs_for_two_seconds_costs_nobody_a_session() {
    let scaling = "[[timeline]]\nat = \"4s\"\ndo = \"scale-out\"\nby = 2\n";
    let hanging = "[[timeline]]\nat = \"4s\"\ndo = \"store-outage\"\n\n\
                   [[timeline]]\nat = \"6s\"\ndo = \"store-recovery\"\n";
    assert!(PROFILE.contains(scaling));
    let ended = over_dynamodb(&PROFILE.replace(scaling, hanging), None, &[]);
    ended.demand_code(0);
    assert_eq!(ended.analysis()["sessions"]["losses"].as_object().unwrap().len(), 0, "{}", ended.stdout);
    let store = &ended.analysis()["analysis"]["store"];
    assert_eq!(store["lost_writes"], 0, "{store}");
    // The emulator may be silent for half a second by itself.
    let outages = store["outages"].as_array().unwrap().iter().map(|outage| outage["seconds"].as_f64().unwrap());
    let longest = outages.fold(0.0, f64::max);
    assert!((1.5..4.0).contains(&longest), "{store}");
}

/// The exit code, and the names of the checks that failed.
fn audit(set: &[&str]) -> (Option<i32>, Vec<String>) {
    let profile = Path::new(env!("CARGO_MANIFEST_DIR")).join("profiles/quickstart.toml");
    let mut command = Command::new(env!("CARGO_BIN_EXE_rushhour"));
    command.arg("audit").arg(profile).args(["--json", "--set", DYNAMODB]);
    for set in set {
        command.args(["--set", set]);
    }
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    let checks: Vec<serde_json::Value> =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {told}"));
    let failed = checks.iter().filter(|check| check["result"] == "failed");
    (output.status.code(), failed.map(|check| check["name"].as_str().unwrap().to_owned()).collect())
}

#[test]
fn the_audit_of_a_table_passes_and_finds_sessions_that_never_end() {
    assert_eq!(audit(&["fleet.tls=true"]), (Some(0), vec![]));
    let (code, failed) = audit(&["fleet.defect=\"sessions-without-ttl\""]);
    assert_eq!(code, Some(3));
    assert_eq!(
        failed,
        ["sessions expire in the store", "time to live within the idle time-out", "idle time-out honoured"]
    );
}
