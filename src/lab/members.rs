use super::balancer::FULL_WEIGHT;
use super::placement::{first_to_go, instance_name, surplus, zone_for_next};
use crate::history::{EventKind, EventSource, FleetGauges, Notice};
use std::collections::{BTreeMap, BTreeSet};
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
    /// Wanted beside the desired ones, while others are replaced.
    surge: u32,
    /// Zones in which nothing can be launched.
    dark: BTreeSet<String>,
    /// What the balancer is to give a new instance, where that is not its full share.
    weight_of_new: Option<u32>,
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
    /// Its share of the traffic, as the balancer is to have it.
    pub(super) weight: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Booting,
    InService {
        since: Instant,
    },
    /// It is on its way out, and another is launched in its place only if the group wants as many as before.
    Leaving,
    /// It was killed or hangs. Nobody but the balancer's health checks knows yet, so nobody replaces it yet.
    Lost,
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
            if table.staying().count() >= table.wanted() {
                return None;
            }
            let lit = zones.iter().filter(|zone| !table.dark.contains(*zone));
            let zone = zone_for_next(lit, table.staying().map(|(_, member)| member.zone.as_str()))?.to_owned();
            table.launched += 1;
            let number = table.launched;
            let member = Member {
                name: instance_name(number),
                zone,
                founding,
                pid: None,
                address: None,
                stage: Stage::Booting,
                healthy: false,
                weight: table.weight_of_new.unwrap_or(FULL_WEIGHT),
            };
            table.members.insert(number, member.clone());
            Some((number, member))
        })
    }

    /// Marks a member as leaving, if there are more than wanted.
    pub(super) fn next_to_drain(&self) -> Option<Number> {
        self.with(|table| {
            if table.staying().count() <= table.wanted() {
                return None;
            }
            let number = first_to_go(table.staying().map(|(number, member)| (number, member.zone.as_str())))?;
            table.members.get_mut(&number)?.stage = Stage::Leaving;
            Some(number)
        })
    }

    pub(super) fn set_surge(&self, surge: u32) {
        self.with(|table| table.surge = surge);
    }

    /// The surge has come to take the place of these. At once: in between, the group would launch or drain others.
    pub(super) fn hand_over(&self, old: &[Number]) {
        self.with(|table| {
            for (_, member) in table.members.iter_mut().filter(|(number, _)| old.contains(number)) {
                member.stage = Stage::Leaving;
            }
            table.surge = 0;
        });
    }

    pub(super) fn set_stage(&self, number: Number, stage: Stage) {
        self.with(|table| {
            if let Some(member) = table.members.get_mut(&number) {
                member.stage = stage;
            }
        });
    }

    /// Whether it was dark before.
    pub(super) fn darken(&self, zone: &str) -> bool {
        self.with(|table| !table.dark.insert(zone.to_owned()))
    }

    /// Whether it was dark before.
    pub(super) fn lighten(&self, zone: &str) -> bool {
        self.with(|table| table.dark.remove(zone))
    }

    /// The members that are to stay and are not lost, in order of launch.
    pub(super) fn present(&self) -> Vec<(Number, Member)> {
        self.with(|table| {
            let present = table.staying().filter(|(_, member)| member.stage != Stage::Lost);
            present.map(|(number, member)| (number, member.clone())).collect()
        })
    }

    /// Those that would have to go for the zones to be even again.
    pub(super) fn surplus(&self, zones: &[String]) -> Vec<Number> {
        self.with(|table| {
            let lit: Vec<&str> = zones.iter().map(String::as_str).filter(|zone| !table.dark.contains(*zone)).collect();
            surplus(&lit, table.staying().map(|(number, member)| (number, member.zone.as_str())))
        })
    }

    /// Whether as many as wanted are there, all of them healthy.
    pub(super) fn whole(&self) -> bool {
        self.with(|table| {
            table.staying().count() == table.wanted()
                && table.staying().all(|(_, member)| member.healthy && member.stage != Stage::Lost)
        })
    }

    /// Whether any of these is still there.
    pub(super) fn any_left(&self, numbers: &[Number]) -> bool {
        self.with(|table| numbers.iter().any(|number| table.members.contains_key(number)))
    }

    /// Whether the process of any of these still runs.
    pub(super) fn any_runs(&self, numbers: &[Number]) -> bool {
        let runs =
            |table: &Table, number| table.members.get(number).is_some_and(|member: &Member| member.pid.is_some());
        self.with(|table| numbers.iter().any(|number| runs(table, number)))
    }

    pub(super) fn is_healthy(&self, number: Number) -> bool {
        self.with(|table| table.members.get(&number).is_some_and(|member| member.healthy))
    }

    /// What new members are to get from the balancer from here on; None: their full share.
    pub(super) fn set_weight_of_new(&self, weight: Option<u32>) {
        self.with(|table| table.weight_of_new = weight);
    }

    /// Notes the weight of a member, so that it keeps it when the balancer is started again.
    pub(super) fn note_weight(&self, number: Number, weight: u32) {
        self.with(|table| {
            if let Some(member) = table.members.get_mut(&number) {
                member.weight = weight;
            }
        });
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

    /// Names, addresses and weights of those that listen and are to stay.
    pub(super) fn addresses(&self) -> Vec<(String, String, u32)> {
        let listening = |member: &Member| Some((member.name.clone(), member.address.clone()?, member.weight));
        self.with(|table| table.staying().filter_map(|(_, member)| listening(member)).collect())
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
                (false, Stage::Leaving) => None,
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
                Stage::Booting | Stage::Leaving | Stage::Lost => false,
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
            healthy: table.members.values().filter(|m| m.healthy && m.stage != Stage::Leaving).count() as u32,
            requests_per_target: table.requests_per_target,
            balancer_queue: table.queued,
        })
    }
}

impl Table {
    fn wanted(&self) -> usize {
        (self.desired + self.surge) as usize
    }

    fn staying(&self) -> impl Iterator<Item = (Number, &Member)> {
        self.members.iter().filter(|(_, member)| member.stage != Stage::Leaving).map(|(number, m)| (*number, m))
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
    fn a_dark_zone_gets_nothing_and_is_evened_out_later() {
        let members = fleet_of(4);
        assert!(!members.darken("zone-b"));
        for number in [2, 4] {
            members.set_stage(number, Stage::Lost);
        }
        // Until the balancer has noticed, nobody is missing.
        assert!(members.next_to_launch(&zones(), false).is_none());
        assert_eq!(members.present().iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1, 3]);
        members.remove(2);
        members.remove(4);
        let launched: Vec<String> =
            std::iter::from_fn(|| members.next_to_launch(&zones(), false)).map(|(_, member)| member.zone).collect();
        assert_eq!(launched, ["zone-a", "zone-a"]);
        assert_eq!(members.surplus(&zones()), Vec::<Number>::new());
        assert!(members.lighten("zone-b"));
        assert_eq!(members.surplus(&zones()), [5, 6]);
        members.darken("zone-a");
        members.darken("zone-b");
        members.set_desired(9);
        assert!(members.next_to_launch(&zones(), false).is_none());
    }

    #[test]
    fn a_surge_is_wanted_beside_the_desired_and_then_too_much() {
        let members = fleet_of(2);
        members.set_surge(2);
        assert!(!members.whole());
        while members.next_to_launch(&zones(), false).is_some() {}
        (1..=4).for_each(|number| drop(members.note_health(&format!("i-{number}"), true)));
        assert!(members.whole());
        members.set_surge(0);
        assert_eq!((members.next_to_drain(), members.next_to_drain()), (Some(4), Some(3)));
        assert_eq!(members.next_to_drain(), None);
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
