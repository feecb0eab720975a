//! What rushhour writes for other tools is read back by other tools.

use crate::support::{Reply, Server, run};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// The Python that `scripts/test` set up with what `tests/formats/requirements.txt` lists; without it, the machine's own
/// if it happens to have the module.
fn python(module: &str) -> Option<String> {
    if let Ok(python) = std::env::var("RUSHHOUR_TEST_PYTHON") {
        return Some(python);
    }
    let import = Command::new("python3").args(["-c", &format!("import {module}")]).output();
    let found = import.is_ok_and(|output| output.status.success()).then(|| "python3".to_owned());
    if found.is_none() {
        eprintln!("not tested: there is no Python with {module}; scripts/test sets one up");
    }
    found
}

fn read_by(python: &str, script: &str, file: &Path) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats").join(script);
    let output = Command::new(python).arg(script).arg(file).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{err}");
    serde_json::from_str(&out).unwrap()
}

const PROFILE: &str = r#"
[target]
instance = { header = "x-instance" }

[fleet]
provider = "observe"

[workload]
model = "arrivals"
stages = ["100/s for 12s"]
arrivals = "even"

[[scenarios]]
name = "visitor"

[[scenarios.steps]]
name = "front page"
get = "/"

[[scenarios.steps]]
name = "second"
get = "/second"
"#;

#[test]
fn the_histogram_log_sums_up_to_the_run_in_another_implementation() {
    let Some(python) = python("hdrh") else { return };
    let server = Server::start(|request| {
        let instance = format!("X-Instance: i-{}\r\n", if request.path == "/" { "1, odd" } else { "2" });
        Reply::with("200 OK", &instance, "hello")
    });
    let ended = run(&PROFILE.replace("[target]", &format!("[target]\nurl = \"{}\"", server.url())));
    let summary = ended.summary();
    let whole = &summary["load"]["response_time"];
    let sums = read_by(&python, "hlog_sums.py", &ended.run_directory().join("response-time.hlog"));
    assert_eq!(sums["step"]["tags"], serde_json::json!(["front_page", "second"]));
    assert_eq!(sums["instance"]["tags"], serde_json::json!(["i-1__odd", "i-2"]));
    assert_eq!(sums["phase"]["tags"], serde_json::json!(["whole"]));
    for family in ["step", "instance", "phase"] {
        let sum = &sums[family];
        assert_eq!(sum["count"], whole["count"], "{family}");
        for figure in ["p50_ms", "p90_ms", "max_ms"] {
            let (found, expected) = (sum[figure].as_f64().unwrap(), whole[figure].as_f64().unwrap());
            // Implementations differ by one in the rank of a percentile.
            assert!((found - expected).abs() <= 0.02 * expected, "{family} {figure}: {found} and {expected}");
        }
    }
}
