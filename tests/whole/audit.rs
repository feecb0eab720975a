//! What the audit must catch, and the lab as it should be, in which it must find nothing.

use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// The exit code, the names of the checks that failed, and of those that nobody could tell.
fn audit(set: &[&str]) -> (Option<i32>, Vec<String>, Vec<String>) {
    let profile = Path::new(env!("CARGO_MANIFEST_DIR")).join("profiles/store-failover.toml");
    let folder = tempfile::tempdir().unwrap();
    let junit = folder.path().join("junit.xml");
    let mut command = Command::new(env!("CARGO_BIN_EXE_rushhour"));
    command.arg("audit").arg(profile).arg("--json").arg("--junit").arg(&junit).current_dir(folder.path());
    for set in set {
        command.args(["--set", set]);
    }
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    let checks: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {told}"));
    let with = |result: &str| {
        let found = checks.iter().filter(|check| check["result"] == result);
        found.map(|check| check["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let junit = std::fs::read_to_string(junit).unwrap();
    assert_eq!(junit.matches("<testcase").count(), checks.len(), "{junit}");
    assert_eq!(junit.matches("<failure").count(), with("failed").len(), "{junit}");
    (output.status.code(), with("failed"), with("unknown"))
}

#[test]
fn a_clean_lab_passes_and_each_planted_defect_is_named() {
    assert_eq!(audit(&["fleet.tls=true"]), (Some(0), vec![], vec![]));
    for (defect, failed) in [
        ("default-user-on", vec!["store needs a password"]),
        ("plain-text-port", vec!["plain text to the store refused"]),
        ("sessions-without-ttl", vec!["sessions expire in the store", "idle time-out honoured"]),
    ] {
        demand(&[&format!("fleet.defect=\"{defect}\"")], &failed);
    }
}

#[test]
fn a_store_that_persists_nothing_is_named_also_where_it_has_replicas() {
    demand(&["fleet.store.persistence=\"none\""], &["store data outlives a restart"]);
    assert_eq!(audit(&["fleet.store.persistence=\"snapshot\""]), (Some(0), vec![], vec![]));
}

#[test]
fn a_cluster_passes_over_three_zones_and_not_over_two() {
    let cluster = "fleet.store.kind=\"cluster\"";
    demand(&[cluster], &["store nodes over zones"]);
    let zones = "fleet.zones=[\"zone-a\", \"zone-b\", \"zone-c\"]";
    assert_eq!(audit(&[cluster, zones]), (Some(0), vec![], vec![]));
}

/// These checks fail, and no other is unknown.
fn demand(set: &[&str], failed: &[&str]) {
    let failed: Vec<String> = failed.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(audit(set), (Some(3), failed, vec![]), "{set:?}");
}
