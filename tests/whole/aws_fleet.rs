//! A fleet on AWS as a whole: the program finds a control plane by `AWS_ENDPOINT_URL`, and that tells of a real lab, and
//! changes it. What AWS would take minutes for takes seconds here, so no timing of AWS is tested.

use crate::audit::audit;
use crate::support::{Reply, Request, Server, start};
use aws_smithy_cbor::Encoder;
use aws_smithy_types::DateTime;
use rushhour::fleet::Fleet as _;
use rushhour::history::{EventKind, MetricSeries, Notice};
use rushhour::lab::{Lab, LabOptions};
use rushhour::plan::{Action, AutoscalerPlan, Distribution, LabPlan, LabStore, Secret, StoreKind, WarmUp};
use rushhour::record::RecordedRun;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::mpsc::unbounded_channel;

const PASSWORD: &str = "correct horse";
const TARGET_GROUP: &str = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web/73e2d6bc24d8a067";

fn lab_plan() -> LabPlan {
    LabPlan {
        instances: 2,
        zones: vec!["eu-central-1a".to_owned(), "eu-central-1b".to_owned()],
        // An instance serves 12.5 requests a second. The shoppers send 28, more than two instances can serve.
        workers: 1,
        service_time: Distribution::Constant { seconds: 0.08 },
        boot_time: Duration::from_secs(2),
        warm_up: WarmUp { factor: 1.0, lasts: Duration::ZERO },
        drain: Duration::from_secs(1),
        health_interval: Duration::from_millis(500),
        session_ttl: Duration::from_secs(600),
        absolute_timeout: Duration::from_secs(3600),
        tls: false,
        store: LabStore { kind: StoreKind::Single, ..LabStore::default() },
        autoscaler: Some(AutoscalerPlan {
            min: 1,
            max: 4,
            requests_per_target: 10.0,
            period: Duration::from_secs(5),
            datapoints: 2,
            warm_up: Duration::from_secs(60),
            scale_in_cooldown: Duration::from_secs(60),
            scale_in_datapoints: None,
        }),
        defect: None,
        users: 200,
    }
}

#[derive(Default)]
struct Seen {
    desired: u32,
    instances: BTreeMap<String, Instance>,
    /// Who was launched, when, and why.
    launches: Vec<(String, SystemTime, String)>,
    alarms: Vec<(SystemTime, bool, f64, f64)>,
    why: String,
    calls: Vec<String>,
    /// Bodies of PutMetricData.
    published: Vec<Vec<u8>>,
}

#[derive(Default)]
struct Instance {
    zone: String,
    in_service: bool,
    health: &'static str,
}

impl Seen {
    fn note(&mut self, notice: &Notice) {
        let at = SystemTime::now() - notice.at.elapsed();
        match &notice.kind {
            EventKind::ActivityStarted { from, to, cause } => {
                self.desired = *to;
                self.why = format!("At {} {cause} changing the desired capacity from {from} to {to}.", stamp(at));
            }
            EventKind::AlarmRaised { metric, target } => self.alarms.push((at, true, *metric, *target)),
            EventKind::AlarmCleared { metric, target } => self.alarms.push((at, false, *metric, *target)),
            EventKind::InstanceLaunched { instance, zone } => {
                let launched = Instance { zone: zone.clone(), in_service: false, health: "initial" };
                self.instances.insert(instance.clone(), launched);
                self.launches.push((instance.clone(), at, self.why.clone()));
            }
            EventKind::InstanceGone { instance, .. } => drop(self.instances.remove(instance)),
            kind => {
                let Some(instance) = kind.instance().and_then(|id| self.instances.get_mut(id)) else { return };
                match kind {
                    EventKind::InstanceInService { .. } => instance.in_service = true,
                    EventKind::InstanceHealthy { .. } => instance.health = "healthy",
                    EventKind::InstanceDraining { .. } => instance.health = "draining",
                    _ => {}
                }
            }
        }
    }
}

/// The body as it was before it was compressed for the way.
fn unpacked(request: &Request) -> Vec<u8> {
    match request.header("content-encoding") {
        Some("gzip") => {
            let mut body = Vec::new();
            flate2::read::GzDecoder::new(request.body.as_slice()).read_to_end(&mut body).unwrap();
            body
        }
        _ => request.body.clone(),
    }
}

fn stamp(at: SystemTime) -> String {
    OffsetDateTime::from(at).replace_nanosecond(0).unwrap().format(&Rfc3339).unwrap()
}

fn element(name: &str, content: impl std::fmt::Display) -> String {
    format!("<{name}>{content}</{name}>")
}

fn members(items: impl Iterator<Item = String>) -> String {
    items.map(|item| element("member", item)).collect()
}

fn groups(seen: &Seen) -> String {
    let instances = seen.instances.iter().map(|(id, instance)| {
        let lifecycle = match (instance.health, instance.in_service) {
            ("draining", _) => "Terminating",
            (_, true) => "InService",
            (_, false) => "Pending",
        };
        element("InstanceId", id) + &element("AvailabilityZone", &instance.zone) + &element("LifecycleState", lifecycle)
    });
    let tag = element("Key", "rushhour:allow") + &element("Value", "set-capacity");
    let group = element("AutoScalingGroupName", "web")
        + &element("MinSize", 1)
        + &element("MaxSize", 4)
        + &element("DesiredCapacity", seen.desired)
        + &element("AvailabilityZones", members(["eu-central-1a", "eu-central-1b"].map(str::to_owned).into_iter()))
        + &element("HealthCheckType", "EC2")
        + &element("TargetGroupARNs", element("member", TARGET_GROUP))
        + &element("Instances", members(instances))
        + &element("Tags", element("member", tag));
    element("AutoScalingGroups", element("member", group))
}

fn activities(seen: &Seen) -> String {
    let activities = seen.launches.iter().rev().map(|(id, at, why)| {
        let status = if seen.instances.get(id).is_some_and(|i| !i.in_service) { "InProgress" } else { "Successful" };
        element("ActivityId", format!("launch-{id}"))
            + &element("Description", format!("Launching a new EC2 instance: {id}"))
            + &element("Cause", why)
            + &element("StartTime", stamp(*at))
            + &element("StatusCode", status)
    });
    element("Activities", members(activities))
}

fn target_health(seen: &Seen) -> String {
    let targets = seen.instances.iter().map(|(id, instance)| {
        element("Target", element("Id", id)) + &element("TargetHealth", element("State", instance.health))
    });
    element("TargetHealthDescriptions", members(targets))
}

fn policies() -> String {
    let alarms = element("Alarms", element("member", element("AlarmName", "high")));
    let tracking = element("TargetTrackingConfiguration", element("TargetValue", 10.0));
    element("ScalingPolicies", element("member", element("PolicyName", "rate") + &tracking + &alarms))
}

fn cloudwatch(call: &str, seen: &Seen) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    if call == "GetMetricData" {
        return metrics();
    }
    if call == "DescribeAlarms" {
        encoder.map(1).str("MetricAlarms").array(1).map(2).str("AlarmName").str("high").str("Threshold").double(10.0);
        return encoder.into_writer();
    }
    encoder.map(1).str("AlarmHistoryItems").array(seen.alarms.len());
    for (at, raised, metric, threshold) in &seen.alarms {
        let data = serde_json::json!({ "newState": {
            "stateValue": if *raised { "ALARM" } else { "OK" },
            "stateReasonData": { "recentDatapoints": [metric], "threshold": threshold },
        } });
        encoder.map(3).str("AlarmName").str("high").str("Timestamp").timestamp(&DateTime::from(*at));
        encoder.str("HistoryData").str(&data.to_string());
    }
    encoder.into_writer()
}

/// As many of those that are asked for have a value.
const METRICS: usize = 8;

/// A value of a minute, for each of some metrics.
fn metrics() -> Vec<u8> {
    // The minute before this one: the run was in it.
    let minute = OffsetDateTime::now_utc().unix_timestamp() / 60 * 60 - 60;
    let mut encoder = Encoder::new(Vec::new());
    encoder.map(1).str("MetricDataResults").array(METRICS);
    for at in 0..METRICS {
        encoder.map(4).str("Id").str(&format!("m{at}")).str("StatusCode").str("Complete");
        encoder.str("Timestamps").array(1).timestamp(&DateTime::from_secs(minute)).str("Values").array(1).double(3.0);
    }
    encoder.into_writer()
}

fn target_groups() -> String {
    let balancer = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188";
    let group = element("TargetGroupArn", TARGET_GROUP) + &element("LoadBalancerArns", element("member", balancer));
    element("TargetGroups", element("member", group))
}

/// A lab, with who tells of it as AWS would.
struct Deployment {
    lab: Lab,
    seen: Arc<Mutex<Seen>>,
    runtime: tokio::runtime::Runtime,
}

impl Deployment {
    fn start() -> Arc<Deployment> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (notices, mut heard) = unbounded_channel();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let noting = seen.clone();
        runtime.spawn(async move {
            while let Some(notice) = heard.recv().await {
                noting.lock().unwrap().note(&notice);
            }
        });
        let options = LabOptions {
            program: PathBuf::from(env!("CARGO_BIN_EXE_rushhour")),
            user_prefix: "user-".to_owned(),
            password: Secret::new(PASSWORD),
        };
        let lab = runtime.block_on(Lab::start(&lab_plan(), options, notices)).unwrap_or_else(|error| panic!("{error}"));
        seen.lock().unwrap().desired = 2;
        Arc::new(Deployment { lab, seen, runtime })
    }

    fn answer(&self, request: &Request) -> Reply {
        assert!(request.header("authorization").is_some_and(|value| value.starts_with("AWS4-HMAC-SHA256")));
        if let Some((_, call)) = request.path.rsplit_once("/operation/") {
            let mut seen = self.seen.lock().unwrap();
            if call == "PutMetricData" {
                seen.published.push(unpacked(request));
                return Reply::with("200 OK", "smithy-protocol: rpc-v2-cbor\r\n", "");
            }
            let body = cloudwatch(call, &seen);
            drop(seen);
            let head =
                format!("HTTP/1.1 200 OK\r\nsmithy-protocol: rpc-v2-cbor\r\nContent-Length: {}\r\n\r\n", body.len());
            return Reply::Bytes([head.as_bytes(), &body].concat());
        }
        let asked: BTreeMap<String, String> = url::form_urlencoded::parse(&request.body).into_owned().collect();
        let call = asked["Action"].as_str();
        let mut seen = self.seen.lock().unwrap();
        seen.calls.push(call.to_owned());
        let result = match call {
            "DescribeAutoScalingGroups" => groups(&seen),
            "DescribeScalingActivities" => activities(&seen),
            "DescribeTargetGroups" => target_groups(),
            "DescribeTargetHealth" => target_health(&seen),
            "DescribePolicies" => policies(),
            "SetDesiredCapacity" => {
                drop(seen);
                let to = asked["DesiredCapacity"].parse().unwrap();
                self.runtime.block_on(self.lab.apply(&Action::SetCapacity { to })).unwrap();
                String::new()
            }
            // What only the audit reads.
            "DescribeTargetGroupAttributes" | "DescribeLoadBalancers" => {
                let error = element("Code", "AccessDenied") + &element("Message", "User is not authorized");
                let body = element("ErrorResponse", element("Error", error));
                return Reply::with("403 Forbidden", "Content-Type: text/xml\r\n", &body);
            }
            other => panic!("nobody should call {other}"),
        };
        let result = element(&format!("{call}Result"), result);
        Reply::with("200 OK", "Content-Type: text/xml\r\n", &element(&format!("{call}Response"), result))
    }
}

fn profile(url: &str) -> String {
    format!(
        r#"
[target]
url = "{url}"

[users]
generate = 200
name = "user-{{n}}"
password = {{ env = "LAB_PASSWORD" }}

[workload]
stages = ["2/s for 75s"]
arrivals = "even"
max_sessions = 120
grace = "5s"

[fleet]
provider = "aws"
capacity_per_instance = "12.5/s"

[fleet.aws]
region = "eu-central-1"
auto_scaling_group = "web"
cloudwatch_settle = "1s"
allow = ["set-capacity"]

[publish.cloudwatch]
namespace = "peak-hours"

[[timeline]]
at = "65s"
do = "set-capacity"
to = 4

[session]
rejected = [{{ status = 401 }}]
identity = {{ header = "x-user", equals = "{{{{user.name}}}}" }}
states = {{ cart = "counter" }}

[[scenarios]]
name = "shopper"
think = "1s"

[[scenarios.steps]]
name = "login"
post = "/api/login"
login = true
json = {{ username = "{{{{user.name}}}}", password = "{{{{user.password}}}}" }}
extract = {{ bearer = {{ json = "/token" }} }}

[[scenarios.steps]]
name = "add-to-cart"
post = "/cart"
headers = {{ authorization = "Bearer {{{{bearer}}}}" }}
json = {{ item = "item-1", quantity = 1 }}
adds = {{ cart = 1 }}
proves_identity = true
repeat = 12

[[scenarios.steps]]
name = "me"
get = "/me"
headers = {{ authorization = "Bearer {{{{bearer}}}}" }}
proves_identity = true

[[objectives]]
metric = "re-logins"
at_most = 0

[[objectives]]
metric = "response-time p90"
at_most = "200ms"
"#
    )
}

#[test]
fn a_scale_out_on_aws_is_reported_as_one_of_the_lab_is() {
    let deployment = Deployment::start();
    let answering = deployment.clone();
    let plane = Server::start(move |request| answering.answer(request));
    let url = plane.url();
    let environment = [
        ("AWS_ENDPOINT_URL", url.as_str()),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("LAB_PASSWORD", PASSWORD),
    ];
    let before: Vec<String> = environment.iter().map(|(name, value)| format!("export {name}='{value}'")).collect();
    let before = before.join("; ");
    let ended = start(&profile(&deployment.lab.url().unwrap()), &[], Some(&before)).end();
    let analysis = ended.analysis();
    let stages = analysis["analysis"]["stages"].as_array().unwrap_or_else(|| panic!("{analysis:#}"));
    let first = stages.iter().find(|stages| stages["instance"] == "i-3").unwrap_or_else(|| panic!("{analysis:#}"));
    let sources: BTreeMap<&str, &str> = [
        ("t0_load_exceeds_capacity", "rows"),
        ("t1_objective_broken", "rows: response-time p90 ≤ 200ms"),
        ("t2_alarm", "alarm"),
        ("t3_activity", "provider"),
        ("t4_launched", "provider"),
        ("t5_in_service", "provider"),
        ("t6_healthy", "balancer"),
        ("t7_first_response", "responses"),
        ("t8_first_adoption", "responses"),
        ("t9_fair_share", "rows"),
        ("t10_objective_holds", "rows: response-time p90 ≤ 200ms"),
    ]
    .into();
    for (stage, source) in sources {
        assert_eq!(first[stage]["source"], source, "{stage}: {first:#}");
    }
    let said = ended.stderr.to_lowercase() + &ended.stdout.to_lowercase();
    assert!(!said.contains("trouble"), "{said}");
    let called: BTreeSet<String> = deployment.seen.lock().unwrap().calls.iter().cloned().collect();
    assert!(called.contains("SetDesiredCapacity"), "{called:?}");
    // What the timeline changed is put back: the policy had made it three.
    assert_eq!(deployment.seen.lock().unwrap().desired, 3);
    assert!(!ended.run_directory().join("aws-undo.json").exists());
    // CloudWatch's figures are part of the record and of the page. What it has no figures of is there, too.
    let metrics = RecordedRun::open(&ended.run_directory()).unwrap().cloudwatch.unwrap();
    assert_eq!(metrics.trouble, Vec::<String>::new());
    let has_figures = |series: &&MetricSeries| series.points.iter().any(|point| point.value == 3.0);
    let figures: Vec<&str> = metrics.series.iter().filter(has_figures).map(|series| series.metric.as_str()).collect();
    assert_eq!((figures.len(), metrics.series.len() > figures.len()), (METRICS, true), "{figures:?}");
    assert!(figures.contains(&"TargetResponseTime"), "{figures:?}");
    assert!(ended.run_directory().join("charts/cloudwatch-balancer.svg").exists());
    // The results are metrics, under the profile's namespace.
    let published = std::mem::take(&mut deployment.seen.lock().unwrap().published);
    let told = |word: &str| published.iter().any(|body| body.windows(word.len()).any(|part| part == word.as_bytes()));
    for word in ["peak-hours", "Passed", "Survival", "AdoptionTimeP50", "ResponseTimeP99"] {
        assert!(told(word), "{word} is not published");
    }
    audit_finds_what_aws_tells(&profile(&deployment.lab.url().unwrap()), &environment);
}

/// What is denied is unknown, what is told is judged, and the application is audited as any other.
fn audit_finds_what_aws_tells(profile: &str, environment: &[(&str, &str)]) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fleet.toml");
    std::fs::write(&file, profile).unwrap();
    let audited = audit(&file, &[], environment);
    let passed = audited.with("passed");
    for name in ["Auto Scaling group spans zones", "group tracks a target", "sessions known everywhere"] {
        assert!(passed.contains(&name), "{name}: {passed:?}");
    }
    let failed = ["group replaces what the balancer finds unhealthy", "default instance warm-up"];
    assert!(failed.iter().all(|name| audited.with("failed").contains(name)), "{:?}", audited.with("failed"));
    assert!(audited.with("unknown").contains(&"target group without stickiness"), "{:?}", audited.with("unknown"));
    assert_eq!(audited.code, Some(3));
    // Also where the application cannot be reached from here.
    std::fs::write(&file, self::profile("http://127.0.0.1:1")).unwrap();
    let audited = audit(&file, &[], environment);
    assert_eq!((audited.code, audited.with("passed").contains(&"group tracks a target")), (Some(2), true));
}
