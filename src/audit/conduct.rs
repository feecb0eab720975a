use super::check::{Check, Practice};
use super::http::Site;
use super::routing::routing;
use super::sessions::{Visitor, sessions};
use super::store::store;
#[cfg(feature = "aws")]
use super::table::table;
use crate::fleet::Fleet;
use crate::plan::{Action, StoreAccess};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// What is audited.
pub struct Audited<'a> {
    pub fleet: &'a dyn Fleet,
    /// Of a user who may log in.
    pub user: &'a str,
    pub password: &'a str,
    /// After this long without a request a session may be gone.
    pub idle_timeout: Duration,
}

const READINESS: Practice = Practice {
    name: "health check tells readiness",
    why: "a health check that always says yes keeps traffic on instances that cannot serve it",
    remedy: "let the health check fail while the instance cannot serve: while it starts, drains, or is cut off for long",
};
/// Longer than an instance stays ready without its store, and some health checks.
const UNREADY_WITHIN: Duration = Duration::from_secs(15);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Looks at a fleet that is up and has no traffic.
pub async fn audit(audited: &Audited<'_>) -> Result<Vec<Check>, String> {
    let url = audited.fleet.url().ok_or("the fleet knows no URL")?;
    let site = Site::new(&url, audited.fleet.target_ca().as_deref())?;
    let mut checks = routing(&site, "/login").await;
    checks.extend(sessions(&site, &Visitor { user: audited.user, password: audited.password }).await);
    match audited.fleet.store() {
        Some(StoreAccess::Redis(access)) => checks.extend(store(&access, audited.idle_timeout).await),
        #[cfg(feature = "aws")]
        Some(StoreAccess::Dynamodb(access)) => checks.extend(table(access, audited.idle_timeout).await),
        None => {}
    }
    // Last, because it takes the store away.
    checks.push(readiness(audited.fleet).await);
    Ok(checks)
}

/// Without a store no instance can serve: the balancer has to find out, and to come back to them afterwards.
async fn readiness(fleet: &dyn Fleet) -> Check {
    let healthy = || fleet.gauges().map(|gauges| gauges.healthy);
    let before = healthy();
    if let Err(error) = fleet.apply(&Action::StoreOutage).await {
        return READINESS.unknown(error.to_string());
    }
    let unready = within(UNREADY_WITHIN, || healthy() == Some(0)).await;
    if let Err(error) = fleet.apply(&Action::StoreRecovery).await {
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
