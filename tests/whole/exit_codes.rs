//! CI trusts the exit code: each is met once here.

use crate::support::{Reply, Request, Server, run};
use std::collections::HashMap;
use std::process::Command;
use std::sync::Mutex;

/// An application with a login by JSON, a cart, and whatever is wrong with it.
pub fn shop(lose_session: bool, slow: bool) -> Server {
    let tokens: Mutex<HashMap<String, u32>> = Mutex::default();
    Server::start(move |request: &Request| {
        if slow {
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        let instance = format!("X-Instance: i-{}\r\n", request.on_connection % 2 + 1);
        let mut tokens = tokens.lock().unwrap();
        if request.path == "/login" {
            let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
            let user = body["username"].as_str().unwrap();
            tokens.insert(user.to_owned(), 0);
            return Reply::with(
                "200 OK",
                &format!("{instance}X-User: {user}\r\n"),
                &format!(r#"{{"token":"{user}"}}"#),
            );
        }
        let token = request.header("authorization").unwrap_or("").trim_start_matches("Bearer ").to_owned();
        let user = format!("{instance}X-User: {token}\r\n");
        match tokens.get_mut(&token) {
            Some(count) => {
                *count += 1;
                let count = *count;
                if lose_session && count == 2 {
                    tokens.remove(&token);
                }
                Reply::with("200 OK", &user, &format!(r#"{{"count":{count}}}"#))
            }
            None => Reply::with("401 Unauthorized", &instance, "{}"),
        }
    })
}

pub fn profile(url: &str, more: &str) -> String {
    format!(
        r#"
[target]
url = "{url}"
instance = {{ header = "x-instance" }}

[users]
generate = 60

[workload]
stages = ["15/s for 3s"]
arrivals = "even"
max_sessions = 50
grace = "3s"

[session]
rejected = [{{ status = 401 }}]
identity = {{ header = "x-user", equals = "{{{{user.name}}}}" }}
states = {{ cart = "counter" }}

[fleet]
provider = "observe"

[[scenarios]]
name = "shopper"
think = "100ms"

[[scenarios.steps]]
name = "login"
post = "/login"
json = {{ username = "{{{{user.name}}}}", password = "{{{{user.password}}}}" }}
extract = {{ bearer = {{ json = "/token" }} }}
login = true

[[scenarios.steps]]
name = "add to cart"
post = "/cart"
repeat = 4
headers = {{ authorization = "Bearer {{{{bearer}}}}" }}
adds = {{ cart = 1 }}
reads = {{ cart = {{ json = "/count" }} }}
{more}
"#
    )
}

#[test]
fn a_healthy_application_passes() {
    let ended = run(&profile(&shop(false, false).url(), ""));
    ended.demand_code(0);
    assert_eq!(ended.summary()["verdict"]["outcome"], "pass");
}

#[test]
fn a_missed_objective_is_three() {
    let server = shop(false, true);
    let more = "\n[[objectives]]\nmetric = \"response-time p50\"\nat_most = \"10ms\"\n";
    run(&profile(&server.url(), more)).demand_code(3);
}

#[test]
fn lost_sessions_are_four_and_the_first_reason() {
    let server = shop(true, true);
    let more = "\n[[objectives]]\nmetric = \"response-time p50\"\nat_most = \"10ms\"\n";
    let ended = run(&profile(&server.url(), more));
    ended.demand_code(4);
    let summary = ended.summary();
    assert_eq!(summary["verdict"]["reasons"][0]["speaks_for"], "sessions-lost");
}

#[test]
fn a_session_loss_that_the_profile_allows_is_none() {
    let server = shop(true, false);
    let profile =
        profile(&server.url(), "").replace("[session]", "[session]\nallow = { relogins = 1000, state_lost = 1000 }");
    run(&profile).demand_code(0);
}

#[test]
fn an_event_that_never_happened_leaves_the_run_inconclusive() {
    // No instance is ever said to be healthy behind this server, and what is declared waits for one.
    let more = r#"
[[timeline]]
at = "1s"
do = "wait-for"
event = "instance-healthy"

[[timeline]]
at = "1s"
do = "declare"
name = "rollout"

[[objectives]]
metric = "response-time p50"
at_most = "10s"
during = "rollout +0s..1s"
"#;
    let server = shop(false, false);
    let ended = run(&profile(&server.url(), more));
    ended.demand_code(6);
    assert!(ended.stdout.contains(r#"\"rollout\" never happened"#), "{}", ended.stdout);
}

#[test]
fn a_run_that_is_not_there_or_of_a_newer_format_is_two() {
    let folder = tempfile::tempdir().unwrap();
    let newer = folder.path().join("newer");
    std::fs::create_dir(&newer).unwrap();
    std::fs::write(newer.join("manifest.json"), r#"{"format_version":1000,"tool_version":"99.0.0"}"#).unwrap();
    for (command, run, words) in [
        ("report", "typo", ["typo holds no run", "found neither manifest.json nor latest", "give a run directory"]),
        ("report", "newer", ["format 1000", "rushhour 99.0.0", "read it with"]),
        ("trend", "typo", ["typo holds no runs", "give a profile's directory", "results/nightly"]),
    ] {
        let mut rushhour = Command::new(env!("CARGO_BIN_EXE_rushhour"));
        let output = rushhour.arg(command).arg(folder.path().join(run)).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{command} {run}: {told}");
        assert!(words.iter().all(|word| told.contains(word)) && output.stdout.is_empty(), "{told}");
    }
}
