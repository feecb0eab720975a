use crate::history::EventKind;
use std::collections::BTreeMap;
use std::time::Instant;

/// What has happened so far, for those who wait for more.
#[derive(Debug, Default)]
pub struct Happened {
    /// Events by their name; an action that began also by its own.
    counts: BTreeMap<String, u64>,
    last: Option<Instant>,
}

impl Happened {
    pub fn note(&mut self, kind: &EventKind) {
        self.last = Some(Instant::now());
        let mut count = |name: &str| *self.counts.entry(name.to_owned()).or_default() += 1;
        count(kind.name());
        if let EventKind::ActionStarted { action, .. } = kind {
            count(action);
        }
    }

    pub fn count(&self, name: &str) -> u64 {
        self.counts.get(name).copied().unwrap_or(0)
    }

    pub fn last(&self) -> Option<Instant> {
        self.last
    }
}
