//! Rows and events for tests, written as short as they can be read.

use super::*;
use std::time::Duration;

pub fn at(seconds: f64) -> Offset {
    Offset::from_secs_f64(seconds)
}

pub fn origin() -> Origin {
    Origin {
        tool_version: "0.1.0".into(),
        run_id: "20260101T000000Z-abc123".into(),
        zero_at: "2026-01-01T00:00:00Z".into(),
        zero_unix_us: 1_767_225_600_000_000,
        machine: Machine { hostname: "loader".into(), os: "linux x86_64".into(), cpus: 2, memory_bytes: 8 << 30 },
        load_threads: 1,
        pacer: "timerfd".into(),
    }
}

/// A row of `session`, due and sent at `seconds`, answered 10 ms later, as expected, by an unknown instance.
pub fn row(session: SessionNumber, step: StepId, seconds: f64) -> Observation {
    Observation {
        session,
        user: session as u32,
        step,
        part: 0,
        intended: at(seconds),
        started: at(seconds),
        first_byte: Some(at(seconds + 0.01)),
        last_byte: at(seconds + 0.01),
        outcome: Outcome::Ok,
        status: 200,
        body_bytes: 100,
        instance: None,
        zone: None,
        address: None,
        connection: ConnectionUse::Kept,
        affinity: false,
        identity: Identity::Silent,
        found_identity: 0,
        last_of_session: false,
        states: Vec::new(),
    }
}

impl Observation {
    /// `place`: `instance` or `instance@zone`.
    pub fn on(mut self, place: &str, names: &Names) -> Observation {
        let (instance, zone) = place.split_once('@').map_or((place, None), |(i, z)| (i, Some(z)));
        self.instance = Some(names.id(instance));
        self.zone = zone.map(|z| names.id(z));
        self
    }

    pub fn who(mut self, identity: Identity) -> Observation {
        self.identity = identity;
        self
    }

    pub fn with(mut self, states: &[StateOp]) -> Observation {
        self.states = states.to_vec();
        self
    }

    pub fn answered_with(mut self, outcome: Outcome, status: u16) -> Observation {
        self.outcome = outcome;
        self.status = status;
        self
    }

    pub fn failed(mut self, failure: Failure) -> Observation {
        self.first_byte = None;
        self.instance = None;
        self.zone = None;
        self.answered_with(Outcome::Failed(failure), 0)
    }

    pub fn taking(mut self, time: Duration) -> Observation {
        self.last_byte = self.started + time;
        self
    }

    pub fn last(mut self) -> Observation {
        self.last_of_session = true;
        self
    }
}

pub fn event(seconds: f64, kind: EventKind) -> Event {
    Event { at_us: at(seconds), source: EventSource::Provider, resolution_us: 1000, kind }
}

pub fn launched(seconds: f64, instance: &str, zone: &str) -> Event {
    event(seconds, EventKind::InstanceLaunched { instance: instance.to_owned(), zone: zone.to_owned() })
}

pub fn healthy(seconds: f64, instance: &str, zone: &str) -> Event {
    event(seconds, EventKind::InstanceHealthy { instance: instance.to_owned(), zone: zone.to_owned() })
}

pub fn activity(seconds: f64, from: u32, to: u32) -> Event {
    event(seconds, EventKind::ActivityStarted { from, to, cause: "test".to_owned() })
}

pub fn done(seconds: f64, name: &str) -> Event {
    event(seconds, EventKind::ActionCompleted { action: name.to_owned(), detail: String::new() })
}

pub fn action(seconds: f64, name: &str) -> Event {
    event(seconds, EventKind::ActionStarted { action: name.to_owned(), detail: String::new() })
}
