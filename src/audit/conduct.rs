use super::application::Application;
use super::check::{Check, Practice};
use super::routing::routing;
use super::sessions::sessions;
use super::store::store;
use super::timeouts::{TimeOuts, wait_for_ends};
use crate::fleet::Fleet;
use crate::load::Visits;
use crate::plan::{Action, Plan, StoreAccess};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// What is audited.
pub struct Audited<'a> {
    /// By whose steps users log in.
    pub plan: &'a Plan,
    pub visits: &'a Visits,
    pub store: Option<&'a StoreAccess>,
    /// The lab. Nothing is done to any other fleet.
    pub lab: Option<&'a dyn Fleet>,
    /// After this long without a request a session may be gone, where that is agreed.
    pub idle_timeout: Option<Duration>,
    pub tell: &'a dyn Fn(Progress),
}

/// What goes on, for those who wait.
#[derive(Clone, Copy, Debug)]
pub enum Progress {
    Doing(&'static str),
    /// For sessions to end.
    Waiting {
        waited: Duration,
        of: Duration,
    },
}

const READINESS: Practice = Practice {
    name: "health check tells readiness",
    why: "a health check that always says yes keeps traffic on instances that cannot serve it",
    remedy: "let the health check fail while the instance cannot serve: while it starts, drains, or is cut off for long",
};
/// Longer than an instance stays ready without its store, and some health checks.
const UNREADY_WITHIN: Duration = Duration::from_secs(15);
const LOOK_EVERY: Duration = Duration::from_millis(100);

impl Audited<'_> {
    /// Looks at a deployment that is up. What is found is added to `checks` as it is found, so that whoever gives this
    /// up has what there is.
    pub async fn look(&self, checks: &mut Vec<Check>) {
        let application = self.application();
        (self.tell)(Progress::Doing("who serves"));
        checks.extend(routing(&application).await);
        (self.tell)(Progress::Doing("a session, from its login to its logout"));
        checks.extend(sessions(&application).await.0);
        if let Some(access) = self.store {
            (self.tell)(Progress::Doing("the session store"));
            checks.extend(store(access, self.idle_timeout, self.lab.is_some()).await);
        }
        // Last, because it takes the store away.
        checks.push(match self.lab {
            Some(lab) => {
                (self.tell)(Progress::Doing("health checks without a store"));
                readiness(lab).await
            }
            None => READINESS.not_applicable("only the lab's store can be taken away to see"),
        });
    }

    /// Waits for sessions to end.
    pub async fn wait_out(&self, limits: TimeOuts, checks: &mut Vec<Check>) {
        let application = self.application();
        let journey = application.journey().await.map(|(journey, _)| journey);
        checks.extend(wait_for_ends(&application, journey, limits, self.tell).await);
    }

    fn application(&self) -> Application<'_> {
        Application { plan: self.plan, visits: self.visits }
    }
}

/// Without a store no instance can serve: the balancer has to find out, and to come back to them afterwards.
async fn readiness(lab: &dyn Fleet) -> Check {
    let healthy = || lab.gauges().map(|gauges| gauges.healthy);
    let before = healthy();
    if let Err(error) = lab.apply(&Action::StoreOutage).await {
        return READINESS.unknown(error.to_string());
    }
    let unready = within(UNREADY_WITHIN, || healthy() == Some(0)).await;
    if let Err(error) = lab.apply(&Action::StoreRecovery).await {
        return READINESS.unknown(error.to_string());
    }
    let back = within(UNREADY_WITHIN, || healthy() == before).await;
    let seen = match (unready, back) {
        (Some(after), Some(_)) => {
            format!("{:.1} s after the store was gone, no instance was healthy", after.as_secs_f64())
        }
        (Some(_), None) => "the instances did not come back with the store".to_owned(),
        (None, _) => format!("healthy for {} s without a store", UNREADY_WITHIN.as_secs()),
    };
    READINESS.holds(unready.is_some() && back.is_some(), seen)
}

async fn within(limit: Duration, holds: impl Fn() -> bool) -> Option<Duration> {
    let begun = Instant::now();
    while begun.elapsed() < limit {
        if holds() {
            return Some(begun.elapsed());
        }
        sleep(LOOK_EVERY).await;
    }
    None
}
