use super::{Event, EventKind, EventSource, Offset};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A change of the fleet that a run is judged around: what several events say about one change, merged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FleetChange {
    /// The earliest event of the change.
    pub at_us: Offset,
    pub resolution_us: u64,
    pub source: EventSource,
    /// `scale-out`, `scale-in`, `instance-gone`, or the name of an action.
    pub name: String,
    /// The timeline action that made it, when there was one.
    pub action: Option<String>,
    pub detail: String,
    /// Start of the provider's activity, where there is one.
    pub activity_us: Option<Offset>,
}

pub const SCALE_OUT: &str = "scale-out";
pub const SCALE_IN: &str = "scale-in";
pub const INSTANCE_GONE: &str = "instance-gone";
/// Actions that no session can notice: the run is not judged around them.
pub const UNCHANGING: [&str; 2] = ["wait-for", "snapshot"];

impl FleetChange {
    /// An action and the activity it causes are one change when they are no further apart than this, or when the
    /// activity names the action as its cause ([`caused_by`]).
    const MERGED_WITHIN: Duration = Duration::from_secs(1);

    /// Whether a window `during NAME` means this change.
    pub fn is_named(&self, name: &str) -> bool {
        self.name == name || self.action.as_deref() == Some(name)
    }

    pub fn is_scale_out(&self) -> bool {
        self.name == SCALE_OUT
    }

    /// The changes in `events`, earliest first. Before the load starts nothing counts as a change: that is set-up.
    pub fn all(events: &[Event]) -> Vec<FleetChange> {
        let start = load_start(events);
        let mut changes: Vec<FleetChange> = Vec::new();
        let mut ordered: Vec<&Event> = events.iter().filter(|e| e.at_us >= start).collect();
        ordered.sort_by_key(|e| e.at_us);
        for event in &ordered {
            match &event.kind {
                EventKind::ActionStarted { action, .. } if UNCHANGING.contains(&action.as_str()) => {}
                EventKind::ActionStarted { action, detail } => changes.push(FleetChange {
                    at_us: event.at_us,
                    resolution_us: event.resolution_us,
                    source: event.source,
                    name: action.clone(),
                    action: Some(action.clone()),
                    detail: detail.clone(),
                    activity_us: None,
                }),
                EventKind::ActivityStarted { from, to, cause } if from != to => {
                    let name = if to > from { SCALE_OUT } else { SCALE_IN };
                    let detail = format!("{from} → {to} instances ({cause})");
                    let merged = changes.iter_mut().rev().find(|c| {
                        c.activity_us.is_none()
                            && [SCALE_OUT, SCALE_IN, "set-capacity"].contains(&c.name.as_str())
                            && c.action.as_ref().is_some_and(|action| {
                                event.at_us.since(c.at_us) <= Self::MERGED_WITHIN || *cause == caused_by(action)
                            })
                    });
                    match merged {
                        Some(change) => {
                            change.name = name.to_owned();
                            change.detail = detail;
                            change.activity_us = Some(event.at_us);
                        }
                        None => changes.push(FleetChange {
                            at_us: event.at_us,
                            resolution_us: event.resolution_us,
                            source: event.source,
                            name: name.to_owned(),
                            action: None,
                            detail,
                            activity_us: Some(event.at_us),
                        }),
                    }
                }
                EventKind::InstanceGone { instance, zone, expected: false } => changes.push(FleetChange {
                    at_us: event.at_us,
                    resolution_us: event.resolution_us,
                    source: event.source,
                    name: INSTANCE_GONE.to_owned(),
                    action: None,
                    detail: format!("{instance} in {zone}"),
                    activity_us: None,
                }),
                EventKind::ActionFailed { action, .. } => {
                    // What failed before it changed anything is not a change.
                    let failed = changes.iter().rposition(|c| c.action.as_deref() == Some(action));
                    if let Some(at) = failed.filter(|at| changes[*at].activity_us.is_none()) {
                        changes.remove(at);
                    }
                }
                _ => {}
            }
        }
        changes
    }
}

/// The cause of an activity that an action of the timeline began.
pub fn caused_by(action: &str) -> String {
    format!("{action} by the timeline")
}

/// Start of the load: its event, or the run's zero.
pub fn load_start(events: &[Event]) -> Offset {
    events.iter().find(|e| e.kind == EventKind::LoadStarted).map_or(Offset::ZERO, |e| e.at_us)
}
