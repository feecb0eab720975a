//! How live figures and events read. What comes from responses is made harmless to a terminal.

use crate::history::{Event, EventKind, EventSource};
use crate::report::printable;
use std::time::Duration;

pub fn clock(seconds: f64) -> String {
    let sign = if seconds < 0.0 { "-" } else { "" };
    let whole = seconds.abs() as u64;
    format!("{sign}{:02}:{:02}", whole / 60, whole % 60)
}

pub fn milliseconds(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1e3;
    if ms < 10.0 { format!("{ms:.1} ms") } else { format!("{ms:.0} ms") }
}

fn bracketed(detail: &str) -> String {
    if detail.is_empty() { String::new() } else { format!(" ({})", printable(detail)) }
}

/// An event as a short sentence; None for those that only the record needs.
pub fn event(event: &Event) -> Option<String> {
    let text = match &event.kind {
        EventKind::LoadStarted => "load begins".to_owned(),
        EventKind::LoadEnded => "load ends".to_owned(),
        EventKind::Interrupted => "interrupted: ending cleanly (again to end at once)".to_owned(),
        EventKind::ActionStarted { action, detail } => format!("timeline: {}{}", printable(action), bracketed(detail)),
        EventKind::ActionCompleted { action, detail } => {
            format!("timeline: {} is done{}", printable(action), bracketed(detail))
        }
        EventKind::ActionFailed { action, error } => {
            format!("timeline: {} failed: {}", printable(action), printable(error))
        }
        EventKind::AlarmRaised { metric, target } => {
            format!("alarm: {metric:.1}, above the target of {target:.1}")
        }
        EventKind::AlarmCleared { metric, target } => {
            format!("alarm over: {metric:.1}, the target is {target:.1}")
        }
        EventKind::ActivityStarted { from, to, cause } => format!("scaling from {from} to {to} ({})", printable(cause)),
        EventKind::InstanceLaunched { instance, zone } => {
            format!("{} launched in zone {}", printable(instance), printable(zone))
        }
        EventKind::InstanceInService { instance, .. } => format!("{} in service", printable(instance)),
        EventKind::InstanceHealthy { instance, .. } => format!("{} healthy at the balancer", printable(instance)),
        EventKind::InstanceUnhealthy { instance, .. } => format!("{} unhealthy at the balancer", printable(instance)),
        EventKind::InstanceDraining { instance, .. } => format!("{} draining", printable(instance)),
        EventKind::InstanceFrozen { instance, .. } => format!("{} hangs", printable(instance)),
        EventKind::InstanceGone { instance, expected: true, .. } => format!("{} ended", printable(instance)),
        EventKind::InstanceGone { instance, expected: false, .. } => format!("{} died", printable(instance)),
        EventKind::StoreRoleChanged { node, role, .. } => format!("{} is {} now", printable(node), role.name()),
        EventKind::StoreWritesStopped => "the store acknowledges no writes".to_owned(),
        EventKind::StoreWritesResumed { gap_us } => {
            format!("the store acknowledges writes again, after {:.2} s", *gap_us as f64 / 1e6)
        }
        EventKind::StoreWritesLost { lost, .. } => format!("{lost} of the probe's acknowledged writes lost"),
        EventKind::StoreSnapshotTaken { node } => format!("{} took a snapshot", printable(node)),
        EventKind::StoreRestored { .. } => "the store has what was in the snapshot".to_owned(),
        EventKind::StoreRestarted { kept: true, .. } => "the store was restarted".to_owned(),
        EventKind::StoreRestarted { kept: false, .. } => "the store was restarted and is empty".to_owned(),
        EventKind::StoreMemoryLimited { policy, limit_bytes } => {
            format!("the store has {:.1} MB, {}", *limit_bytes as f64 / 1e6, printable(policy))
        }
        EventKind::Trouble { what } => format!("trouble: {}", printable(what)),
        EventKind::AddressResolved { .. } | EventKind::ActivityProgressed { .. } => return None,
    };
    // What happened in the set-up was said then.
    let set_up = event.at_us.0 < 0 && event.source != EventSource::Run;
    (!set_up).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::fixture::event as at;

    #[test]
    fn names_neither_steer_the_terminal_nor_mislead_about_their_direction() {
        for (name, told) in [
            ("i-1", "trouble: i-1"),
            ("a\u{1b}[2J\rb", "trouble: a\\u{1b}[2J\\rb"),
            ("a\u{202e}b\u{2066}", "trouble: a\\u{202e}b\\u{2066}"),
            ("a\u{200b}b\u{feff}", "trouble: a\\u{200b}b\\u{feff}"),
        ] {
            let trouble = at(1.0, EventKind::Trouble { what: name.to_owned() });
            assert_eq!(event(&trouble).as_deref(), Some(told));
        }
    }
}
