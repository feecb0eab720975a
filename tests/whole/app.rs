//! An instance of the application, as a process of its own.

use crate::support::{Redis, until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};

struct Instance {
    child: Child,
    address: SocketAddr,
    _stdout: BufReader<ChildStdout>,
}

impl Instance {
    /// With settings besides what every instance needs.
    fn start(redis: &Redis, settings: Value) -> Instance {
        let mut config = json!({
            "instance": "a",
            "zone": "zone-a",
            "store": { "location": { "direct": redis.address } },
            "users": { "generated": { "count": 1, "prefix": "user-", "password": "correct horse" } },
        });
        config.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        let mut command = Command::new(env!("CARGO_BIN_EXE_rushhour"));
        command.args(["app", "--config", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        writeln!(child.stdin.as_mut().unwrap(), "{config}").unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let told: Value = serde_json::from_str(&line).unwrap();
        let address = told["listening"].as_str().unwrap().parse().unwrap();
        let instance = Instance { child, address, _stdout: stdout };
        until("it is ready", || instance.health().starts_with("HTTP/1.1 200 "));
        instance
    }

    fn health(&self) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).unwrap();
    }

    fn until_it_ends_well(&mut self) {
        until("it ends in good order", || self.child.try_wait().unwrap().is_some_and(|status| status.success()));
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn sigterm_drains_and_a_second_one_ends_it() {
    let redis = Redis::start("", &[]);
    let mut quick = Instance::start(&redis, json!({ "drain_ms": 1 }));
    quick.signal(Signal::SIGTERM);
    quick.until_it_ends_well();
    let mut slow = Instance::start(&redis, json!({ "drain_ms": 600_000 }));
    slow.signal(Signal::SIGTERM);
    until("it drains", || slow.health().contains(r#""reason":"draining""#));
    slow.signal(Signal::SIGTERM);
    slow.until_it_ends_well();
}

#[test]
fn it_ends_with_whoever_holds_its_standard_input() {
    let redis = Redis::start("", &[]);
    let mut instance = Instance::start(&redis, json!({ "exit_on_stdin_eof": true }));
    drop(instance.child.stdin.take());
    instance.until_it_ends_well();
}

#[test]
#[cfg(target_os = "linux")]
fn it_listens_where_it_is_told() {
    let redis = Redis::start("", &[]);
    let instance = Instance::start(&redis, json!({ "listen": "127.0.0.2" }));
    assert_eq!(instance.address.ip().to_string(), "127.0.0.2");
}
