use super::{Offset, RunClock, StoreRole};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// Something that happened to the fleet or to the run. A line of `events.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    pub at_us: Offset,
    pub source: EventSource,
    /// How exact `at_us` is: a thing that is polled each 500 ms is known to no better than that.
    pub resolution_us: u64,
    #[serde(flatten)]
    pub kind: EventKind,
}

/// Who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventSource {
    /// rushhour itself: phases, the timeline.
    Run,
    /// The provider of instances (the lab's process table, an Auto Scaling group).
    Provider,
    /// The autoscaler's alarm.
    Alarm,
    /// What names resolve to.
    Dns,
    /// The balancer's view of its targets.
    Balancer,
    /// The probe of the session store.
    Store,
    /// A change somebody else made, told by the profile (`fleet = observe`).
    Declared,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum EventKind {
    LoadStarted,
    LoadEnded,
    /// The run was asked to stop (Ctrl-C, SIGTERM).
    Interrupted,
    /// A timeline action was begun. `action` is its name, such as `scale-out`.
    ActionStarted {
        action: String,
        detail: String,
    },
    /// A timeline action came to its end; `detail` tells what it came to.
    ActionCompleted {
        action: String,
        detail: String,
    },
    ActionFailed {
        action: String,
        error: String,
    },
    /// The autoscaler's metric broke its target for as many datapoints as its alarm asks.
    AlarmRaised {
        metric: f64,
        target: f64,
    },
    AlarmCleared {
        metric: f64,
        target: f64,
    },
    /// The desired number of instances changed.
    ActivityStarted {
        from: u32,
        to: u32,
        cause: String,
    },
    /// A scaling activity came to another status, in the provider's own words.
    ActivityProgressed {
        activity: String,
        status: String,
    },
    /// An instance began to exist (its boot starts).
    InstanceLaunched {
        instance: String,
        zone: String,
    },
    /// An instance says it is up (its boot is over), to the provider.
    InstanceInService {
        instance: String,
        zone: String,
    },
    /// The balancer sends it traffic from here on.
    InstanceHealthy {
        instance: String,
        zone: String,
    },
    /// The balancer found it failing its health check.
    InstanceUnhealthy {
        instance: String,
        zone: String,
    },
    /// No new connections or requests go to it any more.
    InstanceDraining {
        instance: String,
        zone: String,
    },
    /// It was made to hang: it keeps its connections and answers nothing.
    InstanceFrozen {
        instance: String,
        zone: String,
    },
    /// It has ended; `expected` when that was asked for.
    InstanceGone {
        instance: String,
        zone: String,
        expected: bool,
    },
    /// The target's name was found to stand for this address, too.
    AddressResolved {
        address: String,
    },
    /// A node of the store has this role from here on.
    StoreRoleChanged {
        node: String,
        zone: String,
        role: StoreRole,
    },
    /// The store stopped acknowledging writes: the last one it acknowledged.
    StoreWritesStopped,
    /// It acknowledges writes again, after it had not for `gap_us`.
    StoreWritesResumed {
        gap_us: u64,
    },
    /// Writes of the probe that were acknowledged, the first and the last of them at these times, are not there any
    /// more.
    StoreWritesLost {
        lost: u64,
        first_us: Offset,
        last_us: Offset,
    },
    /// All that was acknowledged by then is in a snapshot.
    StoreSnapshotTaken {
        node: String,
    },
    /// The store has what was in the snapshot and nothing else. It was away for `took_us` before.
    StoreRestored {
        took_us: u64,
    },
    /// All nodes were stopped and started; `kept`: with what they had.
    StoreRestarted {
        kept: bool,
        took_us: u64,
    },
    /// The store has no room for what it holds, and does about that what its policy says.
    StoreMemoryLimited {
        policy: String,
        limit_bytes: u64,
    },
    /// Part of the system under test stopped answering its controller.
    Trouble {
        what: String,
    },
}

impl EventKind {
    /// All that [`EventKind::name`] may give.
    pub const NAMES: [&str; 27] = [
        "load-started",
        "load-ended",
        "interrupted",
        "action-started",
        "action-completed",
        "action-failed",
        "alarm-raised",
        "alarm-cleared",
        "activity-started",
        "activity-progressed",
        "instance-launched",
        "instance-in-service",
        "instance-healthy",
        "instance-unhealthy",
        "instance-draining",
        "instance-frozen",
        "instance-gone",
        "address-resolved",
        "store-role-changed",
        "store-writes-stopped",
        "store-writes-resumed",
        "store-writes-lost",
        "store-snapshot-taken",
        "store-restored",
        "store-restarted",
        "store-memory-limited",
        "trouble",
    ];

    /// The kebab-case name the event has on disk and in a profile's windows (`during = "scale-out +0s..60s"`
    /// matches the `action` of `ActionStarted`, and `scale-out` also any activity that raises the desired count).
    pub fn name(&self) -> &'static str {
        match self {
            EventKind::LoadStarted => "load-started",
            EventKind::LoadEnded => "load-ended",
            EventKind::Interrupted => "interrupted",
            EventKind::ActionStarted { .. } => "action-started",
            EventKind::ActionCompleted { .. } => "action-completed",
            EventKind::ActionFailed { .. } => "action-failed",
            EventKind::AlarmRaised { .. } => "alarm-raised",
            EventKind::AlarmCleared { .. } => "alarm-cleared",
            EventKind::ActivityStarted { .. } => "activity-started",
            EventKind::ActivityProgressed { .. } => "activity-progressed",
            EventKind::InstanceLaunched { .. } => "instance-launched",
            EventKind::InstanceInService { .. } => "instance-in-service",
            EventKind::InstanceHealthy { .. } => "instance-healthy",
            EventKind::InstanceUnhealthy { .. } => "instance-unhealthy",
            EventKind::InstanceDraining { .. } => "instance-draining",
            EventKind::InstanceFrozen { .. } => "instance-frozen",
            EventKind::InstanceGone { .. } => "instance-gone",
            EventKind::AddressResolved { .. } => "address-resolved",
            EventKind::StoreRoleChanged { .. } => "store-role-changed",
            EventKind::StoreWritesStopped => "store-writes-stopped",
            EventKind::StoreWritesResumed { .. } => "store-writes-resumed",
            EventKind::StoreWritesLost { .. } => "store-writes-lost",
            EventKind::StoreSnapshotTaken { .. } => "store-snapshot-taken",
            EventKind::StoreRestored { .. } => "store-restored",
            EventKind::StoreRestarted { .. } => "store-restarted",
            EventKind::StoreMemoryLimited { .. } => "store-memory-limited",
            EventKind::Trouble { .. } => "trouble",
        }
    }

    /// The instance the event is about.
    pub fn instance(&self) -> Option<&str> {
        match self {
            EventKind::InstanceLaunched { instance, .. }
            | EventKind::InstanceInService { instance, .. }
            | EventKind::InstanceHealthy { instance, .. }
            | EventKind::InstanceUnhealthy { instance, .. }
            | EventKind::InstanceDraining { instance, .. }
            | EventKind::InstanceFrozen { instance, .. }
            | EventKind::InstanceGone { instance, .. } => Some(instance),
            _ => None,
        }
    }
}

/// An event before the run's clock is known: what producers send. The conductor stamps it.
#[derive(Clone, Debug)]
pub struct Notice {
    pub at: Instant,
    pub source: EventSource,
    pub resolution: Duration,
    pub kind: EventKind,
}

impl Notice {
    /// Happened just now, known exactly.
    pub fn now(source: EventSource, kind: EventKind) -> Notice {
        Notice { at: Instant::now(), source, resolution: Duration::ZERO, kind }
    }

    pub fn stamped(self, clock: &RunClock) -> Event {
        Event {
            at_us: clock.offset(self.at),
            source: self.source,
            resolution_us: self.resolution.as_micros() as u64,
            kind: self.kind,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_name_in_the_list() {
        let unknown = serde_json::from_str::<EventKind>(r#"{"kind":"?"}"#).unwrap_err().to_string();
        // serde tells all names that it knows.
        let known: Vec<&str> = unknown.split('`').skip(3).step_by(2).collect();
        assert_eq!(known, EventKind::NAMES);
    }
}
