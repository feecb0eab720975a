use super::certificates::Certificates;
use super::members::Member;
use super::store::{KEY_PREFIX, Location, MASTER_NAME, Store};
use crate::app;
use crate::plan::{Defect, Distribution, LabPlan, Secret};
use std::time::Duration;

/// Who may log in to the lab's application.
#[derive(Clone, Debug)]
pub(super) struct Users {
    pub(super) prefix: String,
    pub(super) password: Secret,
}

/// What one instance is told.
///
/// A founding instance stands for one that has been there for long: it does not boot or warm up before the run.
pub(super) fn instance_config(
    member: &Member,
    plan: &LabPlan,
    users: &Users,
    store: &Store,
    certificates: &Certificates,
) -> app::AppConfig {
    let cold = !member.founding;
    app::AppConfig {
        instance: member.name.clone(),
        zone: member.zone.clone(),
        port: 0,
        store: store_config(store, certificates),
        users: app::Users::Generated(app::Generated {
            count: plan.users.into(),
            prefix: users.prefix.clone(),
            password: app::Secret::new(users.password.expose()),
        }),
        password_cost: app::PasswordCost::Lab,
        cookie: app::Cookie { secure: plan.tls, ..app::Cookie::default() },
        session_ttl_ms: millis(plan.session_ttl),
        absolute_timeout_ms: millis(plan.absolute_timeout),
        user_data_ttl_ms: millis(plan.absolute_timeout),
        capacity: app::Capacity {
            workers: plan.workers as usize,
            service_time: service_time(plan.service_time),
            warm_up: (cold && plan.warm_up.factor > 1.0 && !plan.warm_up.lasts.is_zero())
                .then(|| app::WarmUp { for_ms: millis(plan.warm_up.lasts), factor: plan.warm_up.factor }),
            ..app::Capacity::default()
        },
        jobs: app::Jobs::default(),
        boot_ms: if cold { millis(plan.boot_time) } else { 0 },
        drain_ms: millis(plan.drain),
        exit_on_stdin_eof: true,
        defect: plan.defect.and_then(|defect| planted(defect, cold)),
    }
}

fn store_config(store: &Store, certificates: &Certificates) -> app::StoreConfig {
    let username = Some(store.passwords.app_user().to_owned());
    let password = Some(app::Secret::new(store.passwords.app.expose()));
    app::StoreConfig {
        location: match &store.location {
            Location::Direct(address) => app::StoreLocation::Direct(address.clone()),
            Location::Sentinels(addresses) => app::StoreLocation::Sentinels(app::Sentinels {
                addresses: addresses.clone(),
                master_name: MASTER_NAME.to_owned(),
                username: username.clone(),
                password: password.clone(),
                tls: true,
            }),
        },
        username,
        password,
        key_prefix: KEY_PREFIX.to_owned(),
        tls: Some(app::Tls { ca_file: Some(certificates.ca.clone()) }),
        timeout_ms: 1_000,
    }
}

fn service_time(distribution: Distribution) -> app::ServiceTime {
    match distribution {
        Distribution::Constant { seconds } => app::ServiceTime::Constant { ms: seconds * 1e3 },
        Distribution::Uniform { from_seconds, to_seconds } => {
            app::ServiceTime::Uniform { from_ms: from_seconds * 1e3, to_ms: to_seconds * 1e3 }
        }
        Distribution::Exponential { mean_seconds } => app::ServiceTime::Exponential { mean_ms: mean_seconds * 1e3 },
        Distribution::Lognormal { median_seconds, sigma } => {
            app::ServiceTime::Lognormal { median_ms: median_seconds * 1e3, sigma }
        }
    }
}

/// The application's part in a defect of the lab.
fn planted(defect: Defect, cold: bool) -> Option<app::Defect> {
    match defect {
        Defect::LocalSessions | Defect::StickyLocalSessions => Some(app::Defect::LocalSessions),
        Defect::StorePerZone => Some(app::Defect::StorePerZone),
        Defect::DroppedWrites => Some(app::Defect::DroppedWrites),
        Defect::SessionMixup => Some(app::Defect::SessionMixup),
        Defect::SlowWarmUp => cold.then_some(app::Defect::SlowWarmUp),
        Defect::LocalCsrf => Some(app::Defect::LocalCsrf),
        Defect::LocalJobs => Some(app::Defect::LocalJobs),
    }
}

fn millis(duration: Duration) -> u64 {
    duration.as_millis() as u64
}
