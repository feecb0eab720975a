use super::DepartureFigures;
use crate::history::{Event, EventKind, NameId, Names, Observation, Offset, load_start};
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
    /// Of the outage of the zone that they were in.
    dark_zone: Option<String>,
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
        let outages = ZoneOutage::all(events);
        let mut list: Vec<Going> = Vec::new();
        for event in events.iter().filter(|event| event.at_us >= start) {
            let Some(instance) = event.kind.instance() else { continue };
            let (manner, zone) = match &event.kind {
                EventKind::InstanceDraining { zone, .. } => (DRAINED, zone),
                EventKind::InstanceFrozen { zone, .. } => (FROZEN, zone),
                EventKind::InstanceGone { expected: true, zone, .. } => (ENDED, zone),
                EventKind::InstanceGone { expected: false, zone, .. } => (DIED, zone),
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
            let outage = outages.iter().find(|outage| outage.took(zone, event.at_us));
            let dark_zone = outage.map(|outage| outage.zone.clone());
            let together = |going: &&mut Going| {
                let soon = event.at_us.since(going.at) <= Self::TOGETHER;
                going.manner == manner && going.dark_zone == dark_zone && (soon || dark_zone.is_some())
            };
            match list.iter_mut().rev().find(together) {
                Some(going) => {
                    going.instances.push(instance.to_owned());
                    going.until = going.until.max(event.at_us);
                }
                None => list.push(Going {
                    instances: vec![instance.to_owned()],
                    manner,
                    at: outage.map_or(event.at_us, |outage| outage.from),
                    until: event.at_us,
                    failed: 0,
                    dark_zone,
                }),
            }
        }
        Departures { list }
    }

    /// Counts a failed request with the latest departure that may explain it. One that another instance answered is
    /// not explained by it. Whether one was found.
    pub(super) fn take(&mut self, row: &Observation, names: &Names) -> bool {
        if !row.outcome.is_error() || self.list.is_empty() {
            return false;
        }
        let by = row.instance.map(|id: NameId| names.name(id));
        let explains = |going: &&mut Going| {
            let in_time = row.last_byte + Self::KNOWN_LATE >= going.at && row.started <= going.until + Self::AFTERMATH;
            in_time && by.as_ref().is_none_or(|by| going.instances.iter().any(|instance| **instance == **by))
        };
        self.list.iter_mut().rev().find(explains).map(|going| going.failed += 1).is_some()
    }

    pub(super) fn finish(self) -> Vec<DepartureFigures> {
        let figures = |going: Going| DepartureFigures {
            instances: going.instances,
            manner: going.manner.to_owned(),
            at_us: going.at,
            until_us: going.until,
            failed_requests: going.failed,
            dark_zone: going.dark_zone,
        };
        self.list.into_iter().map(figures).collect()
    }
}

/// An action that took all instances of a zone.
struct ZoneOutage {
    zone: String,
    from: Offset,
    to: Offset,
}

impl ZoneOutage {
    const ACTION: &str = "zone-outage";

    fn all(events: &[Event]) -> Vec<ZoneOutage> {
        let mut outages: Vec<ZoneOutage> = Vec::new();
        for event in events {
            match &event.kind {
                EventKind::ActionStarted { action, detail } if action == Self::ACTION => {
                    // As `Action::detail` tells it.
                    let zone = detail.split(':').next().unwrap_or_default().to_owned();
                    outages.push(ZoneOutage { zone, from: event.at_us, to: Offset(i64::MAX) });
                }
                EventKind::ActionCompleted { action, .. } if action == Self::ACTION => {
                    let under_way = outages.iter_mut().find(|outage| outage.to == Offset(i64::MAX));
                    under_way.into_iter().for_each(|outage| outage.to = event.at_us + Departures::TOGETHER);
                }
                EventKind::ActionFailed { action, .. } if action == Self::ACTION => {
                    let failed = outages.iter().rposition(|outage| outage.to == Offset(i64::MAX));
                    failed.into_iter().for_each(|at| drop(outages.remove(at)));
                }
                _ => {}
            }
        }
        outages
    }

    fn took(&self, zone: &str, at: Offset) -> bool {
        self.zone == zone && at >= self.from && at <= self.to
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
    use crate::history::{Failure, Outcome, StepId};

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
    #[test]
    fn what_a_zone_takes_with_it_is_told_together_and_apart_from_what_goes_beside_it() {
        let names = Names::default();
        let zone_b = |mut event: Event| {
            let EventKind::InstanceGone { zone, .. } = &mut event.kind else { panic!("{event:?}") };
            *zone = "b".to_owned();
            event
        };
        let outage = EventKind::ActionStarted { action: "zone-outage".into(), detail: "a: killed".into() };
        let done = EventKind::ActionCompleted { action: "zone-outage".into(), detail: String::new() };
        let events = [
            event(0.0, EventKind::LoadStarted),
            event(10.0, outage),
            told(gone, 10.1, "i-1"),
            told(gone, 11.6, "i-3"),
            zone_b(told(gone, 13.6, "i-2")),
            event(14.0, done),
            told(gone, 30.0, "i-5"),
        ];
        let mut departures = Departures::new(&events);
        let failed = |seconds: f64| row(1, StepId(0), seconds).failed(Failure::Reset);
        let by = |seconds: f64, instance: &str| {
            row(1, StepId(0), seconds).on(instance, &names).answered_with(Outcome::Unexpected, 503)
        };
        let rows = [failed(10.05), by(13.7, "i-2"), failed(12.0), failed(30.1), by(10.4, "i-4")];
        let explained = rows.map(|row| departures.take(&row, &names));
        assert_eq!(explained, [true, true, true, true, false], "i-4 stayed");
        let figures = departures.finish();
        let told: Vec<_> =
            figures.iter().map(|d| (d.instances.join(" "), d.dark_zone.as_deref(), d.failed_requests)).collect();
        let expected = [("i-1 i-3", Some("a"), 2), ("i-2", None, 1), ("i-5", None, 1)];
        assert_eq!(told, expected.map(|(instances, zone, failed)| (instances.to_owned(), zone, failed)));
    }
}
