use std::io;
use std::path::Path;

/// Why there is no lab.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    #[error("the lab needs {programs}, which {} not in PATH; {remedy}", if programs.contains(" and ") { "are" } else { "is" })]
    Missing { programs: String, remedy: String },
    #[error("this rushhour was built without DynamoDB; build it with `--features aws`")]
    WithoutDynamodb,
    #[error("cannot {what}: {source}")]
    Io { what: String, source: io::Error },
    #[error("cannot make the lab's certificates: {0}")]
    Certificate(#[from] rcgen::Error),
    #[error("cannot read the lab's own certificates back: {0}")]
    StoreClient(redis::RedisError),
    #[error("{program} did not start: {reason}{log}")]
    NotStarted { program: String, reason: String, log: String },
    #[error("instances were not healthy at the balancer within {seconds} s: {waiting}")]
    NotHealthy { seconds: u64, waiting: String },
    #[error("HAProxy answered {answer:?} to {command:?}")]
    Balancer { command: String, answer: String },
}

impl LabError {
    pub(super) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> LabError {
        let what = what.into();
        move |source| LabError::Io { what, source }
    }

    pub(super) fn not_started(program: &str, reason: String, log: &Path) -> LabError {
        LabError::NotStarted { program: program.to_owned(), reason, log: last_lines(log) }
    }

    /// Somebody else took a port between its choice and its use.
    pub(super) fn is_port_clash(&self) -> bool {
        matches!(self, LabError::NotStarted { log, .. } if log.contains("already in use"))
    }
}

const LOG_LINES_SHOWN: usize = 8;

fn last_lines(log: &Path) -> String {
    let text = std::fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    if lines.is_empty() {
        return String::new();
    }
    let shown = &lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..];
    format!("; its log ends:\n  {}", shown.join("\n  "))
}
