use super::placement::{first_to_go, zone_for_next};
use crate::history::{EventKind, EventSource, FleetGauges, Notice};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The name of the instance that is launched first.
pub(super) const FIRST_INSTANCE: &str = "i-1";

/// Who is in the lab's fleet now. Shared by the tasks that change and watch it; nothing here is on a hot path.
#[derive(Clone, Debug)]
pub(super) struct Members {
    table: Arc<Mutex<Table>>,
}

#[derive(Debug, Default)]
struct Table {
    desired: u32,
    launched: u32,
    members: BTreeMap<u32, Member>,
    queued: u32,
    requests_per_target: Option<f64>,
}

#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) zone: String,
    /// In the fleet from the start: it did not come cold.
    pub(super) founding: bool,
    pid: Option<u32>,
    address: Option<String>,
    stage: Stage,
    healthy: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Booting,
    InService { since: Instant },
    Draining,
}

/// An instance by its place in the order of launches, from 1.
pub(super) type Number = u32;

impl Members {
    pub(super) fn new() -> Members {
        Members { table: Arc::default() }
    }

    fn with<T>(&self, look: impl FnOnce(&mut Table) -> T) -> T {
        look(&mut self.table.lock().expect("no holder of this lock panics"))
    }

    pub(super) fn desired(&self) -> u32 {
        self.with(|table| table.desired)
    }

    pub(super) fn set_desired(&self, desired: u32) {
        self.with(|table| table.desired = desired);
    }

    /// Makes a member, if there are fewer than desired.
    pub(super) fn next_to_launch(&self, zones: &[String], founding: bool) -> Option<(Number, Member)> {
        self.with(|table| {
            if table.staying().count() >= table.desired as usize {
                return None;
            }
            let zone = zone_for_next(zones, table.staying().map(|(_, member)| member.zone.as_str())).to_owned();
            table.launched += 1;
            let number = table.launched;
            let member = Member {
                name: format!("i-{number}"),
                zone,
                founding,
                pid: None,
                address: None,
                stage: Stage::Booting,
                healthy: false,
            };
            table.members.insert(number, member.clone());
            Some((number, member))
        })
    }

    /// Marks a member as draining, if there are more than desired.
    pub(super) fn next_to_drain(&self) -> Option<Number> {
        self.with(|table| {
            if table.staying().count() <= table.desired as usize {
                return None;
            }
            let number = first_to_go(table.staying().map(|(number, member)| (number, member.zone.as_str())))?;
            table.members.get_mut(&number)?.stage = Stage::Draining;
            Some(number)
        })
    }

    pub(super) fn launched_as(&self, number: Number, pid: Option<u32>) {
        self.with(|table| {
            if let Some(member) = table.members.get_mut(&number) {
                member.pid = pid;
            }
        });
    }

    pub(super) fn listens_on(&self, number: Number, address: String) {
        self.with(|table| {
            if let Some(member) = table.members.get_mut(&number) {
                member.address = Some(address);
            }
        });
    }

    /// Names and addresses of those that listen and are to stay.
    pub(super) fn addresses(&self) -> Vec<(String, String)> {
        self.with(|table| table.staying().filter_map(|(_, m)| Some((m.name.clone(), m.address.clone()?))).collect())
    }

    pub(super) fn in_service(&self, number: Number) {
        self.with(|table| {
            if let Some(member) = table.members.get_mut(&number).filter(|member| member.stage == Stage::Booting) {
                member.stage = Stage::InService { since: Instant::now() };
            }
        });
    }

    pub(super) fn remove(&self, number: Number) -> Option<Member> {
        self.with(|table| table.members.remove(&number))
    }

    /// Notes what the balancer says of an instance; what changed by that, as an event.
    pub(super) fn note_health(&self, name: &str, healthy: bool) -> Option<EventKind> {
        self.with(|table| {
            let member = table.members.values_mut().find(|member| member.name == name)?;
            if member.healthy == healthy {
                return None;
            }
            member.healthy = healthy;
            let (instance, zone) = (member.name.clone(), member.zone.clone());
            match (healthy, member.stage) {
                (true, _) => Some(EventKind::InstanceHealthy { instance, zone }),
                // It fails its health check because it was told to go: nothing is wrong with it.
                (false, Stage::Draining) => None,
                (false, _) => Some(EventKind::InstanceUnhealthy { instance, zone }),
            }
        })
    }

    pub(super) fn note_queue(&self, queued: u32) {
        self.with(|table| table.queued = queued);
    }

    pub(super) fn note_metric(&self, requests_per_target: Option<f64>) {
        self.with(|table| table.requests_per_target = requests_per_target);
    }

    /// Names of the healthy instances that have been in service for `warm_up`, or always.
    pub(super) fn warm(&self, warm_up: Duration) -> Vec<String> {
        self.with(|table| {
            let warm = |member: &&Member| match member.stage {
                Stage::InService { since } => member.healthy && (member.founding || since.elapsed() >= warm_up),
                Stage::Booting | Stage::Draining => false,
            };
            table.members.values().filter(warm).map(|member| member.name.clone()).collect()
        })
    }

    /// Names of those that are not healthy yet.
    pub(super) fn waiting(&self) -> Vec<String> {
        self.with(|table| {
            table.members.values().filter(|member| !member.healthy).map(|member| member.name.clone()).collect()
        })
    }

    /// Name and process number of those that have been launched.
    pub(super) fn processes(&self) -> Vec<(String, u32)> {
        self.with(|table| table.members.values().filter_map(|m| Some((m.name.clone(), m.pid?))).collect())
    }

    pub(super) fn gauges(&self) -> FleetGauges {
        self.with(|table| FleetGauges {
            desired: table.desired,
            launched: table.members.len() as u32,
            healthy: table.members.values().filter(|m| m.healthy && m.stage != Stage::Draining).count() as u32,
            requests_per_target: table.requests_per_target,
            balancer_queue: table.queued,
        })
    }
}

impl Table {
    fn staying(&self) -> impl Iterator<Item = (Number, &Member)> {
        self.members.iter().filter(|(_, member)| member.stage != Stage::Draining).map(|(number, m)| (*number, m))
    }
}

/// What the provider of instances says of one of them.
pub(super) fn provider_says(kind: EventKind, resolution: Duration) -> Notice {
    Notice { resolution, ..Notice::now(EventSource::Provider, kind) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zones() -> Vec<String> {
        vec!["zone-a".to_owned(), "zone-b".to_owned()]
    }

    fn fleet_of(count: u32) -> Members {
        let members = Members::new();
        members.set_desired(count);
        while members.next_to_launch(&zones(), false).is_some() {}
        members
    }

    #[test]
    fn launches_up_to_desired_and_drains_down_to_it() {
        let members = fleet_of(3);
        assert_eq!(members.waiting(), ["i-1", "i-2", "i-3"]);
        members.set_desired(2);
        // i-3 is the newest of zone-a, which has two.
        assert_eq!((members.next_to_drain(), members.next_to_drain()), (Some(3), None));
        // A draining one is not in the way of a new one.
        members.set_desired(3);
        let (number, member) = members.next_to_launch(&zones(), false).unwrap();
        assert_eq!((number, member.zone.as_str()), (4, "zone-a"));
    }

    #[test]
    fn health_is_news_once_and_no_news_of_a_draining_one() {
        let members = fleet_of(1);
        assert!(matches!(members.note_health("i-1", true), Some(EventKind::InstanceHealthy { .. })));
        assert_eq!(members.note_health("i-1", true), None);
        assert!(matches!(members.note_health("i-1", false), Some(EventKind::InstanceUnhealthy { .. })));
        members.note_health("i-1", true);
        members.set_desired(0);
        members.next_to_drain();
        assert_eq!(members.note_health("i-1", false), None);
        assert_eq!(members.note_health("i-7", true), None);
    }

    #[test]
    fn warm_are_the_healthy_in_service_for_long_enough() {
        let members = fleet_of(2);
        members.in_service(1);
        members.in_service(2);
        members.note_health("i-1", true);
        assert_eq!(members.warm(Duration::ZERO), ["i-1"]);
        assert_eq!(members.warm(Duration::from_secs(3600)), Vec::<String>::new());
    }
}
