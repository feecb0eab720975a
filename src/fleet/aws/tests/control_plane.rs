//! AWS as far as an Auto Scaling group behind a load balancer needs it, under the real SDK: requests are signed, written,
//! retried and read as ever, only no wire is between. It runs on tokio's clock, which tests hold, with the order of states
//! and about the times that AWS has.

use super::answers::{cloudwatch_error, json_error, query_error};
use super::request::{Protocol, Request};
use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig};
use aws_sdk_autoscaling::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_http_client::test_util::infallible_client_fn;
use aws_smithy_types::body::SdkBody;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub const REGION: &str = "eu-central-1";
pub const BLUE: &str = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web/73e2d6bc24d8a067";
pub const GREEN: &str = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web-green/83e2d6bc24d8a068";
pub const LISTENER: &str =
    "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2";
pub const BALANCER: &str =
    "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188";
/// From the change of the desired capacity to the launch.
pub const LAUNCH_AFTER: f64 = 3.0;
/// From launch to in service.
pub const BOOT: f64 = 35.0;
/// From in service to healthy.
pub const CHECKS: f64 = 25.0;
/// From the end's beginning until it is gone.
pub const DRAIN: f64 = 60.0;
/// What has just happened is not listed yet.
const LISTED_AFTER: f64 = 4.0;

/// A call that does not do what it should, for a while.
#[derive(Clone, Debug)]
pub struct Fault {
    pub call: &'static str,
    pub from: f64,
    pub until: f64,
    pub kind: FaultKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    Throttled,
    Broken,
    Denied,
    Expired,
    /// The daily limit of TestFailover.
    Exceeded,
    /// It is done, and the answer to that gets lost.
    Lost,
}

#[derive(Clone, Debug)]
pub struct Instance {
    pub id: String,
    pub zone: &'static str,
    pub launched: f64,
    pub ends: Option<f64>,
    /// Its health checks fail.
    pub broken: bool,
    pub cause: String,
}

#[derive(Clone, Debug)]
pub struct Group {
    pub name: &'static str,
    pub target_group: &'static str,
    pub min: u32,
    pub max: u32,
    pub desired: u32,
    pub tags: Vec<(&'static str, String)>,
    pub instances: Vec<Instance>,
    /// Launches that failed: when, and the cause of the attempt.
    pub failed: Vec<(f64, String)>,
    /// There is no capacity for more.
    pub exhausted: bool,
    pub launches_broken: bool,
    launched: u32,
}

#[derive(Clone, Debug)]
pub struct Refresh {
    pub id: &'static str,
    pub began: f64,
    pub ends: f64,
    pub cancelled: bool,
}

#[derive(Clone, Debug)]
pub struct Experiment {
    pub began: f64,
    pub stopped: Option<f64>,
    /// Its alarm stops it then.
    pub alarmed: Option<f64>,
}

/// What happened to an alarm: when, whether it was raised, and its metric.
pub type AlarmChange = (f64, bool, f64);

#[derive(Clone, Debug)]
pub struct Plane {
    pub now: f64,
    pub groups: Vec<Group>,
    pub alarm: Vec<AlarmChange>,
    pub faults: Vec<Fault>,
    /// All that was called: when, and what.
    pub calls: Vec<(f64, String)>,
    pub weights: Vec<(String, i32)>,
    pub listener_tag: String,
    pub store_tag: String,
    pub refresh: Option<Refresh>,
    /// When a fail-over was begun.
    pub failover: Option<f64>,
    /// Since when a snapshot is made.
    pub snapshot: Option<f64>,
    pub balancer_tag: String,
    /// The balancer takes part in zonal shifts.
    pub shiftable: bool,
    /// The zone that traffic is shifted away from.
    pub shifted: Option<String>,
    /// Of the shift.
    pub comment: String,
    pub experiment: Option<Experiment>,
    /// Of the template of experiments.
    pub stop_condition: &'static str,
    /// Changes of capacity that are still to come: when, to how many, and why.
    pending: Vec<(f64, u32, String)>,
}

impl Group {
    fn new(name: &'static str, target_group: &'static str, count: u32) -> Group {
        let mut group = Group {
            name,
            target_group,
            min: 1,
            max: 8,
            desired: count,
            tags: Vec::new(),
            instances: Vec::new(),
            failed: Vec::new(),
            exhausted: false,
            launches_broken: false,
            launched: 0,
        };
        (0..count).for_each(|number| group.launch(-1000.0 + f64::from(number), "set-up"));
        group
    }

    fn launch(&mut self, at: f64, cause: &str) {
        if self.exhausted {
            self.failed.push((at, cause.to_owned()));
            return;
        }
        self.launched += 1;
        self.instances.push(Instance {
            // Ids of EC2 are in no order of time.
            id: format!("i-{:02x}{}", 0xff - self.launched, if self.name == "web" { "b1" } else { "9e" }),
            zone: if self.launched % 2 == 1 { "eu-central-1a" } else { "eu-central-1b" },
            launched: at,
            ends: None,
            broken: self.launches_broken,
            cause: cause.to_owned(),
        });
    }

    fn staying(&self) -> usize {
        self.instances.iter().filter(|instance| instance.ends.is_none()).count()
    }

    /// Launches and ends until there are as many as desired.
    pub fn reconcile(&mut self, now: f64, cause: &str) {
        let from = self.staying();
        for number in from..self.desired as usize {
            let cause = format!(
                "{cause}  At {} an instance was started in response to a difference between desired and actual \
                 capacity, increasing the capacity from {from} to {}.",
                stamp(now + LAUNCH_AFTER),
                self.desired
            );
            self.launch(now + LAUNCH_AFTER + (number - from) as f64, &cause);
        }
        let surplus = from.saturating_sub(self.desired as usize);
        let newest = self.instances.iter_mut().rev().filter(|instance| instance.ends.is_none());
        newest.take(surplus).for_each(|instance| instance.ends = Some(now));
    }

    pub fn lifecycle(instance: &Instance, now: f64) -> &'static str {
        match instance.ends {
            Some(ends) if now >= ends => "Terminating",
            _ if now >= instance.launched + BOOT => "InService",
            _ => "Pending",
        }
    }

    /// State and reason of a target; None while it is not registered.
    pub fn health(instance: &Instance, now: f64) -> Option<(&'static str, &'static str)> {
        let in_service = instance.launched + BOOT;
        match instance.ends {
            Some(ends) if now >= ends => Some(("draining", "Target.DeregistrationInProgress")),
            _ if now < in_service => None,
            _ if now < in_service + CHECKS => Some(("initial", "Elb.RegistrationInProgress")),
            _ if instance.broken => Some(("unhealthy", "Target.FailedHealthChecks")),
            _ => Some(("healthy", "")),
        }
    }
}

impl Plane {
    fn new() -> Plane {
        let mut web = Group::new("web", BLUE, 2);
        let all = "scale-out scale-in set-capacity kill-instance stop-instance rolling-replace";
        web.tags = vec![("Name", "web".to_owned()), ("rushhour:allow", all.to_owned())];
        Plane {
            now: 0.0,
            groups: vec![web, Group::new("web-green", GREEN, 2)],
            alarm: Vec::new(),
            faults: Vec::new(),
            calls: Vec::new(),
            weights: vec![(BLUE.to_owned(), 1)],
            listener_tag: "blue-green".to_owned(),
            store_tag: "store-failover snapshot".to_owned(),
            refresh: None,
            failover: None,
            snapshot: None,
            balancer_tag: "zone-outage".to_owned(),
            shiftable: true,
            shifted: None,
            comment: String::new(),
            experiment: None,
            stop_condition: "aws:cloudwatch:alarm",
            pending: Vec::new(),
        }
    }

    pub fn web(&mut self) -> &mut Group {
        &mut self.groups[0]
    }

    /// A policy changes the capacity then.
    pub fn policy_scales(&mut self, at: f64, to: u32) {
        self.alarm.push((at, true, 61.5));
        self.pending.push((
            at + 1.0,
            to,
            "a monitor alarm TargetTracking-web-AlarmHigh in state ALARM triggered policy rate".to_owned(),
        ));
    }

    /// Somebody else changes it then.
    pub fn somebody_scales(&mut self, at: f64, to: u32) {
        self.pending.push((at, to, USER.to_owned()));
    }

    pub fn set_capacity(&mut self, at: f64, to: u32, why: &str) {
        let group = &mut self.groups[0];
        let cause = format!("At {} {why} changing the desired capacity from {} to {to}.", stamp(at), group.desired);
        group.desired = to;
        group.reconcile(at, &cause);
    }

    pub fn advance(&mut self, now: f64) {
        self.now = now;
        let (due, later): (Vec<_>, Vec<_>) = std::mem::take(&mut self.pending).into_iter().partition(|p| p.0 <= now);
        self.pending = later;
        for (at, to, why) in due {
            self.set_capacity(at, to, &why);
        }
        for group in &mut self.groups {
            group.instances.retain(|instance| instance.ends.is_none_or(|ends| now < ends + DRAIN));
        }
    }

    pub fn is_listed(&self, at: f64) -> bool {
        at + LISTED_AFTER <= self.now
    }

    pub fn fault(&self, call: &str) -> Option<FaultKind> {
        let hit = |fault: &&Fault| fault.call == call && (fault.from..fault.until).contains(&self.now);
        self.faults.iter().find(hit).map(|fault| fault.kind)
    }

    /// How often something was called in a span of time.
    pub fn called(&self, call: &str, span: std::ops::Range<f64>) -> usize {
        self.calls.iter().filter(|(at, name)| span.contains(at) && name.starts_with(call)).count()
    }
}

pub const USER: &str = "a user request explicitly set group desired capacity";

/// The plane on virtual time.
#[derive(Clone)]
pub struct ControlPlane {
    plane: Arc<Mutex<Plane>>,
    start: tokio::time::Instant,
}

impl ControlPlane {
    pub fn new() -> ControlPlane {
        ControlPlane { plane: Arc::new(Mutex::new(Plane::new())), start: tokio::time::Instant::now() }
    }

    /// As it is now.
    pub fn plane(&self) -> MutexGuard<'_, Plane> {
        let mut plane = self.plane.lock().unwrap();
        plane.advance(self.start.elapsed().as_secs_f64());
        plane
    }

    /// The wall clock of the test.
    pub fn wall(&self) -> SystemTime {
        wall(self.start.elapsed().as_secs_f64())
    }

    pub fn instant(&self, seconds: f64) -> std::time::Instant {
        self.start.into_std() + Duration::from_secs_f64(seconds)
    }

    /// What an SDK client needs to talk to it.
    pub fn config(&self) -> SdkConfig {
        let plane = self.clone();
        let http = infallible_client_fn(move |request: http::Request<SdkBody>| plane.answer(&request));
        let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None, "test");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .retry_config(RetryConfig::standard().with_max_attempts(4))
            .http_client(http)
            .build()
    }

    fn answer(&self, http: &http::Request<SdkBody>) -> http::Response<SdkBody> {
        assert!(http.headers().contains_key("authorization"), "{} is not signed", http.uri());
        let request = Request::read(http);
        let mut plane = self.plane();
        let now = plane.now;
        plane.calls.push((now, request.summary()));
        let (status, body) = match plane.fault(&request.call) {
            Some(FaultKind::Lost) => match request.answer(&mut plane) {
                (200, _) => error(&request, FaultKind::Lost),
                refused => refused,
            },
            Some(fault) => error(&request, fault),
            None => request.answer(&mut plane),
        };
        let response = http::Response::builder().status(status);
        let response = match request.protocol {
            Protocol::Cbor => response.header("smithy-protocol", "rpc-v2-cbor"),
            Protocol::Query | Protocol::Json => response,
        };
        response.body(SdkBody::from(body)).unwrap()
    }
}

fn error(request: &Request, fault: FaultKind) -> (u16, Vec<u8>) {
    let (status, code, message) = match fault {
        FaultKind::Throttled => (400, "Throttling", "Rate exceeded"),
        FaultKind::Broken | FaultKind::Lost => (503, "ServiceUnavailable", "try again"),
        FaultKind::Denied => (403, "AccessDenied", "User: arn:aws:iam::123456789012:user/ci is not authorized"),
        FaultKind::Expired => (403, "ExpiredToken", "The security token included in the request is expired"),
        FaultKind::Exceeded => (400, "APICallRateForCustomerExceeded", "You have exceeded the allowed rate"),
    };
    let body = match request.protocol {
        Protocol::Cbor => cloudwatch_error(code, message),
        Protocol::Query => query_error(code, message),
        Protocol::Json => json_error(code, message),
    };
    (status, body)
}

/// A wall clock on a whole second, as AWS cuts its stamps off there.
pub fn wall(seconds: f64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_790_000_000) + Duration::from_secs_f64(seconds.max(0.0))
        - Duration::from_secs_f64((-seconds).max(0.0))
}

pub fn stamp(seconds: f64) -> String {
    let time = time::OffsetDateTime::from(wall(seconds)).replace_nanosecond(0).unwrap();
    time.format(&time::format_description::well_known::Rfc3339).unwrap()
}
