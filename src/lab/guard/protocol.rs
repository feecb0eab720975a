use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What the tool asks of the guard.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Order {
    /// Start a program; its output goes to the file `log`. `name` is free to be chosen and must be unused.
    Start {
        name: String,
        program: PathBuf,
        args: Vec<String>,
        log: PathBuf,
    },
    /// Kill it (SIGKILL).
    Kill {
        name: String,
    },
    /// Stop it where it stands (SIGSTOP), or let it go on (SIGCONT).
    Freeze {
        name: String,
    },
    Thaw {
        name: String,
    },
}

/// What the guard tells the tool.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Report {
    /// The first line: the lab's directory, made for this guard alone.
    Directory(PathBuf),
    Started {
        name: String,
        pid: u32,
    },
    NotStarted {
        name: String,
        reason: String,
    },
    Ended {
        name: String,
        how: String,
    },
}
