//! `blue-green`: traffic shifted from one target group of a listener to another, step by step.

use super::act::refused;
use super::clients::Clients;
use super::fleet::Aws;
use super::permission::permitted;
use super::reading::{ListenerReading, Weight};
use crate::fleet::FleetError;
use crate::plan::{Action, GreenPlan};
use std::time::Duration;
use tokio::time::{sleep, timeout};

const LOOK_EVERY: Duration = Duration::from_secs(2);
/// What the weights of both sets add up to: shares to the percent.
const WHOLE: i32 = 100;

impl Aws {
    /// Gives the second set its share of the traffic, step by step. The first set stays as it is, and gets its traffic
    /// back when a step fails, or the run ends.
    pub(super) async fn blue_green(
        &self,
        action: &Action,
        steps: &[f64],
        pause: Duration,
        within: Duration,
    ) -> Result<String, FleetError> {
        let (green, shift) = self.shiftable(action).await?;
        let mut was_as_before_the_run = false;
        self.journal.note(|undo| {
            was_as_before_the_run = undo.listener.is_none();
            undo.listener.get_or_insert_with(|| shift.listener.clone());
        })?;
        let shifted = async {
            // A target group that a listener knows is checked for health, also without traffic.
            shift.to(0.0).await?;
            self.until_second_set_is_healthy(green, within).await?;
            for (index, share) in steps.iter().enumerate() {
                if index > 0 {
                    sleep(pause).await;
                }
                shift.to(*share).await?;
            }
            Ok(format!("{WHOLE} % of the traffic goes to `{}`", green.target_group))
        };
        let shifted: Result<String, String> = shifted.await;
        if shifted.is_err() {
            shift.clients.weigh(&shift.listener, &shift.listener.weights).await?;
            // An earlier action may have shifted traffic: that is put back at the run's end.
            if was_as_before_the_run {
                self.journal.forget(|undo| undo.listener = None);
            }
        }
        shifted.map_err(|reason| refused(action, reason))
    }

    /// How traffic is shifted to the second set, if the action may do that.
    pub(super) async fn shiftable(&self, action: &Action) -> Result<(&GreenPlan, Shift<'_>), FleetError> {
        let (Some(green), [blue_arn, green_arn]) = (&self.plan.green, &self.watch.watched.target_groups[..]) else {
            return Err(refused(action, "the profile has no [fleet.aws.blue_green]"));
        };
        let clients = &self.watch.clients;
        let tags = clients.tags_of(&green.listener, format!("the listener `{}`", green.listener)).await?;
        let listener = clients.listener(&green.listener).await?;
        let may = permitted(action.name(), &format!("the listener `{}`", green.listener), &tags);
        may.and_then(|()| ours(&listener, blue_arn, green_arn)).map_err(|reason| refused(action, reason))?;
        Ok((green, Shift { clients, listener, blue: blue_arn, green: green_arn }))
    }

    async fn until_second_set_is_healthy(&self, green: &GreenPlan, within: Duration) -> Result<(), String> {
        let (first, second) = (&self.plan.auto_scaling_group, &green.auto_scaling_group);
        let counts = || self.watch.with(|known| (known.members.healthy_of(first), known.members.healthy_of(second)));
        let healthy = async {
            while counts().1 == 0 || counts().1 < counts().0 {
                sleep(LOOK_EVERY).await;
            }
        };
        timeout(within, healthy).await.map_err(|_| {
            let (first_count, second_count) = counts();
            format!(
                "`{second}` has {second_count} healthy instances after {:.0} s and `{first}` has {first_count}; the \
                 second set is to be up before it gets traffic",
                within.as_secs_f64()
            )
        })
    }
}

/// Traffic of a listener, shifted from one target group to another.
pub(super) struct Shift<'a> {
    clients: &'a Clients,
    /// As it was.
    listener: ListenerReading,
    blue: &'a str,
    green: &'a str,
}

impl Shift<'_> {
    async fn to(&self, share: f64) -> Result<(), String> {
        let green = (share * f64::from(WHOLE)).round() as i32;
        let weight = |target_group: &str, weight| Weight { target_group: target_group.to_owned(), weight };
        let weights = [weight(self.blue, WHOLE - green), weight(self.green, green)];
        self.clients.weigh(&self.listener, &weights).await.map_err(|error| error.to_string())
    }
}

/// Whether a listener forwards to the two sets and nobody else.
fn ours(listener: &ListenerReading, blue: &str, green: &str) -> Result<(), String> {
    let others: Vec<&str> = listener.weights.iter().map(|weight| weight.target_group.as_str()).collect();
    if !others.contains(&blue) {
        return Err(format!("the listener forwards to {} and not to the first set, {blue}", others.join(", ")));
    }
    match others.iter().find(|other| **other != blue && **other != green) {
        Some(other) => Err(format!("the listener also forwards to {other}, which is none of the two sets")),
        None => Ok(()),
    }
}
