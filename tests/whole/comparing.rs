//! A run beside an earlier one: what `compare`, `--baseline` and `trend` say, and what they exit with.

use crate::exit_codes::{profile, shop};
use crate::support::{Ended, run, run_with};
use std::path::Path;
use std::process::{Command, Output};

/// Long enough for eight blocks of a second.
fn longer(url: &str) -> String {
    profile(url, "").replace("15/s for 3s", "15/s for 9s") + "\n[compare]\nblock = \"1s\"\n"
}

fn rushhour(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rushhour")).args(arguments).output().unwrap()
}

fn compare(base: &Ended, new: &Ended) -> (Option<i32>, serde_json::Value, String) {
    let path = |ended: &Ended| ended.run_directory().to_str().unwrap().to_owned();
    let output = rushhour(&["compare", &path(base), &path(new), "--json"]);
    let found = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output.status.code(), found, String::from_utf8_lossy(&output.stderr).into_owned())
}

fn exists(directory: &Path, names: &[&str]) {
    for name in names {
        assert!(directory.join(name).is_file(), "no {name} in {}", directory.display());
    }
}

#[test]
fn a_slower_run_is_five_and_says_what_got_worse() {
    let base = run(&longer(&shop(false, false).url()));
    base.demand_code(0);
    let directory = base.run_directory();
    let slow = shop(false, true);
    let new = run_with(&longer(&slow.url()), &["--baseline", directory.to_str().unwrap()]);
    new.demand_code(5);
    let summary = new.summary();
    assert_eq!(summary["verdict"]["outcome"], "pass");
    assert_eq!(summary["comparison"]["outcome"], "regression");
    exists(&new.run_directory(), &["comparison.json", "comparison.md", "comparison.svg"]);
    assert!(!directory.join("comparison.json").exists(), "the base run's directory is left alone");

    let (code, found, _) = compare(&base, &new);
    assert_eq!((code, &found["outcome"]), (Some(5), &serde_json::json!("regression")));
    let (code, found, _) = compare(&base, &base);
    assert_eq!((code, &found["outcome"]), (Some(0), &serde_json::json!("no-regression")));
    let (code, found, _) = compare(&new, &base);
    assert_eq!((code, &found["outcome"]), (Some(0), &serde_json::json!("no-regression")), "better is no regression");
}

#[test]
fn runs_that_are_too_short_or_unlike_are_not_compared() {
    let server = shop(false, false);
    let short = run(&profile(&server.url(), ""));
    let (code, found, _) = compare(&short, &short);
    assert_eq!(code, Some(6), "{found}");
    assert!(found["doubts"][0].as_str().unwrap().contains("too short"), "{found}");

    let other = run(&profile(&server.url(), "").replace("repeat = 4", "repeat = 3"));
    let (code, _, error) = compare(&short, &other);
    assert_eq!(code, Some(2));
    assert!(error.contains("steps.1.repeat"), "{error}");

    let trend = rushhour(&["trend", short.run_directory().parent().unwrap().to_str().unwrap()]);
    assert_eq!(trend.status.code(), Some(6));
    assert!(String::from_utf8_lossy(&trend.stderr).contains("at least 10"), "{trend:?}");
}

#[test]
fn the_first_night_has_no_baseline_and_a_wrong_one_is_said_before_anything_is_sent() {
    let server = shop(false, false);
    let first = run_with(&profile(&server.url(), ""), &["--baseline", "latest"]);
    first.demand_code(0).demand_error(&["no baseline"]);
    let none = run_with(&profile(&server.url(), ""), &["--baseline", "results/nowhere"]);
    none.demand_code(2).demand_error(&["--baseline", "results/nowhere"]);
    assert!(!none.folder.path().join("results").exists());
}
