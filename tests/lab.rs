//! The lab as a whole: real HAProxy, real Redis, instances as processes.

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rushhour::fleet::Fleet as _;
use rushhour::history::{EventKind, EventSource, Notice};
use rushhour::lab::{Lab, LabOptions};
use rushhour::plan::{
    Action, AutoscalerPlan, Defect, Distribution, EvictionPolicy, Failover, Farewell, InstanceChoice, LabPlan,
    LabStore, Outage, Persistence, Pick, Secret, StoreAccess, StoreKind, WarmUp,
};
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinSet;

const RUSHHOUR: &str = env!("CARGO_BIN_EXE_rushhour");
const DEADLINE: Duration = Duration::from_secs(30);

fn plan() -> LabPlan {
    LabPlan {
        instances: 2,
        zones: vec!["zone-a".to_owned(), "zone-b".to_owned()],
        workers: 8,
        service_time: Distribution::Constant { seconds: 0.002 },
        boot_time: Duration::from_secs(1),
        warm_up: WarmUp { factor: 1.0, lasts: Duration::ZERO },
        drain: Duration::from_millis(700),
        health_interval: Duration::from_millis(200),
        session_ttl: Duration::from_secs(600),
        absolute_timeout: Duration::from_secs(3600),
        tls: false,
        store: LabStore { kind: StoreKind::Single, ..LabStore::default() },
        autoscaler: None,
        defect: None,
        users: 10,
    }
}

struct Started {
    lab: Box<Lab>,
    notices: UnboundedReceiver<Notice>,
    seen: Vec<Notice>,
}

async fn start(plan: &LabPlan) -> Started {
    start_by(PathBuf::from(RUSHHOUR), plan).await
}

async fn start_by(program: PathBuf, plan: &LabPlan) -> Started {
    let (sender, notices) = unbounded_channel();
    let options = LabOptions { program, user_prefix: "user-".to_owned(), password: Secret::new("correct horse") };
    let lab = Lab::start(plan, options, sender).await.unwrap_or_else(|error| panic!("{error}"));
    Started { lab: Box::new(lab), notices, seen: Vec::new() }
}

impl Started {
    /// The next event that `wanted` picks; those before it are kept in `seen`.
    async fn until(&mut self, what: &str, wanted: impl Fn(&EventKind) -> bool) -> Notice {
        let next = async {
            loop {
                let notice = self.notices.recv().await.expect("the lab is up");
                self.seen.push(notice.clone());
                if wanted(&notice.kind) {
                    return notice;
                }
            }
        };
        tokio::time::timeout(DEADLINE, next).await.unwrap_or_else(|_| panic!("no {what}"))
    }

    fn address(&self) -> String {
        let url = self.lab.url().expect("a lab has a URL");
        url.split_once("://").expect("it is absolute").1.to_owned()
    }
}

/// What a small steady load was answered.
#[derive(Default)]
struct Answers {
    /// By instance and zone.
    served: BTreeMap<(String, String), Served>,
    failures: Vec<String>,
}

struct Served {
    first: Instant,
    count: u64,
}

struct Load {
    answers: Arc<Mutex<Answers>>,
    users: JoinSet<()>,
}

impl Load {
    /// Users that each keep a connection and send a request every 10 ms.
    fn start(address: &str, users: u32) -> Load {
        let answers = Arc::new(Mutex::new(Answers::default()));
        let mut set = JoinSet::new();
        for _ in 0..users {
            set.spawn(send_forever(address.to_owned(), answers.clone()));
        }
        Load { answers, users: set }
    }

    fn served_by(&self, instance: &str) -> u64 {
        let answers = self.answers.lock().unwrap();
        answers.served.iter().filter(|((name, _), _)| name == instance).map(|(_, served)| served.count).sum()
    }

    async fn until_served_by(&self, instance: &str, count: u64) {
        until(&format!("{count} requests served by {instance}"), || self.served_by(instance) >= count).await;
    }

    async fn stop(mut self) -> Answers {
        self.users.shutdown().await;
        Arc::into_inner(self.answers).expect("all users are gone").into_inner().unwrap()
    }
}

async fn connect(address: &str) -> SendRequest<Empty<Bytes>> {
    let stream = TcpStream::connect(address).await.expect("the balancer listens");
    let (sender, connection) = handshake(TokioIo::new(stream)).await.expect("a connection");
    tokio::spawn(connection);
    sender
}

async fn send_forever(address: String, answers: Arc<Mutex<Answers>>) {
    let mut sender = connect(&address).await;
    let mut ticks = tokio::time::interval(Duration::from_millis(10));
    loop {
        ticks.tick().await;
        let request = Request::get("/login").header("host", &address).body(Empty::<Bytes>::new()).unwrap();
        let response = match sender.send_request(request).await {
            Ok(response) => response,
            Err(error) => {
                note(&answers, Err(error.to_string()));
                sender = connect(&address).await;
                continue;
            }
        };
        let (head, body) = response.into_parts();
        let body = body.collect().await.map(|body| body.to_bytes());
        let header = |name: &str| head.headers.get(name).map_or_else(String::new, |v| v.to_str().unwrap().to_owned());
        let served = (head.status == StatusCode::OK && body.is_ok())
            .then(|| (header("x-instance"), header("x-zone")))
            .ok_or_else(|| format!("{} from {:?}: {body:?}", head.status, header("x-instance")));
        note(&answers, served);
        if sender.ready().await.is_err() {
            sender = connect(&address).await;
        }
    }
}

fn note(answers: &Mutex<Answers>, served: Result<(String, String), String>) {
    let mut answers = answers.lock().unwrap();
    match served {
        Ok(by) => answers.served.entry(by).or_insert(Served { first: Instant::now(), count: 0 }).count += 1,
        Err(failure) => answers.failures.push(failure),
    }
}

async fn until(what: &str, reached: impl Fn() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !reached() {
        assert!(Instant::now() < deadline, "not within {DEADLINE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn is_healthy(kind: &EventKind, wanted: &str) -> bool {
    matches!(kind, EventKind::InstanceHealthy { instance, .. } if instance == wanted)
}

/// All processes below this one, by number.
fn descendants(of: u32) -> Vec<u32> {
    let listing = Command::new("ps").args(["-Ao", "pid=,ppid="]).output().expect("ps runs");
    let pairs: Vec<(u32, u32)> = String::from_utf8(listing.stdout)
        .unwrap()
        .lines()
        .filter_map(|line| {
            let mut numbers = line.split_whitespace().filter_map(|number| number.parse().ok());
            Some((numbers.next()?, numbers.next()?))
        })
        .collect();
    let mut found = vec![of];
    let mut at = 0;
    while at < found.len() {
        let parent = found[at];
        found.extend(pairs.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
        at += 1;
    }
    found.split_off(1)
}

fn is_alive(pid: u32) -> bool {
    let state = Command::new("ps").args(["-o", "stat=", "-p", &pid.to_string()]).output().expect("ps runs");
    let state = String::from_utf8(state.stdout).unwrap();
    !state.trim().is_empty() && !state.trim().starts_with('Z')
}

async fn until_gone(pids: &[u32], directory: &Path) {
    until("its processes end", || !pids.iter().any(|pid| is_alive(*pid))).await;
    until("its directory is removed", || !directory.exists()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn grows_and_shrinks_under_load_without_a_failed_request() {
    let mut lab = start(&plan()).await;
    let load = Load::start(&lab.address(), 6);
    load.until_served_by("i-1", 20).await;
    load.until_served_by("i-2", 20).await;

    lab.lab.apply(&Action::ScaleOut { by: 1 }).await.unwrap();
    let activity =
        lab.until("activity", |kind| matches!(kind, EventKind::ActivityStarted { from: 2, to: 3, .. })).await;
    let launched = lab
        .until("launch", |kind| matches!(kind, EventKind::InstanceLaunched { instance, .. } if instance == "i-3"))
        .await;
    let in_service = lab.until("in service", |kind| matches!(kind, EventKind::InstanceInService { .. })).await;
    let healthy = lab.until("i-3 healthy", |kind| is_healthy(kind, "i-3")).await;
    assert_eq!((launched.source, healthy.source), (EventSource::Provider, EventSource::Balancer));
    assert!(activity.at <= launched.at && launched.at < in_service.at && in_service.at < healthy.at);
    assert!(in_service.at - launched.at >= plan().boot_time - Duration::from_millis(100));
    load.until_served_by("i-3", 20).await;
    let gauges = lab.lab.gauges().unwrap();
    assert_eq!((gauges.desired, gauges.launched, gauges.healthy), (3, 3, 3));
    assert!(lab.lab.store().is_some());

    lab.lab.apply(&Action::ScaleIn { by: 1 }).await.unwrap();
    lab.until("i-3 draining", |kind| matches!(kind, EventKind::InstanceDraining { instance, .. } if instance == "i-3"))
        .await;
    lab.until(
        "i-3 gone",
        |kind| matches!(kind, EventKind::InstanceGone { instance, expected: true, .. } if instance == "i-3"),
    )
    .await;
    let after = load.served_by("i-1");
    load.until_served_by("i-1", after + 20).await;

    let answers = load.stop().await;
    assert_eq!(answers.failures, Vec::<String>::new());
    let zones: Vec<(&str, &str)> = answers.served.keys().map(|(i, zone)| (i.as_str(), zone.as_str())).collect();
    assert_eq!(zones, [("i-1", "zone-a"), ("i-2", "zone-b"), ("i-3", "zone-a")]);
    // HAProxy's view is up to one look old, so the first answer may be that much before the notice.
    let first = answers.served[&("i-3".to_owned(), "zone-a".to_owned())].first;
    assert!(first + healthy.resolution >= healthy.at, "served before it was healthy");
    assert!(first > in_service.at - in_service.resolution, "served before it was in service");
    let bad = |notice: &&Notice| matches!(notice.kind, EventKind::Trouble { .. } | EventKind::InstanceUnhealthy { .. });
    assert_eq!(lab.seen.iter().filter(bad).map(|notice| &notice.kind).collect::<Vec<_>>(), Vec::<&EventKind>::new());
    lab.lab.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replaces_an_instance_that_dies() {
    let mut lab = start(&plan()).await;
    lab.until("i-2 healthy", |kind| is_healthy(kind, "i-2")).await;
    let instances = lab.lab.instances();
    let victim = instances.iter().find(|(name, _)| name == "i-1").expect("i-1 runs").1;
    kill_9(victim);
    lab.until(
        "i-1 gone",
        |kind| matches!(kind, EventKind::InstanceGone { instance, expected: false, .. } if instance == "i-1"),
    )
    .await;
    let healthy = lab.until("i-3 healthy", |kind| is_healthy(kind, "i-3")).await;
    assert!(matches!(healthy.kind, EventKind::InstanceHealthy { zone, .. } if zone == "zone-a"));
    lab.lab.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sticky_balancer_pins_a_client_by_cookie() {
    let lab = start(&LabPlan { defect: Some(Defect::StickyLocalSessions), ..plan() }).await;
    let address = lab.address();
    let mut sender = connect(&address).await;
    let mut cookie = None;
    let mut served_by = std::collections::BTreeSet::new();
    for _ in 0..10 {
        sender.ready().await.unwrap();
        let mut request = Request::get("/livez").header("host", &address);
        if let Some(cookie) = &cookie {
            request = request.header("cookie", cookie);
        }
        let response = sender.send_request(request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
        if cookie.is_none() {
            let set = response.headers()["set-cookie"].to_str().unwrap();
            assert!(set.starts_with("AWSALB="), "{set}");
            cookie = set.split(';').next().map(str::to_owned);
        }
        served_by.insert(response.headers()["x-instance"].to_str().unwrap().to_owned());
        response.into_body().collect().await.unwrap();
    }
    assert_eq!(served_by.len(), 1, "{served_by:?}");
    lab.lab.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lab_that_cannot_start_says_why_and_leaves_nothing() {
    let (sender, _notices) = unbounded_channel();
    // A program that has none of the sub-commands.
    let options = LabOptions {
        program: PathBuf::from("/bin/cat"),
        user_prefix: "user-".to_owned(),
        password: Secret::new("correct horse"),
    };
    let error = Lab::start(&plan(), options, sender).await.unwrap_err();
    assert_eq!(error.to_string(), "the lab's guard did not start: it did not name the lab's directory");
}

/// rushhour, except that the first start of this relay finds its port taken.
fn without_the_port_of(folder: &Path, relay: usize) -> PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let program = folder.join("rushhour");
    let script = format!(
        r#"#!/bin/sh
        cd '{}'
        if [ "$1" = relay ] && ! [ -e taken ]; then
            : > "relay.$$"
            if [ "$(ls relay.* | wc -l)" -ge {relay} ]; then
                : > taken
                echo 'Address already in use (os error 98)' >&2
                exit 1
            fi
        fi
        exec '{RUSHHOUR}' "$@"
        "#,
        folder.display()
    );
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    program
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_whose_port_is_taken_has_the_store_started_again() {
    for (kind, relay) in
        [(StoreKind::Sentinel, 1), (StoreKind::Sentinel, 3), (StoreKind::Cluster, 1), (StoreKind::Cluster, 6)]
    {
        let folder = tempfile::tempdir().unwrap();
        let program = without_the_port_of(folder.path(), relay);
        let plan =
            LabPlan { store: LabStore { kind, link_delay: Duration::from_millis(1), ..LabStore::default() }, ..plan() };
        let lab = start_by(program, &plan).await.lab;
        assert!(folder.path().join("taken").exists(), "{kind:?}, {relay}: that relay was started");
        let Some(StoreAccess::Redis(access)) = lab.store() else { panic!("the store is a Redis") };
        for node in access.nodes {
            TcpStream::connect(&node.address).await.unwrap_or_else(|error| panic!("{kind:?}: {}: {error}", node.name));
        }
        lab.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_balancer_that_dies_comes_back_with_its_instances() {
    let mut lab = start(&plan()).await;
    let haproxy = |lab: &Lab| lab.daemons().find(|(name, _)| name.starts_with("haproxy")).map(|(_, pid)| pid);
    let victim = haproxy(&lab.lab).expect("HAProxy runs");
    kill_9(victim);
    lab.until("trouble", |kind| matches!(kind, EventKind::Trouble { what } if what.contains("HAProxy ended"))).await;
    lab.until("an instance unhealthy", |kind| matches!(kind, EventKind::InstanceUnhealthy { .. })).await;
    lab.until("an instance healthy", |kind| matches!(kind, EventKind::InstanceHealthy { .. })).await;
    until("both are healthy", || lab.lab.gauges().unwrap().healthy == 2).await;
    assert_ne!(haproxy(&lab.lab), Some(victim));
    let load = Load::start(&lab.address(), 2);
    load.until_served_by("i-1", 5).await;
    load.until_served_by("i-2", 5).await;
    assert_eq!(load.stop().await.failures, Vec::<String>::new());
    lab.lab.shut_down().await;
}

fn one(pick: Pick) -> InstanceChoice {
    InstanceChoice { pick, zone: None }
}

fn is_gone(kind: &EventKind, wanted: &str) -> bool {
    matches!(kind, EventKind::InstanceGone { instance, expected: true, .. } if instance == wanted)
}

fn is_unhealthy(kind: &EventKind, wanted: &str) -> bool {
    matches!(kind, EventKind::InstanceUnhealthy { instance, .. } if instance == wanted)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_instance_is_missed_by_the_balancer_and_then_replaced() {
    let mut lab = start(&plan()).await;
    let done = lab.lab.apply(&Action::KillInstance { which: one(Pick::Oldest) }).await.unwrap();
    assert_eq!(done, "i-1 in zone-a");
    lab.until("i-1 gone", |kind| is_gone(kind, "i-1")).await;
    lab.until("i-1 missed", |kind| is_unhealthy(kind, "i-1")).await;
    lab.until("i-3 healthy", |kind| is_healthy(kind, "i-3")).await;
    let refused = lab.lab.apply(&Action::KillInstance { which: one(Pick::Id("i-1".into())) }).await.unwrap_err();
    assert_eq!(refused.to_string(), "`kill-instance` was refused: i-1 is not there; there are i-2, i-3");
    lab.lab.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_instance_is_found_out_by_the_health_check_and_replaced() {
    let mut lab = start(&plan()).await;
    let frozen = lab.lab.instances().into_iter().find(|(name, _)| name == "i-2").unwrap().1;
    lab.lab.apply(&Action::FreezeInstance { which: one(Pick::Newest) }).await.unwrap();
    lab.until("i-2 frozen", |kind| matches!(kind, EventKind::InstanceFrozen { instance, .. } if instance == "i-2"))
        .await;
    lab.until("i-2 found out", |kind| is_unhealthy(kind, "i-2")).await;
    lab.until("i-2 gone", |kind| is_gone(kind, "i-2")).await;
    assert!(!is_alive(frozen));
    lab.until("i-3 healthy", |kind| is_healthy(kind, "i-3")).await;
    lab.lab.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_instance_fails_no_request() {
    let mut lab = start(&plan()).await;
    let load = Load::start(&lab.address(), 6);
    load.until_served_by("i-1", 20).await;
    lab.lab.apply(&Action::StopInstance { which: one(Pick::Id("i-1".into())) }).await.unwrap();
    lab.until("i-1 draining", |kind| matches!(kind, EventKind::InstanceDraining { .. })).await;
    lab.until("i-1 gone", |kind| is_gone(kind, "i-1")).await;
    load.until_served_by("i-3", 20).await;
    assert_eq!(load.stop().await.failures, Vec::<String>::new());
    lab.lab.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_replacement_fails_no_request_and_stands_alone() {
    let mut lab = start(&plan()).await;
    let load = Load::start(&lab.address(), 6);
    load.until_served_by("i-1", 20).await;
    let rolling =
        Action::RollingReplace { batch: 1, pause: Duration::ZERO, within: DEADLINE, farewell: Farewell::Drained };
    let (done, second) = tokio::join!(lab.lab.apply(&rolling), async {
        until("a third instance", || lab.lab.instances().len() > 2).await;
        // An outage may go on beside it, another replacement may not.
        lab.lab.apply(&rolling).await
    });
    assert_eq!(done.unwrap(), "2 instances replaced");
    let second = second.unwrap_err().to_string();
    assert_eq!(second, "`rolling-replace` was refused: instances are being replaced already");
    lab.until("i-2 gone", |kind| is_gone(kind, "i-2")).await;
    let names: Vec<String> = lab.lab.instances().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["i-3", "i-4"]);
    load.until_served_by("i-4", 20).await;
    assert_eq!(load.stop().await.failures, Vec::<String>::new());
    let bad = |notice: &&Notice| matches!(notice.kind, EventKind::Trouble { .. } | EventKind::InstanceUnhealthy { .. });
    assert_eq!(lab.seen.iter().filter(bad).map(|notice| &notice.kind).collect::<Vec<_>>(), Vec::<&EventKind>::new());
    lab.lab.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn blue_green_shifts_traffic_step_by_step() {
    let lab = start(&plan()).await;
    let load = Load::start(&lab.address(), 6);
    load.until_served_by("i-1", 20).await;
    // Long enough for the requests that are counted, however busy the machine is.
    let pause = Duration::from_secs(4);
    let steps = vec![0.2, 1.0];
    let action = Action::BlueGreen { steps, pause, within: DEADLINE, farewell: Farewell::Drained };
    let (done, (blue, green)) = tokio::join!(lab.lab.apply(&action), async {
        until("all four healthy", || lab.lab.gauges().unwrap().healthy == 4).await;
        load.until_served_by("i-3", 1).await;
        let before = [load.served_by("i-1"), load.served_by("i-3")];
        load.until_served_by("i-3", before[1] + 20).await;
        (load.served_by("i-1") - before[0], load.served_by("i-3") - before[1])
    });
    assert_eq!(done.unwrap(), "2 instances replaced");
    assert!(blue > 2 * green, "a fifth of the traffic: blue {blue}, green {green}");
    let names: Vec<String> = lab.lab.instances().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["i-3", "i-4"]);
    assert_eq!(load.stop().await.failures, Vec::<String>::new());
    lab.lab.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zone_goes_dark_and_comes_back_evenly() {
    let mut lab = start(&LabPlan { instances: 4, ..plan() }).await;
    let zone = "zone-b".to_owned();
    let outage = Action::ZoneOutage { zone: zone.clone(), how: Outage::Kill };
    assert_eq!(lab.lab.apply(&outage).await.unwrap(), "2 instances of zone-b");
    let again = lab.lab.apply(&outage).await.unwrap_err();
    assert_eq!(again.to_string(), "`zone-outage` was refused: zone-b is dark already");
    // Whichever is first.
    for _ in 0..2 {
        let replacement = |kind: &EventKind| is_healthy(kind, "i-5") || is_healthy(kind, "i-6");
        let healthy = lab.until("a replacement", replacement).await;
        assert!(matches!(healthy.kind, EventKind::InstanceHealthy { zone, .. } if zone == "zone-a"));
    }
    lab.lab.apply(&Action::ZoneRecovery { zone: zone.clone() }).await.unwrap();
    lab.until("i-6 gone", |kind| is_gone(kind, "i-6")).await;
    let gauges = lab.lab.gauges().unwrap();
    assert_eq!((gauges.desired, gauges.launched, gauges.healthy), (4, 4, 4));
    let again = lab.lab.apply(&Action::ZoneRecovery { zone }).await.unwrap_err();
    assert_eq!(again.to_string(), "`zone-recovery` was refused: zone-b is not dark");
    lab.lab.shut_down().await;
}

fn kill_9(pid: u32) {
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid as i32), nix::sys::signal::Signal::SIGKILL).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_autoscaler_answers_a_peak() {
    let autoscaler = AutoscalerPlan {
        min: 2,
        max: 3,
        requests_per_target: 100.0,
        period: Duration::from_millis(500),
        datapoints: 2,
        warm_up: Duration::from_secs(1),
        scale_in_cooldown: Duration::from_secs(60),
        scale_in_datapoints: None,
    };
    let mut lab = start(&LabPlan { autoscaler: Some(autoscaler), ..plan() }).await;
    // 4 users, each a request every 10 ms: at most 200/s and target.
    let load = Load::start(&lab.address(), 4);
    let alarm = lab.until("alarm", |kind| matches!(kind, EventKind::AlarmRaised { .. })).await;
    assert_eq!(alarm.source, EventSource::Alarm);
    assert!(matches!(alarm.kind, EventKind::AlarmRaised { metric, target } if metric > target && target == 100.0));
    lab.until("activity", |kind| matches!(kind, EventKind::ActivityStarted { from: 2, to: 3, .. })).await;
    lab.until("i-3 healthy", |kind| is_healthy(kind, "i-3")).await;
    load.until_served_by("i-3", 20).await;
    assert!(lab.lab.gauges().unwrap().requests_per_target.is_some());
    let refused = lab.lab.apply(&Action::ScaleOut { by: 1 }).await.unwrap_err();
    assert_eq!(refused.to_string(), "`scale-out` was refused: that would make 4 instances, and 2 to 3 are allowed");
    assert_eq!(load.stop().await.failures, Vec::<String>::new());
    lab.lab.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_highly_available_store_and_tls_come_up_and_go_without_a_trace() {
    let lab = start(&LabPlan { store: LabStore::default(), tls: true, ..plan() }).await;
    assert!(lab.lab.url().unwrap().starts_with("https://127.0.0.1:"));
    assert!(lab.lab.ca_file().exists());
    let directory = lab.lab.directory().to_owned();
    let mut pids: Vec<u32> = lab.lab.daemons().map(|(_, pid)| pid).collect();
    assert_eq!(pids.len(), 7, "HAProxy, three servers, three sentinels");
    pids.extend(lab.lab.instances().iter().map(|(_, pid)| pid));
    assert_eq!(pids.len(), 9);
    assert!(pids.iter().all(|pid| is_alive(*pid)));
    lab.lab.shut_down().await;
    // Nothing to wait for: shutting down did.
    assert!(!pids.iter().any(|pid| is_alive(*pid)));
    assert!(!directory.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn killing_the_tool_leaves_nothing() {
    let mut tool =
        Command::new(RUSHHOUR).args(["lab", "up"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(tool.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut directory = None;
    let came_up = lines.by_ref().any(|line| {
        assert!(!line.contains("correct horse"));
        if let Some(path) = line.strip_prefix("files ") {
            directory = Some(PathBuf::from(path.trim()));
        }
        line == "Ctrl-C ends it."
    });
    assert!(came_up, "rushhour lab up came up");
    let directory = directory.expect("it names its directory");
    let pids = descendants(tool.id());
    assert_eq!(pids.len(), 1 + 7 + 2, "a guard, HAProxy and six Redis processes below it, two instances");
    assert!(directory.exists());
    tool.kill().unwrap();
    tool.wait().unwrap();
    until_gone(&pids, &directory).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn interrupting_the_tool_leaves_nothing() {
    let mut tool =
        Command::new(RUSHHOUR).args(["lab", "up"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(tool.stdout.take().unwrap()).lines().map(Result::unwrap);
    let directory = lines.find_map(|line| line.strip_prefix("files ").map(|path| PathBuf::from(path.trim()))).unwrap();
    assert!(lines.any(|line| line == "Ctrl-C ends it."));
    let pids = descendants(tool.id());
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(tool.id() as i32), nix::sys::signal::Signal::SIGTERM).unwrap();
    assert!(tool.wait().unwrap().success());
    assert!(!pids.iter().any(|pid| is_alive(*pid)));
    assert!(!directory.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_fails_over_comes_back_and_is_put_back_to_a_snapshot() {
    let persistence = Persistence::None;
    let store = LabStore { link_delay: Duration::from_millis(20), persistence, ..LabStore::default() };
    let mut lab = start(&LabPlan { store, ..plan() }).await;
    let done = async |action: Action| lab.lab.apply(&action).await.unwrap_or_else(|error| panic!("{error}"));
    let told = done(Action::StoreFailover { how: Failover::Kill }).await;
    assert!(told.contains("took over from redis-1"), "{told}");
    let told = done(Action::StoreRecovery).await;
    assert!(told.contains("redis-1") && told.ends_with("started again"), "{told}");
    let told = done(Action::StoreFailover { how: Failover::Graceful }).await;
    assert!(!told.contains("from redis-1"), "it was a replica: {told}");
    let refused = lab.lab.apply(&Action::Restore).await.unwrap_err();
    assert!(refused.to_string().contains("there is no snapshot"), "{refused}");
    done(Action::Snapshot).await;
    done(Action::Restore).await;
    assert_eq!(done(Action::StoreRestart).await, "empty, for nothing is persisted");
    done(Action::StoreOutage).await;
    assert_eq!(done(Action::StoreRecovery).await, "all go on");
    let told = done(Action::Evict { policy: EvictionPolicy::VolatileTtl, memory_share: 0.5 }).await;
    assert!(told.starts_with("room for 50 % of "), "{told}");
    for (what, name) in [
        ("the snapshot", "store-snapshot-taken"),
        ("the restore", "store-restored"),
        ("the restart", "store-restarted"),
        ("the limit", "store-memory-limited"),
    ] {
        lab.until(what, |kind| kind.name() == name).await;
    }
    let trouble = |notice: &&Notice| matches!(notice.kind, EventKind::Trouble { .. });
    assert_eq!(lab.seen.iter().filter(trouble).count(), 0, "what was asked for is no trouble: {:?}", lab.seen);
    lab.lab.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_primary_hands_over_only_to_a_replica_that_is_there_and_to_one_that_has_just_come() {
    let lab = start(&LabPlan { store: LabStore::default(), ..plan() }).await;
    let hand_over = Action::StoreFailover { how: Failover::Graceful };
    for (_, pid) in lab.lab.daemons().filter(|(name, _)| ["redis-2", "redis-3"].contains(name)) {
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid as i32), nix::sys::signal::Signal::SIGKILL).unwrap();
    }
    let refused = lab.lab.apply(&hand_over).await.unwrap_err().to_string();
    assert!(refused.contains("NOGOODSLAVE"), "{refused}");
    // Writes go on, at once.
    log_in(&lab.address(), 1).await;
    let told = lab.lab.apply(&Action::StoreRecovery).await.unwrap();
    assert_eq!(told, "redis-2, redis-3 started again");
    // The sentinels have yet to hear from them.
    let told = lab.lab.apply(&hand_over).await.unwrap();
    assert!(told.contains("took over from redis-1"), "{told}");
    log_in(&lab.address(), 2).await;
    lab.lab.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_fails_over_by_shard_comes_back_and_survives_the_zone_that_has_one_primary() {
    let store = LabStore { kind: StoreKind::Cluster, link_delay: Duration::from_millis(20), ..LabStore::default() };
    let mut lab = start(&LabPlan { store, ..plan() }).await;
    let (directory, pids) =
        (lab.lab.directory().to_owned(), lab.lab.daemons().map(|(_, pid)| pid).collect::<Vec<u32>>());
    assert_eq!(pids.len(), 1 + 6 + 6, "HAProxy, six servers, and the link to each");
    let done = async |action: Action| lab.lab.apply(&action).await.unwrap_or_else(|error| panic!("{error}"));
    let told = done(Action::StoreFailover { how: Failover::Kill }).await;
    assert!(told.starts_with("redis-4 took over from redis-1"), "{told}");
    assert_eq!(done(Action::StoreRecovery).await, "redis-1 started again");
    let told = done(Action::StoreFailover { how: Failover::Graceful }).await;
    assert!(told.starts_with("redis-1 took over from redis-4"), "{told}");
    assert_eq!(done(Action::StoreRestart).await, "with what was persisted");
    done(Action::StoreOutage).await;
    assert_eq!(done(Action::StoreRecovery).await, "all go on");
    done(Action::Evict { policy: EvictionPolicy::VolatileTtl, memory_share: 0.5 }).await;
    let refused = lab.lab.apply(&Action::Snapshot).await.unwrap_err();
    assert!(refused.to_string().contains("no common moment"), "{refused}");
    // The second primary and the replicas of the others.
    done(Action::ZoneOutage { zone: "zone-b".to_owned(), how: Outage::Kill }).await;
    let told = done(Action::ZoneRecovery { zone: "zone-b".to_owned() }).await;
    assert!(told.ends_with("the store: redis-2, redis-4, redis-6 started again"), "{told}");
    for (what, name) in [("the restart", "store-restarted"), ("the limit", "store-memory-limited")] {
        lab.until(what, |kind| kind.name() == name).await;
    }
    let trouble = |notice: &&Notice| matches!(notice.kind, EventKind::Trouble { .. });
    assert_eq!(lab.seen.iter().filter(trouble).count(), 0, "what was asked for is no trouble: {:?}", lab.seen);
    lab.lab.shut_down().await;
    assert!(!pids.iter().any(|pid| is_alive(*pid)) && !directory.exists());
}

/// Logs a user in by the API, through the balancer.
async fn log_in(address: &str, number: u32) {
    let mut stream = TcpStream::connect(address).await.expect("the balancer listens");
    let body = format!(r#"{{"username":"user-{number}","password":"correct horse"}}"#);
    let head = "POST /api/login HTTP/1.1\r\nHost: lab\r\nConnection: close\r\nContent-Type: application/json";
    let request = format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_pressure_takes_a_part_under_each_policy() {
    let lab = start(&plan()).await;
    let address = lab.address();
    for policy in [
        EvictionPolicy::AllkeysLru,
        EvictionPolicy::AllkeysLfu,
        EvictionPolicy::AllkeysRandom,
        EvictionPolicy::VolatileLru,
        EvictionPolicy::VolatileLfu,
        EvictionPolicy::VolatileRandom,
        EvictionPolicy::VolatileTtl,
    ] {
        for number in 0..100 {
            log_in(&address, number % 10 + 1).await;
        }
        let told = lab.lab.apply(&Action::Evict { policy, memory_share: 0.5 }).await.unwrap();
        let (_, counts) = told.split_once("included: ").expect("it tells what was evicted");
        let counts: Vec<f64> = counts.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        let (evicted, all) = (counts[0], counts[1]);
        assert!(all >= 100.0, "{told}");
        assert!((0.25..0.75).contains(&(evicted / all)), "{}: {told}", policy.name());
    }
    let refuses = Action::Evict { policy: EvictionPolicy::Noeviction, memory_share: 0.5 };
    assert!(lab.lab.apply(&refuses).await.unwrap().ends_with("writes are refused"));
    lab.lab.shut_down().await;
}
