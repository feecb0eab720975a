//! What goes wrong on a bad day is told clearly, and nothing that was seen is lost.

use crate::support::{Authority, Ended, Reply, Server, free_address, run, run_with, start};
use nix::sys::signal::Signal;
use rushhour::history::{ConnectionUse, Failure, Outcome};
use std::time::Duration;

/// A profile of a few seconds against `url`: even arrivals, sessions of one step, no login.
fn profile(url: &str, more: &str) -> String {
    format!(
        r#"
[target]
url = "{url}"
timeout = "1s"
max_body = "4KiB"
instance = {{ header = "x-instance" }}

[users]
generate = 250

[workload]
model = "sessions"
arrivals = "even"
stages = ["60/s for 2s"]
max_sessions = 200
grace = "2s"

[fleet]
provider = "observe"

[[scenarios]]
name = "visit"

[[scenarios.steps]]
name = "page"
get = "/"
{more}
"#
    )
}

fn outcomes(ended: &Ended) -> Vec<Outcome> {
    ended.rows().iter().map(|row| row.outcome).collect()
}

/// A lab with a zone that goes dark, and hangs, after a second.
const OUTAGE: &str = r#"
[workload]
stages = ["20/s for 60s"]

[fleet]
provider = "lab"
store = { kind = "single" }
instances = 2
service_time = "lognormal 5ms sigma 0.3"

[[timeline]]
at = "1s"
do = "zone-outage"
zone = "zone-b"
how = "freeze"

[[scenarios]]
name = "visit"

[[scenarios.steps]]
name = "page"
get = "/login"
"#;

#[test]
fn an_interrupt_in_the_middle_of_a_zone_outage_leaves_nothing_running() {
    let mut running = start(OUTAGE, &[], None);
    running.wait_for("hangs");
    let processes = running.descendants();
    assert!(processes.len() >= 4, "a guard, HAProxy, Redis and an instance: {processes:?}");
    running.signal(Signal::SIGINT);
    let ended = running.end();
    ended.demand_code(130);
    assert!(!processes.iter().any(|pid| std::path::Path::new(&format!("/proc/{pid}")).exists()), "{processes:?}");
}

#[test]
fn an_action_that_fails_stops_the_run_where_the_profile_says_so() {
    let failing = OUTAGE.replace(
        "do = \"zone-outage\"\nzone = \"zone-b\"\nhow = \"freeze\"",
        "do = \"kill-instance\"\ntarget = \"i-9\"\non_failure = \"stop\"",
    );
    let ended = run(&failing);
    ended.demand_code(6);
    assert!(ended.stdout.contains("i-9 is not there"), "{}", ended.stdout);
    assert!(ended.stdout.contains("the profile stops the run there"), "{}", ended.stdout);
}

#[test]
fn an_unknown_key_is_named_with_its_line_and_the_nearest_name() {
    let ended = run(&profile("http://127.0.0.1:1", "").replace("timeout = ", "timeoot = "));
    ended.demand_code(2).demand_error(&["timeoot", "test.toml:4", "timeout"]);
}

#[test]
fn a_target_that_refuses_is_told_before_the_load_starts() {
    let closed = free_address();
    let ended = run(&profile(&format!("http://{closed}"), ""));
    ended.demand_code(2).demand_error(&["no connection to", &closed.to_string(), "check that the balancer is up"]);
    assert!(!ended.folder.path().join("results/test").exists(), "a run that did not begin leaves no run directory");
}

#[test]
fn a_name_that_does_not_resolve_is_told() {
    let ended = run(&profile("http://nowhere.invalid:8080", ""));
    ended.demand_code(2).demand_error(&["nowhere.invalid", "could not be resolved"]);
}

#[test]
fn an_unknown_authority_is_refused_and_accepted_once_it_is_named() {
    let authority = Authority::new();
    let server = Server::start_tls(authority.server_config(), |_| Reply::ok("hello"));
    let url = server.url().replace("http:", "https:");
    run(&profile(&url, "")).demand_code(2).demand_error(&["TLS handshake", "ca_file"]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("authority.pem");
    std::fs::write(&file, authority.pem).unwrap();
    let named = profile(&url, "").replace("[target]", &format!("[target]\nca_file = \"{}\"", file.display()));
    run(&named).demand_code(0);
}

#[test]
fn a_response_over_the_limit_is_too_large() {
    let server = Server::start(|_| Reply::ok(&"x".repeat(5000)));
    let ended = run(&profile(&server.url(), ""));
    let outcomes = outcomes(&ended);
    assert_eq!(outcomes.len(), 120);
    assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Failed(Failure::TooLarge)));
}

#[test]
fn a_response_that_drips_ends_at_the_time_out() {
    let server = Server::start(|_| {
        let whole = "HTTP/1.1 200 OK\r\nX-Instance: i-1\r\nContent-Length: 5\r\n\r\nhello";
        Reply::Drip(whole.as_bytes().to_vec(), Duration::from_millis(300))
    });
    let ended = run(&profile(&server.url(), ""));
    let rows = ended.rows();
    assert_eq!(rows.len(), 120);
    assert!(rows.iter().all(|row| row.outcome == Outcome::Failed(Failure::Timeout)));
    let mut seconds: Vec<f64> = rows.iter().map(|row| row.service_time().as_secs_f64()).collect();
    seconds.sort_by(f64::total_cmp);
    let (shortest, median) = (seconds[0], seconds[seconds.len() / 2]);
    // A thread that is held up may end some of them late, but none early.
    assert!(shortest >= 0.99 && median < 1.2, "time-outs of 1 s took {shortest} s at least and {median} s mostly");
}

#[test]
fn a_response_that_is_not_http_is_malformed() {
    let server = Server::start(|_| Reply::Last(b"HTP/1.1 OK fine\r\n\r\n".to_vec()));
    let ended = run(&profile(&server.url(), ""));
    assert!(outcomes(&ended).iter().all(|outcome| *outcome == Outcome::Failed(Failure::Malformed)));
}

#[test]
fn a_connection_closed_while_idle_is_reopened_without_an_error() {
    // Says keep-alive and closes all the same, after each answer.
    let server = Server::start(|_| {
        Reply::Last(match Reply::ok("hello") {
            Reply::Bytes(bytes) => bytes,
            _ => unreachable!(),
        })
    });
    let ended = run(&profile(&server.url(), "repeat = 3\nthink = \"100ms\""));
    ended.demand_code(0);
    let rows = ended.rows();
    assert_eq!(rows.len(), 360);
    assert!(rows.iter().all(|row| row.outcome == Outcome::Ok));
    let reopened = rows.iter().filter(|row| row.connection == ConnectionUse::Reopened).count();
    assert_eq!(reopened, 240, "each session opens once and reopens twice");
}

#[test]
fn who_served_is_unknown_without_the_instance_header() {
    let server = Server::start(|_| Reply::with("200 OK", "", "hello"));
    let more = "\n[[timeline]]\nat = \"1s\"\ndo = \"declare\"\nname = \"rollout\"\n";
    let ended = run(&profile(&server.url(), more));
    ended.demand_code(6);
    assert!(ended.stdout.contains("who served"), "{}", ended.stdout);
}

#[test]
fn a_balancer_that_dies_and_comes_back_costs_failures_and_nothing_else() {
    let first = Server::start(|_| Reply::ok("hello"));
    let address = first.address();
    let profile = profile(&first.url(), "").replace("60/s for 2s", "40/s for 5s");
    let mut running = start(&profile, &[], None);
    running.wait_for("load begins");
    running.wait_for_samples(2);
    drop(first);
    let gone_at = std::time::Instant::now();
    crate::support::until("a second has gone by", || gone_at.elapsed() > Duration::from_secs(1));
    let _second = Server::start_at(address, |_| Reply::ok("hello"));
    let ended = running.end();
    let outcomes = outcomes(&ended);
    let refused = outcomes.iter().filter(|o| **o == Outcome::Failed(Failure::Connect)).count();
    assert!(refused >= 20, "{refused} of {} were refused while nobody listened", outcomes.len());
    assert_eq!(outcomes.last(), Some(&Outcome::Ok), "the balancer came back");
    assert_eq!(outcomes.len(), 200, "every arrival is in the record");
}

#[test]
fn results_that_cannot_be_written_are_told_before_anything_starts() {
    let server = Server::start(|_| Reply::ok("hello"));
    let ended = run_with(&profile(&server.url(), ""), &["--results", "test.toml/results"]);
    ended.demand_code(2).demand_error(&["cannot write test.toml/results"]);
}

#[test]
fn a_full_disk_ends_the_run_as_inconclusive_and_leaves_what_was_written() {
    let server = Server::start(|_| Reply::ok("hello"));
    let profile = profile(&server.url(), "").replace("60/s for 2s", "400/s for 20s");
    // No file may grow past 12 KiB, and the signal that would say so is ignored, so that writing fails as on a full disk.
    let ended = start(&profile, &[], Some("trap '' XFSZ && ulimit -f 12")).end();
    ended.demand_code(6);
    assert!(ended.stdout.contains("recording failed"), "{}", ended.stdout);
}

#[test]
fn too_few_file_descriptors_are_told_before_the_load_starts() {
    let server = Server::start(|_| Reply::ok("hello"));
    let ended = start(&profile(&server.url(), ""), &[], Some("ulimit -n 100")).end();
    ended.demand_code(2).demand_error(&["file descriptors", "may have 100", "ulimit -n"]);
}

#[test]
fn a_low_soft_limit_is_raised() {
    let server = Server::start(|_| Reply::ok("hello"));
    start(&profile(&server.url(), ""), &[], Some("ulimit -Sn 64")).end().demand_code(0);
}

#[test]
fn one_interrupt_ends_the_run_with_a_verdict_over_what_was_seen() {
    let server = Server::start(|_| Reply::ok("hello"));
    let mut running = start(&profile(&server.url(), "").replace("for 2s", "for 60s"), &[], None);
    running.wait_for("load begins");
    running.signal(Signal::SIGINT);
    let ended = running.end();
    ended.demand_code(130);
    assert_eq!(ended.summary()["verdict"]["interrupted"], true);
}

#[test]
fn a_second_interrupt_ends_the_run_at_once() {
    let server = Server::start(|_| Reply::Drip(vec![b'H'; 1000], Duration::from_millis(50)));
    let profile =
        profile(&server.url(), "").replace("for 2s", "for 60s").replace("timeout = \"1s\"", "timeout = \"50s\"");
    let mut running = start(&profile, &[], None);
    running.wait_for("load begins");
    running.signal(Signal::SIGINT);
    running.wait_for("interrupted");
    running.signal(Signal::SIGINT);
    let ended = running.end();
    ended.demand_code(130);
    assert!(ended.stdout.is_empty(), "there was no time for a verdict");
}

#[test]
fn a_run_that_was_killed_is_judged_by_what_it_left() {
    let server = Server::start(|_| Reply::ok("hello"));
    let mut running = start(&profile(&server.url(), "").replace("for 2s", "for 60s"), &[], None);
    running.wait_for("load begins");
    // Parts are closed each 5 s: by then one is whole.
    running.wait_for_samples(8);
    running.signal(Signal::SIGKILL);
    let ended = running.end();
    let report = ended.report();
    assert_eq!(report.status.code(), Some(6));
    let summary: serde_json::Value = serde_json::from_slice(&report.stdout).unwrap();
    assert!(summary["load"]["requests"].as_u64().unwrap() >= 240, "{summary}");
    assert!(summary["verdict"]["reasons"].to_string().contains("killed"), "{}", summary["verdict"]);
    let verdict = || std::fs::read(ended.run_directory().join("verdict.json")).unwrap();
    let first = verdict();
    ended.report();
    assert_eq!(first, verdict(), "the same raw files give the same verdict, to the byte");
}
