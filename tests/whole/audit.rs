//! What the audit must catch, and the lab as it should be, in which it must find nothing.

use crate::support::{Reply, Request, Server};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use std::collections::HashMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

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

pub fn audit(profile: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Audited {
    let folder = tempfile::tempdir().unwrap();
    let junit = folder.path().join("junit.xml");
    let mut command = Command::new(env!("CARGO_BIN_EXE_rushhour"));
    command.arg("audit").arg(profile).arg("--json").arg("--junit").arg(&junit).args(arguments);
    command.envs(environment.iter().copied());
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
    audit(&profile, &arguments, &[])
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

const IDLE: Duration = Duration::from_secs(3);
const ABSOLUTE: Duration = Duration::from_secs(6);

struct Session {
    user: String,
    begun: Instant,
    used: Instant,
}

/// An application with sessions in cookies that end in time, and one fault.
fn application(fault: &'static str) -> Server {
    let sessions: Mutex<(u32, HashMap<String, Session>)> = Mutex::default();
    Server::start(move |request: &Request| {
        let (count, sessions) = &mut *sessions.lock().unwrap();
        *count += 1;
        let pin = if fault == "sticky" { "Set-Cookie: SERVERID=one; Path=/\r\n" } else { "" };
        let instance = format!("X-Instance: i-{}\r\n{pin}", *count % 2 + 1);
        let mut cookies = request.header("cookie").unwrap_or_default().split("; ");
        let sid = cookies.find_map(|pair| pair.strip_prefix("sid=")).map(str::to_owned);
        let flags = if fault == "open cookie" { "Path=/" } else { "Path=/; HttpOnly; SameSite=Lax; Max-Age=1" };
        let set = |sid: &str| format!("{instance}Set-Cookie: sid={sid}; {flags}\r\n");
        let now = Instant::now();
        let idle = if fault == "hasty" { IDLE / 2 } else { IDLE };
        if fault != "immortal" {
            sessions.retain(|_, session| now - session.used < idle && now - session.begun < ABSOLUTE);
        }
        match (request.path.as_str(), std::str::from_utf8(&request.body).unwrap()) {
            ("/login", "") => Reply::with("200 OK", &set(&sid.unwrap_or(count.to_string())), "a form"),
            ("/login", form) => {
                let user = form.trim_start_matches("user=").to_owned();
                let id = sid.filter(|_| fault == "kept id").unwrap_or(count.to_string());
                sessions.insert(id.clone(), Session { user, begun: now, used: now });
                Reply::with("200 OK", &set(&id), "welcome")
            }
            ("/logout", _) => {
                if fault != "logout of the cookie only" {
                    sessions.remove(&sid.unwrap_or_default());
                }
                Reply::with("200 OK", &format!("{instance}Set-Cookie: sid=; Path=/; Max-Age=0\r\n"), "bye")
            }
            _ => match sessions.get_mut(&sid.unwrap_or_default()) {
                Some(session) if fault != "local" || *count % 2 == 0 => {
                    session.used = now;
                    Reply::with("200 OK", &format!("{instance}X-User: {}\r\n", session.user), "hello")
                }
                _ => Reply::with("302 Found", &format!("{instance}Location: /login\r\n"), ""),
            },
        }
    })
}

fn visitors(url: &str) -> String {
    format!(
        r#"
        target = {{ url = "{url}" }}
        users = {{ generate = 60 }}
        workload = {{ stages = ["1/s for 1s"] }}
        connections = {{ stickiness = "stripped" }}
        session = {{ identity = {{ header = "x-user" }}, idle_timeout = "3s", lifetime = "6s" }}
        fleet = {{ provider = "observe" }}
        [[scenarios]]
        name = "visitor"
        steps = [
            {{ name = "open", get = "/anything" }},
            {{ name = "form", get = "/login", login = true }},
            {{ name = "login", post = "/login", login = true, form = {{ user = "{{{{user.name}}}}" }} }},
            {{ name = "account", get = "/account", proves_identity = true }},
            {{ name = "logout", post = "/logout", logout = true, raw = "bye" }},
        ]
        "#
    )
}

#[test]
fn each_fault_of_sessions_is_named_in_any_application() {
    for (fault, failed) in [
        ("", vec![]),
        ("kept id", vec!["session id renewed at login"]),
        ("open cookie", vec!["session cookie flags"]),
        ("logout of the cookie only", vec!["old id dead after logout"]),
        ("local", vec!["sessions known everywhere"]),
        ("sticky", vec!["no stickiness"]),
        ("immortal", vec!["idle time-out honoured", "absolute time-out honoured"]),
        ("hasty", vec!["idle time-out honoured"]),
    ] {
        let server = application(fault);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("visitors.toml");
        std::fs::write(&path, visitors(&server.url())).unwrap();
        let waits = ["", "immortal", "hasty"].contains(&fault);
        let found = audit(&path, if waits { &["--wait"] } else { &[] }, &[]);
        found.demand(if failed.is_empty() { 0 } else { 3 }, &failed, &[]);
        assert_eq!(found.with("not-applicable").contains(&"idle time-out honoured"), !waits, "{fault}");
    }
}

#[test]
fn a_store_that_persists_nothing_is_named_also_where_it_has_replicas() {
    of_lab(&["fleet.store.persistence=\"none\""]).demand(3, &["store data outlives a restart"], &[]);
    of_lab(&["fleet.store.persistence=\"snapshot\""]).demand(0, &[], &[]);
}

#[test]
fn a_cluster_passes_over_three_zones_and_not_over_two() {
    let cluster = "fleet.store.kind=\"cluster\"";
    of_lab(&[cluster]).demand(3, &["store nodes over zones"], &[]);
    of_lab(&[cluster, "fleet.zones=[\"zone-a\", \"zone-b\", \"zone-c\"]"]).demand(0, &[], &[]);
}

#[test]
fn ctrl_c_while_waiting_prints_what_was_found() {
    let server = application("");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("visitors.toml");
    std::fs::write(&path, visitors(&server.url()).replace("idle_timeout = \"3s\"", "idle_timeout = \"1h\"")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_rushhour"));
    command.arg("audit").arg(&path).args(["--wait", "--json"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    lines.find(|line| line.contains("waiting for sessions to end")).unwrap();
    kill(Pid::from_raw(child.id() as i32), Signal::SIGINT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let checks: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let names: Vec<&str> = checks.iter().map(|check| check["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"old id dead after logout") && !names.contains(&"idle time-out honoured"), "{names:?}");
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
