//! An instance as a process of its own: this test program, started again with [`an_instance_of_its_own`] alone.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::{io, io::Write};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::super::config::AppConfig;
use super::super::serve::serve;
use super::client::Client;
use super::redis_server::{RedisServer, until};
use super::server::config;

#[test]
#[ignore = "run by the other tests here, with a configuration on standard input"]
fn an_instance_of_its_own() {
    let mut line = String::new();
    io::stdin().read_line(&mut line).expect("standard input");
    if line.is_empty() {
        return;
    }
    let config = AppConfig::from_json(&line).expect("a configuration");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(serve(config)).expect("it ends in good order");
    runtime.shutdown_background();
}

struct Process {
    child: Child,
    address: SocketAddr,
    _stdout: BufReader<std::process::ChildStdout>,
}

impl Process {
    fn start(config: &AppConfig) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "app::tests::process::an_instance_of_its_own", "--ignored", "--nocapture"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let stdin = child.stdin.as_mut().expect("a pipe");
        writeln!(stdin, "{}", serde_json::to_string(config).expect("JSON")).expect("it reads");
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let address = announced(&mut stdout);
        Self { child, address, _stdout: stdout }
    }

    fn ended_well(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_some_and(|status| status.success())
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).expect("a process id");
        kill(Pid::from_raw(pid), signal).expect("it lives");
    }
}

/// The test harness prints around the one line that counts.
fn announced(stdout: &mut impl BufRead) -> SocketAddr {
    for line in stdout.lines() {
        let line = line.expect("text");
        if let Some(json) = line.find("{\"listening\"").map(|at| &line[at..]) {
            let value: serde_json::Value = serde_json::from_str(json).expect("JSON");
            return value["listening"].as_str().and_then(|a| a.parse().ok()).expect("an address");
        }
    }
    panic!("it ended without a word");
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn sigterm_drains_and_a_second_one_ends_it() {
    let redis = RedisServer::start();
    let mut quick = Process::start(&config(&redis, "a"));
    let mut slow = Process::start(&AppConfig { drain_ms: 600_000, ..config(&redis, "b") });
    for process in [&quick, &slow] {
        until("it is ready", || Client::at(process.address).get("/healthz").status == 200);
        process.signal(Signal::SIGTERM);
    }
    until("the quick one ends", || quick.ended_well());
    until("the slow one drains", || Client::at(slow.address).get("/healthz").json()["reason"] == "draining");
    slow.signal(Signal::SIGTERM);
    until("the slow one ends", || slow.ended_well());
}

#[test]
fn it_ends_with_whoever_holds_its_standard_input() {
    let redis = RedisServer::start();
    let mut process = Process::start(&AppConfig { exit_on_stdin_eof: true, ..config(&redis, "a") });
    until("it is ready", || Client::at(process.address).get("/healthz").status == 200);
    drop(process.child.stdin.take());
    until("it ends", || process.ended_well());
}

#[test]
#[cfg(target_os = "linux")]
fn an_instance_listens_where_it_is_told() {
    let redis = RedisServer::start();
    let elsewhere = std::net::Ipv4Addr::new(127, 0, 0, 2).into();
    let process = Process::start(&AppConfig { listen: elsewhere, ..config(&redis, "a") });
    assert_eq!(process.address.ip(), elsewhere);
    until("it is ready", || Client::at(process.address).get("/healthz").status == 200);
}
