use super::context::Context;
use crate::plan::{AutoscalerPlan, Defect, Distribution, FleetPlan, LabPlan, WarmUp};
use crate::profile::{At, AutoscalerFile, DefectFile, FleetFile, ProviderFile, Span};
use std::time::Duration;

/// More processes than a machine that also makes the load can bear.
const MOST_INSTANCES: u32 = 64;

impl Context<'_> {
    /// The lab's number of users is settled once the workload is known.
    pub fn fleet(&mut self, file: &FleetFile) -> FleetPlan {
        if file.provider.unwrap_or_default() == ProviderFile::Observe {
            self.no_lab_keys(file);
            return FleetPlan::Observe {
                capacity_per_instance: file.capacity_per_instance.as_ref().map(|rate| rate.0),
            };
        }
        if let Some(rate) = &file.capacity_per_instance {
            let help = "on the lab it follows from `workers` and `service_time`: leave it out";
            self.error(&rate.span, "`capacity_per_instance` is for `provider = \"observe\"`", help);
        }
        let instances = self.count(file.instances.as_ref(), 2);
        let zones = match &file.zones {
            Some(zones) => {
                let plain =
                    |zone: &String| !zone.is_empty() && zone.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
                if zones.is_empty() || !zones.iter().all(plain) {
                    self.error(&zones.span, "a zone needs a name of letters, digits and `-`", "such as `[\"zone-a\"]`");
                }
                zones.value.clone()
            }
            None => vec!["zone-a".to_owned(), "zone-b".to_owned()],
        };
        let service_time = match &file.service_time {
            Some(text) => {
                let (shape, _) = self.think(text);
                if shape.mean_seconds() <= 0.0 {
                    self.error(&text.span, "an instance that needs no time has no limit", "such as `exponential 40ms`");
                }
                shape
            }
            None => Distribution::Lognormal { median_seconds: 0.040, sigma: 0.4 },
        };
        FleetPlan::Lab(LabPlan {
            instances,
            zones,
            workers: self.count(file.workers.as_ref(), 4),
            service_time,
            boot_time: span(&file.boot, 4.0),
            warm_up: self.warm_up(file),
            drain: span(&file.drain, 10.0),
            health_interval: self.above_zero(&file.health_interval, 0.5),
            session_ttl: self.above_zero(&file.session_ttl, 1800.0),
            absolute_timeout: self.above_zero(&file.absolute_timeout, 8.0 * 3600.0),
            tls: file.tls.as_ref().is_some_and(|tls| tls.value),
            store: self.lab_store(file.store.as_ref()),
            autoscaler: file.autoscaler.as_ref().map(|scaler| self.autoscaler(scaler, instances)),
            defect: file.defect.as_ref().map(|defect| planted(defect.value)),
            users: 0,
        })
    }

    fn no_lab_keys(&mut self, file: &FleetFile) {
        let given = [
            file.instances.as_ref().map(|v| (&v.span, "instances")),
            file.zones.as_ref().map(|v| (&v.span, "zones")),
            file.workers.as_ref().map(|v| (&v.span, "workers")),
            file.service_time.as_ref().map(|v| (&v.span, "service_time")),
            file.boot.as_ref().map(|v| (&v.span, "boot")),
            file.warm_up.as_ref().map(|v| (&v.span, "warm_up")),
            file.drain.as_ref().map(|v| (&v.span, "drain")),
            file.health_interval.as_ref().map(|v| (&v.span, "health_interval")),
            file.session_ttl.as_ref().map(|v| (&v.span, "session_ttl")),
            file.absolute_timeout.as_ref().map(|v| (&v.span, "absolute_timeout")),
            file.tls.as_ref().map(|v| (&v.span, "tls")),
            file.store.as_ref().map(|v| (&v.span, "store")),
            file.autoscaler.as_ref().map(|v| (&v.span, "autoscaler")),
            file.defect.as_ref().map(|v| (&v.span, "defect")),
        ];
        for (span, key) in given.into_iter().flatten() {
            let help = "a fleet that is only observed is run by somebody else: leave it out";
            self.error(span, format!("`{key}` is a key of the lab"), help);
        }
    }

    fn count(&mut self, written: Option<&At<u32>>, default: u32) -> u32 {
        let Some(written) = written else { return default };
        if written.value == 0 || written.value > MOST_INSTANCES {
            self.error(&written.span, format!("{} is not possible", written.value), format!("1 to {MOST_INSTANCES}"));
        }
        written.value
    }

    pub(super) fn above_zero(&mut self, written: &Option<At<Span>>, default_seconds: f64) -> Duration {
        if let Some(zero) = written.as_ref().filter(|span| span.0.is_zero()) {
            self.error(&zero.span, "this must take some time", "give a time above zero, such as `500ms`");
        }
        span(written, default_seconds)
    }

    fn warm_up(&mut self, file: &FleetFile) -> WarmUp {
        let Some(warm_up) = &file.warm_up else { return WarmUp { factor: 1.0, lasts: Duration::ZERO } };
        if !(1.0..=1000.0).contains(&warm_up.factor) {
            self.error(&warm_up.span, "a fresh instance is at least as slow as a warm one", "`factor` from 1 to 1000");
        }
        WarmUp { factor: warm_up.factor, lasts: warm_up.lasts.0 }
    }

    fn autoscaler(&mut self, file: &At<AutoscalerFile>, instances: u32) -> AutoscalerPlan {
        let min = self.count(file.min.as_ref(), instances);
        let max = self.count(file.max.as_ref(), instances.saturating_mul(2));
        if !(min <= instances && instances <= max) {
            let message = format!("{instances} instances at the start are not between `min` {min} and `max` {max}");
            self.error(&file.span, message, "make `min` ≤ `instances` ≤ `max`");
        }
        if file.requests_per_target.0 <= 0.0 {
            self.error(&file.requests_per_target.span, "the policy needs a rate to hold", "such as `30/s`");
        }
        AutoscalerPlan {
            min,
            max,
            requests_per_target: file.requests_per_target.0,
            period: self.above_zero(&file.period, 5.0),
            datapoints: self.count(file.datapoints.as_ref(), 3),
            warm_up: file.warm_up.map_or(Duration::from_secs(10), |span| span.0),
            scale_in_cooldown: file.scale_in_cooldown.map_or(Duration::from_secs(60), |span| span.0),
            scale_in_datapoints: file.scale_in_datapoints.as_ref().map(|written| self.count(Some(written), 1)),
        }
    }
}

fn span(written: &Option<At<Span>>, default_seconds: f64) -> Duration {
    written.as_ref().map_or(Duration::from_secs_f64(default_seconds), |span| span.value.0)
}

fn planted(defect: DefectFile) -> Defect {
    match defect {
        DefectFile::LocalSessions => Defect::LocalSessions,
        DefectFile::StickyLocalSessions => Defect::StickyLocalSessions,
        DefectFile::StorePerZone => Defect::StorePerZone,
        DefectFile::DroppedWrites => Defect::DroppedWrites,
        DefectFile::SessionMixup => Defect::SessionMixup,
        DefectFile::SlowWarmUp => Defect::SlowWarmUp,
        DefectFile::LocalCsrf => Defect::LocalCsrf,
        DefectFile::LocalJobs => Defect::LocalJobs,
        DefectFile::SlowInstance => Defect::SlowInstance,
        DefectFile::DrainIgnored => Defect::DrainIgnored,
        DefectFile::AlwaysHealthy => Defect::AlwaysHealthy,
        DefectFile::SessionsWithoutTtl => Defect::SessionsWithoutTtl,
        DefectFile::NoAbsoluteTimeout => Defect::NoAbsoluteTimeout,
        DefectFile::DefaultUserOn => Defect::DefaultUserOn,
        DefectFile::PlainTextPort => Defect::PlainTextPort,
    }
}
