//! `rolling-replace`: an instance refresh of the group, followed to its end.

use super::act::refused;
use super::call::CallError;
use super::clients::{Clients, group};
use super::clock::now;
use super::fleet::Aws;
use crate::fleet::FleetError;
use crate::plan::Action;
use aws_sdk_autoscaling::types::{InstanceRefresh, InstanceRefreshStatus as Status, RefreshPreferences};
use std::time::{Duration, Instant};
use tokio::time::sleep;

const LOOK_EVERY: Duration = Duration::from_secs(10);

/// How far a refresh is.
#[derive(Clone, Debug, PartialEq)]
struct Progress {
    status: Option<Status>,
    /// In the group's own words.
    reason: String,
    percent: i32,
    left: i32,
}

impl Aws {
    /// Replaces all instances: new ones are launched before old ones are ended, `batch` at a time.
    pub(super) async fn rolling_replace(
        &self,
        action: &Action,
        batch: u32,
        pause: Duration,
        within: Duration,
    ) -> Result<String, FleetError> {
        let group = self.changeable(action).await?;
        self.journal.note(|undo| {
            if !undo.refreshing.contains(&group.name) {
                undo.refreshing.push(group.name.clone());
            }
        })?;
        let clients = &self.watch.clients;
        let came = match clients.start_refresh(&group.name, preferences(group.desired, batch, pause)).await {
            Ok(id) => self.until_replaced(&group.name, &id, within).await,
            Err(error) => Err(error.to_string()),
        };
        if came.is_err() {
            // It may have ended by itself.
            let _ = clients.cancel_refresh(&group.name).await;
        }
        self.journal.forget(|undo| undo.refreshing.retain(|refreshing| *refreshing != group.name));
        came.map_err(|reason| refused(action, reason))
    }

    async fn until_replaced(&self, group: &str, id: &str, within: Duration) -> Result<String, String> {
        let mut moved: (Instant, Option<Progress>) = (now(), None);
        loop {
            sleep(LOOK_EVERY).await;
            let seen = match self.watch.clients.refresh(group, id).await {
                Ok(seen) => seen,
                // Passing trouble is no reason to give the refresh up.
                Err(_) if now() - moved.0 < within => continue,
                Err(error) => return Err(error.to_string()),
            };
            match &seen.status {
                Some(Status::Successful) => return Ok("all instances replaced".to_owned()),
                Some(
                    status @ (Status::Failed | Status::Cancelled | Status::RollbackFailed | Status::RollbackSuccessful),
                ) => {
                    return Err(format!("the instance refresh is {}: {}", status.as_str().to_lowercase(), seen.reason));
                }
                // Any other, also one that nobody here knows, is on its way to one of these.
                _ => {}
            }
            if moved.1.as_ref().is_none_or(|before| (before.percent, before.left) != (seen.percent, seen.left)) {
                moved = (now(), Some(seen));
            } else if now() - moved.0 >= within {
                let seconds = within.as_secs_f64();
                return Err(format!(
                    "{} instances are still to be replaced, and for {seconds:.0} s none was: {}",
                    seen.left, seen.reason
                ));
            }
        }
    }
}

/// A hundred percent of the group stays healthy, and `batch` instances more may be there.
fn preferences(desired: u32, batch: u32, pause: Duration) -> RefreshPreferences {
    let more = (100 * batch).div_ceil(desired.max(1)).clamp(1, 100);
    let warm_up = (!pause.is_zero()).then(|| pause.as_secs_f64().ceil() as i32);
    RefreshPreferences::builder()
        .min_healthy_percentage(100)
        .max_healthy_percentage(100 + more as i32)
        .set_instance_warmup(warm_up)
        // Otherwise those that are of the wanted version already would be left alone, which are all.
        .skip_matching(false)
        .build()
}

impl Clients {
    async fn start_refresh(&self, name: &str, preferences: RefreshPreferences) -> Result<String, CallError> {
        let call = self.call("StartInstanceRefresh", group(name));
        let asked = self.autoscaling.start_instance_refresh().auto_scaling_group_name(name).preferences(preferences);
        let answer = asked.send().await.map_err(|error| call.failed(error))?;
        Ok(answer.instance_refresh_id.unwrap_or_default())
    }

    async fn refresh(&self, name: &str, id: &str) -> Result<Progress, CallError> {
        let call = self.call("DescribeInstanceRefreshes", group(name));
        let asked = self.autoscaling.describe_instance_refreshes().auto_scaling_group_name(name);
        let answer = asked.instance_refresh_ids(id).send().await.map_err(|error| call.failed(error))?;
        let progress = |refresh: &InstanceRefresh| Progress {
            status: refresh.status.clone(),
            reason: refresh.status_reason.clone().unwrap_or_else(|| "AWS gives no reason".to_owned()),
            percent: refresh.percentage_complete.unwrap_or(0),
            left: refresh.instances_to_update.unwrap_or(0),
        };
        let found = answer.instance_refreshes().first().map(progress);
        found.ok_or_else(|| call.error(super::call::CallFailure::NotFound, "the instance refresh is not listed"))
    }

    /// That none is under way is as good.
    pub(super) async fn cancel_refresh(&self, name: &str) -> Result<(), CallError> {
        let call = self.call("CancelInstanceRefresh", group(name));
        match self.autoscaling.cancel_instance_refresh().auto_scaling_group_name(name).send().await {
            Err(error) if error.as_service_error().is_some_and(|e| e.is_active_instance_refresh_not_found_fault()) => {
                Ok(())
            }
            other => other.map(drop).map_err(|error| call.failed(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_a_share_of_the_group_that_may_be_there_beside_it() {
        for (desired, batch, most) in [(4, 1, 125), (3, 1, 134), (4, 4, 200), (2, 9, 200), (0, 1, 200), (400, 1, 101)] {
            let preferences = preferences(desired, batch, Duration::ZERO);
            assert_eq!(preferences.max_healthy_percentage, Some(most), "{batch} of {desired}");
            assert_eq!((preferences.min_healthy_percentage, preferences.instance_warmup), (Some(100), None));
        }
        assert_eq!(preferences(4, 1, Duration::from_millis(1500)).instance_warmup, Some(2));
    }
}
