use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use redis::FromRedisValue;

use super::super::config::StoreLocation;
use super::running_store::RunningStore;

/// A redis-server of one test's own, gone with it.
pub struct RedisServer {
    child: Child,
    pub port: u16,
    arguments: Vec<String>,
    _dir: tempfile::TempDir,
}

impl RedisServer {
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// With further arguments, such as `--replicaof`.
    pub fn start_with(arguments: &[&str]) -> Self {
        let arguments: Vec<String> = arguments.iter().map(|&a| a.to_owned()).collect();
        let dir = tempfile::tempdir().expect("a temporary directory");
        let port = free_port();
        let child = spawn(port, dir.path(), &arguments);
        let server = Self { child, port, arguments, _dir: dir };
        server.wait();
        server
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub fn ask<T: FromRedisValue>(&self, command: &[&str]) -> T {
        self.try_ask(command).expect("redis answers")
    }

    fn try_ask<T: FromRedisValue>(&self, command: &[&str]) -> redis::RedisResult<T> {
        let mut connection = redis::Client::open(format!("redis://{}", self.address()))?.get_connection()?;
        redis::cmd(command[0]).arg(&command[1..]).query(&mut connection)
    }

    pub fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    pub fn start_again(&mut self) {
        self.child = spawn(self.port, self._dir.path(), &self.arguments);
        self.wait();
    }

    fn wait(&self) {
        until("redis-server answers", || self.try_ask::<String>(&["PING"]).is_ok());
    }
}

impl RunningStore for RedisServer {
    fn location(&self) -> StoreLocation {
        StoreLocation::Direct(self.address())
    }

    fn sessions(&self) -> Vec<String> {
        self.ask(&["KEYS", "test:session:*"])
    }

    fn time_left(&self, key: &str) -> Duration {
        Duration::from_millis(self.ask(&["PTTL", key]))
    }

    fn set_time_left(&self, key: &str, left: Duration) {
        assert_eq!(self.ask::<i64>(&["PEXPIRE", key, &left.as_millis().to_string()]), 1);
    }

    fn remove(&self, key: &str) {
        assert_eq!(self.ask::<i64>(&["DEL", key]), 1);
    }

    fn unfinished_jobs(&self) -> usize {
        self.ask(&["ZCARD", "test:{jobs}:unfinished"])
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.stop();
    }
}

fn spawn(port: u16, dir: &std::path::Path, arguments: &[String]) -> Child {
    Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
        .args(["--repl-diskless-sync-delay", "0", "--dir"])
        .arg(dir)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("redis-server runs; scripts/test installs it")
}

/// The system gives these ports to no connection and to no server that leaves the choice to it: another test's would answer
/// in the place of one that takes some time to start.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let choices = std::iter::repeat_with(|| 20_000 + NEXT.fetch_add(1, Ordering::Relaxed) % 10_000);
    choices.take(10_000).find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).expect("a free port")
}

/// Waits for a condition, for as long as a slow machine may need.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        sleep(Duration::from_millis(5));
    }
}
