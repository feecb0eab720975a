use super::DepartureFigures;
use crate::history::{Event, EventKind, NameId, Names, Observation, Offset, Outcome, load_start};
use std::time::Duration;

/// Counts what failed in the seconds around the going of instances. They are known before the first row is.
#[derive(Debug)]
pub(super) struct Departures {
    list: Vec<Going>,
}

#[derive(Debug)]
struct Going {
    instances: Vec<String>,
    manner: &'static str,
    at: Offset,
    until: Offset,
    failed: u64,
}

const DRAINED: &str = "drained";
const FROZEN: &str = "frozen";
const ENDED: &str = "ended";
const DIED: &str = "died";

impl Departures {
    /// A request that was under way when an instance went, or was sent this soon after, may have failed by it.
    const AFTERMATH: Duration = Duration::from_secs(3);
    /// An end is known a little later than it is felt.
    const KNOWN_LATE: Duration = Duration::from_millis(250);
    /// Instances that went within this time went together: nothing tells whose requests failed.
    const TOGETHER: Duration = Duration::from_secs(1);

    pub(super) fn new(events: &[Event]) -> Departures {
        let start = load_start(events);
        let mut list: Vec<Going> = Vec::new();
        for event in events.iter().filter(|event| event.at_us >= start) {
            let Some(instance) = event.kind.instance() else { continue };
            let manner = match &event.kind {
                EventKind::InstanceDraining { .. } => DRAINED,
                EventKind::InstanceFrozen { .. } => FROZEN,
                EventKind::InstanceGone { expected: true, .. } => ENDED,
                EventKind::InstanceGone { expected: false, .. } => DIED,
                // The balancer sends nothing to it from here on.
                EventKind::InstanceUnhealthy { .. } => {
                    extend(&mut list, instance, event.at_us);
                    continue;
                }
                _ => continue,
            };
            if extend(&mut list, instance, event.at_us) {
                continue;
            }
            let together = |going: &&mut Going| going.manner == manner && event.at_us.since(going.at) <= Self::TOGETHER;
            match list.last_mut().filter(together) {
                Some(going) => going.instances.push(instance.to_owned()),
                None => list.push(Going {
                    instances: vec![instance.to_owned()],
                    manner,
                    at: event.at_us,
                    until: event.at_us,
                    failed: 0,
                }),
            }
        }
        Departures { list }
    }

    /// Counts a failed request with the latest departure that may explain it. One that another instance answered is
    /// not explained by it.
    pub(super) fn take(&mut self, row: &Observation, names: &Names) {
        if row.outcome == Outcome::Ok || self.list.is_empty() {
            return;
        }
        let by = row.instance.map(|id: NameId| names.name(id));
        let explains = |going: &&mut Going| {
            let in_time = row.last_byte + Self::KNOWN_LATE >= going.at && row.started <= going.until + Self::AFTERMATH;
            in_time && by.as_ref().is_none_or(|by| going.instances.iter().any(|instance| **instance == **by))
        };
        if let Some(going) = self.list.iter_mut().rev().find(explains) {
            going.failed += 1;
        }
    }

    pub(super) fn finish(self) -> Vec<DepartureFigures> {
        let figures = |going: Going| DepartureFigures {
            instances: going.instances,
            manner: going.manner.to_owned(),
            at_us: going.at,
            until_us: going.until,
            failed_requests: going.failed,
        };
        self.list.into_iter().map(figures).collect()
    }
}

/// Whether the instance was going already.
fn extend(list: &mut [Going], instance: &str, to: Offset) -> bool {
    let going = list.iter_mut().find(|going| going.instances.iter().any(|name| name == instance));
    going.map(|going| going.until = going.until.max(to)).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::fixture::{event, row};
    use crate::history::{Failure, StepId};

    fn told(kind: fn(String, String) -> EventKind, seconds: f64, instance: &str) -> Event {
        event(seconds, kind(instance.to_owned(), "a".to_owned()))
    }

    fn gone(instance: String, zone: String) -> EventKind {
        EventKind::InstanceGone { instance, zone, expected: true }
    }

    fn draining(instance: String, zone: String) -> EventKind {
        EventKind::InstanceDraining { instance, zone }
    }

    fn unhealthy(instance: String, zone: String) -> EventKind {
        EventKind::InstanceUnhealthy { instance, zone }
    }

    #[test]
    fn failures_are_told_with_the_instance_that_went() {
        let names = Names::default();
        let events = [
            event(0.0, EventKind::LoadStarted),
            told(gone, 10.0, "i-1"),
            told(gone, 10.2, "i-3"),
            told(unhealthy, 11.0, "i-1"),
            told(draining, 20.0, "i-2"),
            told(gone, 25.0, "i-2"),
        ];
        let failed = |seconds: f64| row(1, StepId(0), seconds).failed(Failure::Reset);
        let mut departures = Departures::new(&events);
        for row in [
            failed(9.0),                                // over before it
            failed(9.9).taking(Duration::from_secs(1)), // under way then
            failed(13.9),                               // soon after it was missed
            failed(14.1),                               // too late
            failed(12.0).on("i-2", &names),             // another instance answered
            row(1, StepId(0), 10.5),                    // as expected
            failed(27.0),                               // after the drained one ended
        ] {
            departures.take(&row, &names);
        }
        let figures = departures.finish();
        let told: Vec<_> = figures.iter().map(|d| (d.instances.join(" "), &*d.manner, d.failed_requests)).collect();
        assert_eq!(told, [("i-1 i-3".to_owned(), "ended", 2), ("i-2".to_owned(), "drained", 1)]);
    }
}
