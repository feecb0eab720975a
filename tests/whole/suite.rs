//! A folder of profiles, interrupted.

use crate::support::until;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::process::{Command, Stdio};

const PROFILE: &str = r#"
description = "Does it go on?"
workload = { stages = ["2/s for 10m"], max_sessions = 20 }
fleet = { instances = 1, zones = ["a"], boot = "100ms", store = { kind = "single" } }
scenarios = [{ name = "visitor", steps = [{ name = "home", get = "/catalogue" }] }]
"#;

#[test]
fn ctrl_c_ends_the_profile_under_way_and_prints_what_there_is() {
    let folder = tempfile::tempdir().unwrap();
    let profiles = folder.path().join("profiles");
    std::fs::create_dir(&profiles).unwrap();
    for name in ["first.toml", "second.toml"] {
        std::fs::write(profiles.join(name), PROFILE).unwrap();
    }
    let stdout = folder.path().join("stdout");
    let mut command = Command::new(env!("CARGO_BIN_EXE_rushhour"));
    command.args(["suite", "profiles"]).current_dir(folder.path()).stdin(Stdio::null());
    let stderr = std::fs::File::create(folder.path().join("stderr")).unwrap();
    let mut suite = command.stdout(std::fs::File::create(&stdout).unwrap()).stderr(stderr).spawn().unwrap();
    let samples = folder.path().join("results/first/latest/samples.jsonl");
    until("the first profile is under way", || {
        std::fs::read_to_string(&samples).is_ok_and(|samples| samples.lines().count() >= 2)
    });
    let run = std::fs::read_link(folder.path().join("results/first/latest")).unwrap();
    kill(Pid::from_raw(suite.id() as i32), Signal::SIGINT).unwrap();
    until("it ends", || suite.try_wait().unwrap().is_some());
    let matrix = std::fs::read_to_string(stdout).unwrap();
    let told = std::fs::read_to_string(folder.path().join("stderr")).unwrap();
    assert_eq!(suite.wait().unwrap().code(), Some(130), "{matrix}\n{told}");
    assert_eq!(matrix.matches("CUT OFF").count(), 2, "{matrix}");
    assert!(matrix.contains("it was not begun any more") && matrix.contains("2 profiles: 2 cut off"), "{matrix}");
    // The one under way was ended in good order: what there is of it was judged.
    let verdict = std::fs::read(folder.path().join("results/first").join(run).join("verdict.json")).unwrap();
    let verdict: serde_json::Value = serde_json::from_slice(&verdict).unwrap();
    assert_eq!(verdict["exit_code"], 130, "{verdict}");
    assert!(!folder.path().join("results/second").exists());
}
