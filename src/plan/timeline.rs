use serde::{Deserialize, Serialize};
use std::time::Duration;

/// An action on the fleet at a time of the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimelineEntry {
    /// After the load's start.
    pub at: Duration,
    pub action: Action,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Action {
    /// Raise the desired count by this many.
    ScaleOut {
        by: u32,
    },
    /// Lower it by this many; the newest are drained first.
    ScaleIn {
        by: u32,
    },
    SetCapacity {
        to: u32,
    },
    /// Nothing is done: someone else changes the fleet at this time, and the run is to be judged around it.
    Declare {
        name: String,
    },
}

impl Action {
    /// The name it has in a profile and in `during` windows.
    pub fn name(&self) -> &str {
        match self {
            Action::ScaleOut { .. } => "scale-out",
            Action::ScaleIn { .. } => "scale-in",
            Action::SetCapacity { .. } => "set-capacity",
            Action::Declare { name } => name,
        }
    }
}
