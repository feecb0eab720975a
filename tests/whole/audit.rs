//! What the audit must catch, and the lab as it should be, in which it must find nothing.

use crate::support::Server;
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// What an audit said.
pub struct Audited {
    pub code: Option<i32>,
    checks: Vec<Value>,
    told: String,
}

impl Audited {
    /// Names of the checks with this result.
    pub fn with(&self, result: &str) -> Vec<&str> {
        let found = self.checks.iter().filter(|check| check["result"] == result);
        found.map(|check| check["name"].as_str().unwrap()).collect()
    }

    pub fn demand(&self, code: i32, failed: &[&str], unknown: &[&str]) {
        assert_eq!(
            (self.code, self.with("failed").as_slice(), self.with("unknown").as_slice()),
            (Some(code), failed, unknown),
            "{:#?}\n{}",
            self.checks,
            self.told
        );
    }
}

pub fn audit(profile: &Path, arguments: &[&str]) -> Audited {
    let folder = tempfile::tempdir().unwrap();
    let junit = folder.path().join("junit.xml");
    let mut command = Command::new(env!("CARGO_BIN_EXE_rushhour"));
    command.arg("audit").arg(profile).arg("--json").arg("--junit").arg(&junit).args(arguments);
    let output = command.current_dir(folder.path()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let checks: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {told}"));
    let audited = Audited { code: output.status.code(), checks, told };
    let junit = std::fs::read_to_string(junit).unwrap();
    assert_eq!(junit.matches("<testcase").count(), audited.checks.len(), "{junit}");
    assert_eq!(junit.matches("<failure").count(), audited.with("failed").len(), "{junit}");
    audited
}

fn of_lab(set: &[&str]) -> Audited {
    let profile = Path::new(env!("CARGO_MANIFEST_DIR")).join("profiles/store-failover.toml");
    let arguments: Vec<&str> = set.iter().flat_map(|set| ["--set", set]).collect();
    audit(&profile, &arguments)
}

#[test]
fn a_clean_lab_passes_and_each_planted_defect_is_named() {
    let clean = of_lab(&["fleet.tls=true"]);
    clean.demand(0, &[], &[]);
    assert_eq!(clean.with("not-applicable"), ["store encrypted at rest"]);
    for (defect, failed) in [
        ("default-user-on", vec!["store needs a password"]),
        ("plain-text-port", vec!["plain text to the store refused"]),
        (
            "sessions-without-ttl",
            vec!["sessions expire in the store", "time to live within the idle time-out", "idle time-out honoured"],
        ),
        ("no-absolute-timeout", vec!["absolute time-out honoured"]),
    ] {
        of_lab(&[&format!("fleet.defect=\"{defect}\"")]).demand(3, &failed, &[]);
    }
    // The store holds none of its sessions to look at.
    let unknown = ["sessions expire in the store", "time to live within the idle time-out"];
    let found = of_lab(&["fleet.defect=\"sticky-local-sessions\""]);
    found.demand(3, &["no stickiness", "sessions known everywhere"], &unknown);
}

#[test]
fn an_application_that_is_away_is_told_and_nothing_is_judged() {
    let server = Server::start(|_| unreachable!("nobody comes"));
    let profile = crate::exit_codes::profile(&server.url(), "");
    server.stop();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("away.toml");
    std::fs::write(&path, profile).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_rushhour")).arg("audit").arg(&path).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("no connection to") && output.stdout.is_empty(), "{told}");
}
