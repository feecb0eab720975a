use super::control_plane::{ControlPlane, Fault, FaultKind};
use super::fixture::{Deployment, after, plan, with_green};
use crate::fleet::Fleet as _;
use crate::fleet::aws::Aws;
use crate::fleet::aws::clients::Clients;
use crate::fleet::aws::clock::WallClock;
use crate::history::EventKind;
use crate::plan::{Action, AwsPlan, Failover};
use aws_config::retry::RetryConfig;
use std::time::{Duration, SystemTime};

fn fault(call: &'static str, kind: FaultKind, from: f64, until: f64) -> Fault {
    Fault { call, from, until, kind }
}

async fn refused_start(plane: ControlPlane, plan: &AwsPlan) -> String {
    match Deployment::on(plane, plan).await {
        Ok(_) => panic!("it started"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_throttled_is_asked_for_less_often_and_then_as_before() {
    let mut deployment = Deployment::of(&plan()).await;
    deployment.plane.plane().faults = vec![fault("DescribeTargetHealth", FaultKind::Throttled, 60.0, 300.0)];
    after(600.0).await;
    let plane = deployment.plane.plane().clone();
    let calls = |from: f64, until: f64| plane.called("DescribeTargetHealth", from..until);
    let (before, meanwhile, afterwards) = (calls(0.0, 60.0), calls(240.0, 300.0), calls(540.0, 600.0));
    // Each of the few is tried four times by the SDK itself.
    assert!(meanwhile <= 12 && before >= 28, "{before} calls a minute before, {meanwhile} while throttled");
    assert!(afterwards >= 28, "{afterwards} calls a minute afterwards");
    insta::assert_snapshot!(deployment.told_trouble().join("\n"), @"DescribeTargetHealth of the target group `web` in eu-central-1 was throttled: Rate exceeded (Throttling); it is called less often for a while: other tools of the account call it, too");
    assert_eq!(deployment.fleet.gauges().unwrap().healthy, 2);
}

#[tokio::test(start_paused = true)]
async fn what_fails_in_passing_is_tried_again_and_nobody_notices() {
    let plane = ControlPlane::new();
    plane.plane().faults = vec![
        fault("DescribeAutoScalingGroups", FaultKind::Broken, 0.0, 0.4),
        fault("SetDesiredCapacity", FaultKind::Broken, 20.0, 20.4),
    ];
    let mut deployment = Deployment::on(plane, &plan()).await.unwrap();
    let now = deployment.plane.plane().now;
    after(20.0 - now).await;
    assert_eq!(deployment.fleet.apply(&Action::ScaleOut { by: 1 }).await.unwrap(), "2 → 3 instances");
    assert!(deployment.plane.plane().called("SetDesiredCapacity", 0.0..60.0) > 1);
    assert_eq!(deployment.told_trouble(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_denied_call_is_told_once_and_the_rest_goes_on() {
    let plane = ControlPlane::new();
    plane.plane().faults = vec![
        fault("DescribeTargetHealth", FaultKind::Denied, 0.0, 1e9),
        fault("DescribeAlarmHistory", FaultKind::Denied, 0.0, 1e9),
    ];
    let mut deployment = Deployment::on(plane, &plan()).await.unwrap();
    deployment.plane.plane().policy_scales(30.0, 3);
    after(600.0).await;
    let events = deployment.events();
    let named = |name: &str| events.iter().filter(|event| event.kind.name() == name).count();
    assert_eq!((named("instance-in-service"), named("activity-started"), named("instance-healthy")), (3, 1, 0));
    let trouble = events.iter().filter_map(|event| match &event.kind {
        EventKind::Trouble { what } => Some(what.as_str()),
        _ => None,
    });
    insta::assert_snapshot!(trouble.collect::<Vec<_>>().join("\n"), @r"
DescribeTargetHealth of the target group `web` in eu-central-1 was denied: User: arn:aws:iam::123456789012:user/ci is not authorized (AccessDenied); allow it: `rushhour aws policy PROFILE` prints all that a profile needs
DescribeAlarmHistory of the alarm `TargetTracking-web-AlarmHigh` in eu-central-1 was denied: User: arn:aws:iam::123456789012:user/ci is not authorized (AccessDenied); allow it: `rushhour aws policy PROFILE` prints all that a profile needs
");
    // Who is healthy is not known, so nobody says that none is.
    assert_eq!(deployment.fleet.gauges(), None);
}

#[tokio::test(start_paused = true)]
async fn credentials_that_expire_in_the_run_are_told_once_for_all_calls() {
    let mut deployment = Deployment::of(&plan()).await;
    let calls =
        ["DescribeAutoScalingGroups", "DescribeTargetHealth", "DescribeScalingActivities", "DescribeAlarmHistory"];
    deployment.plane.plane().faults = calls.map(|call| fault(call, FaultKind::Expired, 60.0, 1e9)).to_vec();
    after(600.0).await;
    let trouble = deployment.told_trouble();
    assert_eq!(trouble.len(), 1, "{trouble:#?}");
    let (_, said) = trouble[0].split_once(" was refused").unwrap();
    insta::assert_snapshot!(said, @", as the credentials have expired: The security token included in the request is expired (ExpiredToken); log in again (`aws sso login`), or use a role, whose credentials renew themselves");
}

#[tokio::test(start_paused = true)]
async fn a_launch_without_capacity_says_so() {
    let mut deployment = Deployment::of(&plan()).await;
    deployment.plane.plane().web().exhausted = true;
    deployment.plane.plane().policy_scales(30.0, 3);
    after(90.0).await;
    insta::assert_snapshot!(deployment.told_trouble().join("\n"), @"Launching a new EC2 instance.  Status Reason: no capacity.  Launching EC2 instance failed: failed: We currently do not have sufficient m7g.large capacity in the Availability Zone you requested.");
    let gauges = deployment.fleet.gauges().unwrap();
    assert_eq!((gauges.desired, gauges.launched), (3, 2));
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_never_gets_healthy_is_in_service_and_no_more() {
    let mut deployment = Deployment::of(&plan()).await;
    deployment.plane.plane().web().launches_broken = true;
    deployment.plane.plane().policy_scales(30.0, 3);
    after(300.0).await;
    let id = deployment.plane.plane().groups[0].instances[2].id.clone();
    let events = deployment.events();
    let told = |kind: &str| events.iter().any(|e| e.kind.instance() == Some(&id) && e.kind.name() == kind);
    assert!(told("instance-in-service") && !told("instance-healthy"));
    let trouble: Vec<&EventKind> = events.iter().map(|e| &e.kind).filter(|k| k.name() == "trouble").collect();
    let what = format!("{id} is unhealthy at the balancer: Target.FailedHealthChecks");
    assert_eq!(trouble, [&EventKind::Trouble { what }]);
    assert_eq!(deployment.fleet.gauges().unwrap().healthy, 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_is_named_with_the_remedy() {
    let named = |name: &str| name.to_owned();
    let plans = [
        AwsPlan { auto_scaling_group: named("wbe"), ..plan() },
        AwsPlan { target_group: Some(named("wbe")), ..plan() },
    ];
    let mut told = Vec::new();
    for plan in plans {
        told.push(refused_start(ControlPlane::new(), &plan).await);
    }
    let plane = ControlPlane::new();
    plane.plane().faults = vec![fault("DescribeAutoScalingGroups", FaultKind::Denied, 0.0, 1e9)];
    told.push(refused_start(plane, &plan()).await);
    insta::assert_snapshot!(told.join("\n"), @r"
DescribeAutoScalingGroups of the Auto Scaling group `wbe` in eu-central-1 found nothing: there is no such group; check the name under [fleet.aws], the region, and whose account the credentials are of
DescribeTargetGroups of the target group `wbe` in eu-central-1 found nothing: One or more target groups not found (TargetGroupNotFound); check the name under [fleet.aws], the region, and whose account the credentials are of
DescribeAutoScalingGroups of the Auto Scaling group `web` in eu-central-1 was denied: User: arn:aws:iam::123456789012:user/ci is not authorized (AccessDenied); allow it: `rushhour aws policy PROFILE` prints all that a profile needs
");
}

#[tokio::test(start_paused = true)]
async fn a_refused_fail_over_is_explained() {
    let plan = AwsPlan { elasticache: Some("sessions".to_owned()), ..with_green() };
    let deployment = Deployment::of(&plan).await;
    deployment.plane.plane().faults = vec![fault("TestFailover", FaultKind::Exceeded, 0.0, 1e9)];
    let action = Action::StoreFailover { how: Failover::Graceful };
    let error = deployment.fleet.apply(&action).await.unwrap_err().to_string();
    insta::assert_snapshot!(error, @"`store-failover` was refused: ElastiCache tests the fail-over of at most 15 shards of an account in 24 hours; try again tomorrow (You have exceeded the allowed rate (APICallRateForCustomerExceeded))");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_put_back_is_told_with_the_remedy() {
    let mut deployment = Deployment::of(&plan()).await;
    deployment.fleet.apply(&Action::ScaleOut { by: 1 }).await.unwrap();
    deployment.plane.plane().faults = vec![fault("SetDesiredCapacity", FaultKind::Denied, 0.0, 1e9)];
    deployment.fleet.put_back().await;
    insta::assert_snapshot!(deployment.told_trouble().join("\n"), @"SetDesiredCapacity of the Auto Scaling group `web` in eu-central-1 was denied: User: arn:aws:iam::123456789012:user/ci is not authorized (AccessDenied); allow it: `rushhour aws policy PROFILE` prints all that a profile needs; the fleet is not as it was: `rushhour aws restore RUN` puts it back");
    assert!(crate::fleet::aws::undone(deployment.run.path()).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_slow_clock_of_this_machine_is_noticed() {
    let plane = ControlPlane::new();
    let (notices, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let slow = plane.wall() - Duration::from_secs(40);
    let clients = Clients::new(&plane.config());
    let _fleet = Aws::with(clients, WallClock::at(slow), &plan(), notices).await.unwrap();
    plane.plane().policy_scales(30.0, 3);
    after(90.0).await;
    let mut told = Vec::new();
    while let Ok(notice) = heard.try_recv() {
        assert!(notice.at <= tokio::time::Instant::now().into_std(), "{notice:?} is to come");
        told.extend(matches!(notice.kind, EventKind::Trouble { .. }).then_some(notice.kind));
    }
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(format!("{told:?}").contains("behind that of AWS: let NTP set it"), "{told:?}");
}

/// Nobody listens there, and the request goes over the SDK's own connections.
#[tokio::test]
async fn an_endpoint_that_does_not_answer_is_named() {
    let mut config = ControlPlane::new().config().into_builder();
    config.set_http_client(None);
    let config = config.endpoint_url("http://127.0.0.1:9").retry_config(RetryConfig::disabled());
    let (notices, _heard) = tokio::sync::mpsc::unbounded_channel();
    let started = Aws::with(Clients::new(&config.build()), WallClock::at(SystemTime::now()), &plan(), notices).await;
    let error = started.unwrap_err().to_string();
    assert!(
        error.starts_with("DescribeAutoScalingGroups of the Auto Scaling group `web` in eu-central-1 got no answer: "),
        "{error}"
    );
    assert!(error.contains("AWS_ENDPOINT_URL"), "{error}");
}
