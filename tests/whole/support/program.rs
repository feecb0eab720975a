//! The program under test, started as a user would.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rushhour::history::{Names, Observation};
use rushhour::record::RecordedRun;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// No test waits longer than this for anything.
const PATIENCE: Duration = Duration::from_secs(120);

/// A run that is over.
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    /// Holds the profile and `results/`.
    pub folder: TempDir,
}

impl Ended {
    /// The summary that `--json` prints.
    pub fn summary(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in {}\n{}", self.stdout, self.stderr))
    }

    /// The only run directory.
    pub fn run_directory(&self) -> PathBuf {
        let profiles = self.folder.path().join("results");
        let latest = std::fs::read_dir(profiles).unwrap().next().unwrap().unwrap().path().join("latest");
        latest.canonicalize().unwrap()
    }

    /// What was found, in full.
    pub fn analysis(&self) -> serde_json::Value {
        serde_json::from_slice(&std::fs::read(self.run_directory().join("analysis.json")).unwrap()).unwrap()
    }

    /// Judges the run again.
    pub fn report(&self) -> std::process::Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rushhour"));
        command.args(["report", "--json"]).arg(self.run_directory()).output().unwrap()
    }

    /// All rows of the record.
    pub fn rows(&self) -> Vec<Observation> {
        let run = RecordedRun::open(&self.run_directory()).unwrap();
        let mut rows = Vec::new();
        run.for_each(&Names::default(), [&mut |batch: &[Observation]| rows.extend_from_slice(batch)]);
        rows
    }

    pub fn demand_code(&self, code: i32) -> &Ended {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    pub fn demand_error(&self, words: &[&str]) -> &Ended {
        for word in words {
            assert!(self.stderr.contains(word), "no `{word}` in:\n{}", self.stderr);
        }
        self
    }
}

/// Runs a profile to its end, with `--json`.
pub fn run(profile: &str) -> Ended {
    run_with(profile, &[])
}

pub fn run_with(profile: &str, arguments: &[&str]) -> Ended {
    start(profile, arguments, None).end()
}

/// A run under way.
pub struct Running {
    child: Child,
    folder: Option<TempDir>,
    lines: Receiver<String>,
    seen: Vec<String>,
}

/// Starts `rushhour run` on a profile. `limits`: shell commands that come before it, such as `ulimit -n 100`.
pub fn start(profile: &str, arguments: &[&str], limits: Option<&str>) -> Running {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("test.toml"), profile).unwrap();
    let mut command = Command::new("bash");
    let before = limits.map_or(String::new(), |limits| format!("{limits} && "));
    command
        .args(["-c", &format!("{before}exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_rushhour")])
        .args(["run", "test.toml", "--json", "--quiet"])
        .args(arguments)
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::from(std::fs::File::create(folder.path().join("stdout")).unwrap()))
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (send, lines) = channel();
    let stderr = BufReader::new(child.stderr.take().unwrap());
    std::thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
    Running { child, folder: Some(folder), lines, seen: Vec::new() }
}

impl Running {
    fn folder(&self) -> &Path {
        self.folder.as_ref().expect("it is taken only at the end").path()
    }

    /// Waits until the record holds as many samples, of which there is one a second.
    pub fn wait_for_samples(&self, count: usize) {
        super::until("samples are recorded", || {
            let samples = self.folder().join("results/test/latest/samples.jsonl");
            std::fs::read_to_string(samples).is_ok_and(|samples| samples.lines().count() >= count)
        });
    }

    /// Waits for a line of standard error that holds `text`.
    pub fn wait_for(&mut self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if line.contains(text) {
                        return line;
                    }
                }
                Err(error) => panic!("no `{text}` ({error}) in:\n{}", self.seen.join("\n")),
            }
        }
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).unwrap();
    }

    /// All processes below it, by number.
    pub fn descendants(&self) -> Vec<u32> {
        let listing = Command::new("ps").args(["-Ao", "pid=,ppid="]).output().expect("ps runs");
        let listing = String::from_utf8(listing.stdout).unwrap();
        let numbers = |line: &str| line.split_whitespace().map(|n| n.parse().unwrap()).collect::<Vec<u32>>();
        let pairs: Vec<Vec<u32>> = listing.lines().map(numbers).collect();
        let mut found = vec![self.child.id()];
        let mut at = 0;
        while at < found.len() {
            let parent = found[at];
            found.extend(pairs.iter().filter(|pair| pair[1] == parent).map(|pair| pair[0]));
            at += 1;
        }
        found.split_off(1)
    }

    pub fn end(mut self) -> Ended {
        let deadline = Instant::now() + PATIENCE;
        // Standard error ends when the program does.
        while let Ok(line) = self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            self.seen.push(line);
        }
        let code = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status.code(),
                None if Instant::now() > deadline => {
                    panic!("still running after {PATIENCE:?}:\n{}", self.seen.join("\n"))
                }
                None => std::thread::sleep(Duration::from_millis(10)),
            }
        };
        let folder = self.folder.take().expect("it is taken only here");
        let stdout = std::fs::read_to_string(folder.path().join("stdout")).unwrap();
        Ended { code, stdout, stderr: self.seen.join("\n"), folder }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A test that failed half-way leaves nothing running.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
