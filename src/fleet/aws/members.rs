use super::reading::{GroupReading, InstanceReading, TargetReading};
use crate::history::{EventKind, EventSource, FleetGauges, Notice};
use std::collections::BTreeMap;
use std::time::Instant;

/// Who is in the fleet, by what the Auto Scaling groups and the balancer said last. What changed from one reading to the
/// next did so at some time between them: that is how exact it is.
#[derive(Debug, Default)]
pub(super) struct Members {
    list: Vec<Member>,
    /// Sum over the groups.
    desired: Option<u32>,
    groups_read: Option<Instant>,
    targets_read: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Member {
    pub id: String,
    pub zone: String,
    pub group: String,
    /// None: it was there from the start.
    pub first_seen: Option<Instant>,
    well: bool,
    in_service: bool,
    pub leaving: bool,
    healthy: bool,
    /// The last time at which it was looked at, or was known not to be there.
    health_looked_at: Instant,
    /// Why the balancer does not send to it, once that was told.
    told_reason: Option<String>,
}

impl Member {
    fn event(&self, event: fn(String, String) -> EventKind) -> EventKind {
        event(self.id.clone(), self.zone.clone())
    }
}

fn launched(instance: String, zone: String) -> EventKind {
    EventKind::InstanceLaunched { instance, zone }
}

fn in_service(instance: String, zone: String) -> EventKind {
    EventKind::InstanceInService { instance, zone }
}

fn healthy(instance: String, zone: String) -> EventKind {
    EventKind::InstanceHealthy { instance, zone }
}

fn unhealthy(instance: String, zone: String) -> EventKind {
    EventKind::InstanceUnhealthy { instance, zone }
}

fn draining(instance: String, zone: String) -> EventKind {
    EventKind::InstanceDraining { instance, zone }
}

impl Members {
    /// Takes in what the groups say at `now`.
    pub fn note_groups(&mut self, groups: &[GroupReading], now: Instant) -> Vec<Notice> {
        let first_seen = self.groups_read.is_some().then_some(now);
        let before = self.groups_read.replace(now).unwrap_or(now);
        self.desired = Some(groups.iter().map(|group| group.desired).sum());
        let mut kinds = Vec::new();
        let instances = |group: &GroupReading| {
            let counted = group.instances.iter().filter(|instance| instance.is_in_the_fleet() && !instance.is_gone());
            counted.cloned().collect::<Vec<_>>()
        };
        let mut there: BTreeMap<String, (String, InstanceReading)> = BTreeMap::new();
        for group in groups {
            there.extend(instances(group).into_iter().map(|i| (i.id.clone(), (group.name.clone(), i))));
        }
        self.list.retain(|member| {
            let stays = there.contains_key(&member.id);
            if !stays {
                let (instance, zone) = (member.id.clone(), member.zone.clone());
                kinds.push(EventKind::InstanceGone { instance, zone, expected: member.well });
            }
            stays
        });
        for (_, (group, instance)) in there {
            kinds.extend(self.note_instance(&group, &instance, first_seen, before));
        }
        let resolution = now.saturating_duration_since(before);
        kinds.into_iter().map(|kind| Notice { at: now, source: EventSource::Provider, resolution, kind }).collect()
    }

    fn note_instance(
        &mut self,
        group: &str,
        instance: &InstanceReading,
        first_seen: Option<Instant>,
        before: Instant,
    ) -> Vec<EventKind> {
        let mut kinds = Vec::new();
        let known = self.list.iter().position(|member| member.id == instance.id);
        let index = known.unwrap_or_else(|| {
            self.list.push(Member {
                id: instance.id.clone(),
                zone: instance.zone.clone(),
                group: group.to_owned(),
                first_seen,
                well: true,
                in_service: false,
                leaving: false,
                healthy: false,
                health_looked_at: before,
                told_reason: None,
            });
            self.list.len() - 1
        });
        let member = &mut self.list[index];
        if known.is_none() {
            kinds.push(member.event(launched));
        }
        member.well = instance.well;
        if instance.lifecycle == "InService" && !member.in_service {
            member.in_service = true;
            kinds.push(member.event(in_service));
        }
        kinds.extend(member.note_leaving(instance.is_leaving()));
        kinds
    }

    /// Takes in what the balancer says at `now` of the targets of all target groups.
    pub fn note_targets(&mut self, targets: &[TargetReading], now: Instant) -> Vec<Notice> {
        self.targets_read = true;
        let mut notices = Vec::new();
        for member in &mut self.list {
            let before = std::mem::replace(&mut member.health_looked_at, now);
            let resolution = now.saturating_duration_since(before);
            let target = targets.iter().find(|target| target.id == member.id);
            let told = |kind| Notice { at: now, source: EventSource::Balancer, resolution, kind };
            notices.extend(member.note_health(target).into_iter().map(told));
        }
        notices
    }

    /// Those that are to stay.
    pub fn staying(&self) -> Vec<Member> {
        self.list.iter().filter(|member| !member.leaving).cloned().collect()
    }

    /// How many of a group's members the balancer takes to be healthy.
    pub fn healthy_of(&self, group: &str) -> usize {
        self.list.iter().filter(|member| member.group == group && member.healthy && !member.leaving).count()
    }

    /// None until everything that they tell was read once.
    pub fn gauges(&self) -> Option<FleetGauges> {
        Some(FleetGauges {
            desired: self.desired.filter(|_| self.targets_read)?,
            launched: self.list.len() as u32,
            healthy: self.list.iter().filter(|member| member.healthy && !member.leaving).count() as u32,
            requests_per_target: None,
            balancer_queue: 0,
        })
    }
}

impl Member {
    /// It goes, by what the group or the balancer says: whoever says so first is told.
    fn note_leaving(&mut self, leaving: bool) -> Option<EventKind> {
        let news = leaving && !self.leaving;
        // What comes back from standby is no longer leaving; its health is told anew.
        self.leaving = leaving;
        news.then(|| self.event(draining))
    }

    fn note_health(&mut self, target: Option<&TargetReading>) -> Vec<EventKind> {
        let now_healthy = target.is_some_and(TargetReading::is_healthy);
        let mut kinds = Vec::new();
        if target.is_some_and(TargetReading::is_draining) && !self.leaving {
            self.leaving = true;
            kinds.push(self.event(draining));
        }
        match (self.healthy, now_healthy) {
            (false, true) => {
                self.told_reason = None;
                kinds.push(self.event(healthy));
            }
            // One that was told to go fails its checks in the end: nothing is wrong with it.
            (true, false) if !self.leaving => kinds.push(self.event(unhealthy)),
            _ => {}
        }
        self.healthy = now_healthy;
        kinds.extend(self.note_reason(target));
        kinds
    }

    /// Why the balancer does not send to an instance, each time it gives another reason.
    fn note_reason(&mut self, target: Option<&TargetReading>) -> Option<EventKind> {
        let target = target.filter(|target| !self.leaving && !target.is_healthy() && target.state != "initial")?;
        let reason = target.reason.as_ref().filter(|reason| self.told_reason.as_ref() != Some(*reason))?;
        self.told_reason = Some(reason.clone());
        let what = format!("{} is {} at the balancer: {reason}", self.id, target.state);
        Some(EventKind::Trouble { what })
    }
}
