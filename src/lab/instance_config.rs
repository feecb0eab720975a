use super::certificates::Certificates;
use super::members::{FIRST_INSTANCE, Member};
use super::store::{KEY_PREFIX, Store};
use crate::app;
use crate::plan::{Defect, Distribution, LabPlan, Secret, StoreLocation};
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
    let slow = plan.defect == Some(Defect::SlowInstance) && member.name == FIRST_INSTANCE;
    app::AppConfig {
        instance: member.name.clone(),
        zone: member.zone.clone(),
        port: 0,
        store: store_config(store, plan.store.wait_for_replicas, certificates),
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
            service_time: service_time(plan.service_time.times(if slow { Defect::SLOW_INSTANCE } else { 1.0 })),
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

fn store_config(store: &Store, wait_for_replicas: u32, certificates: &Certificates) -> app::StoreConfig {
    let login = store.passwords.app_login();
    let username = Some(login.user);
    let password = Some(app::Secret::new(login.password.expose()));
    app::StoreConfig {
        location: match &store.location {
            StoreLocation::Direct(address) => app::StoreLocation::Direct(address.clone()),
            StoreLocation::Sentinels { addresses, name } => app::StoreLocation::Sentinels(app::Sentinels {
                addresses: addresses.clone(),
                master_name: name.clone(),
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
        grace_ms: 5_000,
        wait_for_replicas,
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
        // The application is as it should be; what it runs on is slow.
        Defect::SlowInstance => None,
        Defect::DrainIgnored => Some(app::Defect::DrainIgnored),
        Defect::AlwaysHealthy => Some(app::Defect::AlwaysHealthy),
        Defect::SessionsWithoutTtl => Some(app::Defect::SessionsWithoutTtl),
        Defect::NoAbsoluteTimeout => Some(app::Defect::NoAbsoluteTimeout),
        // Those are the store's.
        Defect::DefaultUserOn | Defect::PlainTextPort => None,
    }
}

fn millis(duration: Duration) -> u64 {
    duration.as_millis() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_defect_of_the_application_has_its_part_in_it() {
        let elsewhere = [Defect::SlowInstance, Defect::DefaultUserOn, Defect::PlainTextPort];
        for defect in Defect::ALL.into_iter().filter(|defect| !elsewhere.contains(defect)) {
            assert!(planted(defect, true).is_some(), "{defect:?}");
        }
        assert_eq!(planted(Defect::StickyLocalSessions, true), Some(app::Defect::LocalSessions));
        // An instance that has been there for long is warm.
        assert_eq!(planted(Defect::SlowWarmUp, false), None);
    }

    #[test]
    fn service_times_keep_their_mean() {
        let ms = |distribution| match service_time(distribution) {
            app::ServiceTime::Constant { ms } => ms,
            app::ServiceTime::Uniform { from_ms, to_ms } => (from_ms + to_ms) / 2.0,
            app::ServiceTime::Exponential { mean_ms } => mean_ms,
            app::ServiceTime::Lognormal { median_ms, sigma } => median_ms * (sigma * sigma / 2.0).exp(),
        };
        for distribution in [
            Distribution::Constant { seconds: 0.02 },
            Distribution::Uniform { from_seconds: 0.01, to_seconds: 0.03 },
            Distribution::Exponential { mean_seconds: 0.02 },
            Distribution::Lognormal { median_seconds: 0.02, sigma: 0.5 },
        ] {
            assert!((ms(distribution) / 1e3 - distribution.mean_seconds()).abs() < 1e-9, "{distribution:?}");
        }
    }
}
