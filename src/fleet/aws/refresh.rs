//! `rolling-replace`: an instance refresh of the group, followed to its end.

use super::act::refused;
use super::call::CallError;
use super::clients::{Clients, group};
use super::clock::{asked_about_then, now};
use super::fleet::Aws;
use crate::fleet::FleetError;
use crate::plan::Action;
use aws_sdk_autoscaling::types::{InstanceRefresh, InstanceRefreshStatus as Status, RefreshPreferences};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant, SystemTime};
use tokio::time::sleep;

const LOOK_EVERY: Duration = Duration::from_secs(10);

/// An instance refresh that the run asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AskedRefresh {
    pub group: String,
    pub at: SystemTime,
    /// None while there is no answer.
    pub id: Option<String>,
}

impl AskedRefresh {
    /// Whether a refresh that is under way is this one. Others are left alone.
    fn is(&self, under_way: &UnderWay) -> bool {
        match &self.id {
            Some(id) => *id == under_way.id,
            // One that is pending has no start yet, so it was asked for just now.
            None => under_way.started.is_none_or(|started| asked_about_then(self.at, started)),
        }
    }
}

struct UnderWay {
    id: String,
    started: Option<SystemTime>,
}

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
        let clients = &self.watch.clients;
        if let Some(other) = clients.refreshes_under_way(&group.name).await?.first() {
            return Err(refused(action, format!("the instance refresh `{}` of the group is under way", other.id)));
        }
        let mut asked = AskedRefresh { group: group.name.clone(), at: self.watch.clock.wall(now()), id: None };
        self.journal.note(|undo| undo.refreshing.push(asked.clone()))?;
        let id = self.begun(&asked, preferences(group.desired, batch, pause)).await;
        let id = id.map_err(|error| refused(action, error.to_string()))?;
        asked.id = Some(id.clone());
        self.journal.note(|undo| {
            undo.refreshing.iter_mut().filter(|noted| noted.at == asked.at).for_each(|noted| *noted = asked.clone());
        })?;
        let came = self.until_replaced(&group.name, &id, within).await;
        if came.is_ok() || clients.cancel_refresh(&asked).await.is_ok() {
            self.forget_refresh(&asked);
        }
        came.map_err(|reason| refused(action, reason))
    }

    fn forget_refresh(&self, asked: &AskedRefresh) {
        self.journal.forget(|undo| undo.refreshing.retain(|noted| noted.at != asked.at));
    }

    /// The id of the refresh that is asked for. Where it stays open whether there is one, the journal keeps it.
    async fn begun(&self, asked: &AskedRefresh, preferences: RefreshPreferences) -> Result<String, CallError> {
        let clients = &self.watch.clients;
        let error = match clients.start_refresh(&asked.group, preferences).await {
            Ok(id) => return Ok(id),
            Err(error) => error,
        };
        // The SDK asks again when no answer comes, and is told then that a refresh is in progress: its own. A moment ago
        // none was under way, so that one which began since is ours.
        let looked = clients.refreshes_under_way(&asked.group).await;
        match looked.map(|refreshes| refreshes.into_iter().find(|refresh| asked.is(refresh))) {
            Ok(Some(refresh)) => return Ok(refresh.id),
            Ok(None) if !error.kind.leaves_open() => self.forget_refresh(asked),
            // The run's end looks again.
            _ => {}
        }
        Err(error)
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
                Some(status) if has_ended(status) => {
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

fn has_ended(status: &Status) -> bool {
    matches!(
        status,
        Status::Successful | Status::Failed | Status::Cancelled | Status::RollbackFailed | Status::RollbackSuccessful
    )
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

    async fn refreshes_under_way(&self, name: &str) -> Result<Vec<UnderWay>, CallError> {
        let call = self.call("DescribeInstanceRefreshes", group(name));
        let answer = self.autoscaling.describe_instance_refreshes().auto_scaling_group_name(name).send().await;
        let answer = answer.map_err(|error| call.failed(error))?;
        let under_way = |refresh: &InstanceRefresh| {
            if refresh.status.as_ref().is_some_and(has_ended) {
                return None;
            }
            let started = refresh.start_time.and_then(|time| SystemTime::try_from(time).ok());
            Some(UnderWay { id: refresh.instance_refresh_id.clone()?, started })
        };
        // The newest come first, and there is at most one that has not ended.
        Ok(answer.instance_refreshes().iter().filter_map(under_way).collect())
    }

    /// That it has ended by itself is as good. The call names a group and no refresh, so one of somebody else's would be
    /// cancelled as well.
    pub(super) async fn cancel_refresh(&self, asked: &AskedRefresh) -> Result<(), CallError> {
        if !self.refreshes_under_way(&asked.group).await?.iter().any(|refresh| asked.is(refresh)) {
            return Ok(());
        }
        let call = self.call("CancelInstanceRefresh", group(&asked.group));
        match self.autoscaling.cancel_instance_refresh().auto_scaling_group_name(&asked.group).send().await {
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
