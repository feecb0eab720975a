//! What the timeline does to an AWS fleet. Each action makes sure that it may, notes how things are, and changes them.

use super::call::{CallError, CallFailure};
use super::clients::{Clients, group};
use super::clock::now;
use super::fleet::Aws;
use super::members::Member;
use super::permission::permitted;
use super::reading::GroupReading;
use crate::fleet::{Fleet as _, FleetError};
use crate::plan::{Action, InstanceChoice};

/// A change of the desired capacity.
#[derive(Clone, Copy, Debug)]
enum Change {
    Up(u32),
    Down(u32),
    To(u32),
}

pub(super) fn refused(action: &Action, reason: impl Into<String>) -> FleetError {
    FleetError::Refused { action: action.name().to_owned(), reason: reason.into() }
}

impl Aws {
    pub(super) async fn carry_out(&self, action: &Action) -> Result<String, FleetError> {
        // A recovery takes back what the profile has allowed.
        let is_recovery = matches!(action, Action::ZoneRecovery { .. });
        if !is_recovery && !self.plan.allow.iter().any(|allowed| allowed == action.name()) {
            return Err(refused(action, "the profile does not allow it: see `allow` under [fleet.aws]"));
        }
        match action {
            Action::ScaleOut { by } => self.scale(action, Change::Up(*by)).await,
            Action::ScaleIn { by } => self.scale(action, Change::Down(*by)).await,
            Action::SetCapacity { to } => self.scale(action, Change::To(*to)).await,
            Action::KillInstance { which } | Action::StopInstance { which } => self.end(action, which).await,
            Action::RollingReplace { batch, pause, within, .. } => {
                self.rolling_replace(action, *batch, *pause, *within).await
            }
            Action::BlueGreen { steps, pause, within, .. } => self.blue_green(action, steps, *pause, *within).await,
            Action::StoreFailover { .. } => self.fail_over(action).await,
            Action::Snapshot => self.take_snapshot(action).await,
            Action::ZoneShift { zone, experiment } => self.take_zone(action, zone, experiment.as_deref()).await,
            Action::ZoneRecovery { zone } => self.give_zone_back(action, zone).await,
            _ => Err(FleetError::Unsupported { provider: self.provider(), action: action.name().to_owned() }),
        }
    }

    /// The group as it is now, if the action may change it.
    pub(super) async fn changeable(&self, action: &Action) -> Result<GroupReading, FleetError> {
        let name = &self.plan.auto_scaling_group;
        let groups = self.watch.clients.groups(std::slice::from_ref(name)).await?;
        let found = groups.into_iter().next().expect("a group that is not found is an error");
        permitted(action.name(), &group(name), &found.tags).map_err(|reason| refused(action, reason))?;
        Ok(found)
    }

    async fn scale(&self, action: &Action, change: Change) -> Result<String, FleetError> {
        let _alone = self.scaling.lock().await;
        let group = self.changeable(action).await?;
        let (from, to) = (group.desired, changed(&group, change).map_err(|reason| refused(action, reason))?);
        if from == to {
            return Ok(format!("{from} instances as before"));
        }
        self.journal.note(|undo| {
            undo.capacities.entry(group.name.clone()).or_insert(from);
        })?;
        let asked_at = now();
        self.watch.with(|known| {
            let activities = known.activities.entry(group.name.clone()).or_default();
            activities.note_own(action.name(), from, to, asked_at);
        });
        self.watch.clients.set_capacity(&group.name, to).await?;
        Ok(format!("{from} → {to} instances"))
    }

    /// The group drains what it ends, so it is the same whether an instance is to be killed or stopped.
    async fn end(&self, action: &Action, which: &InstanceChoice) -> Result<String, FleetError> {
        let group = self.changeable(action).await?;
        let members: Vec<Member> =
            self.watch.in_order_of_launch().into_iter().filter(|member| member.group == group.name).collect();
        let chosen = which.of(members.iter().map(|member| (member.id.as_str(), member.zone.as_str())));
        if chosen.is_empty() {
            let ids: Vec<&str> = members.iter().map(|member| member.id.as_str()).collect();
            return Err(refused(action, format!("{which} is not there; there are {}", ids.join(", "))));
        }
        for id in &chosen {
            self.watch.clients.terminate(id).await?;
        }
        Ok(chosen.join(", "))
    }
}

impl Clients {
    pub(super) async fn set_capacity(&self, name: &str, desired: u32) -> Result<(), CallError> {
        let call = self.call("SetDesiredCapacity", group(name));
        let desired = i32::try_from(desired).map_err(|_| call.error(CallFailure::Refused, "that is too many"))?;
        let asked = self.autoscaling.set_desired_capacity().auto_scaling_group_name(name).desired_capacity(desired);
        // The time after a scaling in which a policy holds still is none of ours.
        asked.honor_cooldown(false).send().await.map(drop).map_err(|error| call.failed(error))
    }

    /// The group launches another in its place.
    async fn terminate(&self, instance: &str) -> Result<(), CallError> {
        let call = self.call("TerminateInstanceInAutoScalingGroup", format!("the instance `{instance}`"));
        let asked = self.autoscaling.terminate_instance_in_auto_scaling_group().instance_id(instance);
        let sent = asked.should_decrement_desired_capacity(false).send().await;
        sent.map(drop).map_err(|error| call.failed(error))
    }
}

/// The desired capacity after a change, or why it is refused.
fn changed(group: &GroupReading, change: Change) -> Result<u32, String> {
    let to = match change {
        Change::Up(by) => i64::from(group.desired) + i64::from(by),
        Change::Down(by) => i64::from(group.desired) - i64::from(by),
        Change::To(to) => i64::from(to),
    };
    match u32::try_from(to) {
        Ok(to) if (group.min..=group.max).contains(&to) => Ok(to),
        _ => Err(format!(
            "that would make {to} instances, and the group `{}` allows {} to {}; change its MinSize or MaxSize, or the \
             action",
            group.name, group.min, group.max
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn group_of(min: u32, desired: u32, max: u32) -> GroupReading {
        GroupReading {
            name: "web".to_owned(),
            arn: String::new(),
            min,
            max,
            desired,
            instances: Vec::new(),
            target_groups: Vec::new(),
            tags: Vec::new(),
        }
    }

    proptest! {
        #[test]
        fn capacity_stays_within_the_groups_bounds(min in 0_u32..9, span in 0_u32..9, at in 0_u32..9, by: u32) {
            let group = group_of(min, min + at.min(span), min + span);
            for change in [Change::Up(by % 20), Change::Down(by % 20), Change::To(by % 20), Change::Up(by), Change::To(by)] {
                match changed(&group, change) {
                    Ok(to) => prop_assert!((group.min..=group.max).contains(&to)),
                    Err(reason) => {
                        let bounds = format!("allows {} to {}", group.min, group.max);
                        prop_assert!(reason.contains(&bounds), "{}", reason);
                    }
                }
            }
        }
    }
}
