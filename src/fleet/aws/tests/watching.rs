use super::control_plane::{BOOT, CHECKS, ControlPlane, DRAIN, Fault, FaultKind, LAUNCH_AFTER};
use super::fixture::{Deployment, after, plan, with_green};
use crate::fleet::Fleet as _;
use crate::history::{Event, EventKind, EventSource, FleetChange, StoreRole};
use crate::plan::{Action, AwsPlan, InstanceChoice, Pick};

/// The first event about an instance that is of a kind.
fn first<'a>(events: &'a [Event], instance: &str, kind: &str) -> &'a Event {
    let found = events.iter().find(|event| event.kind.instance() == Some(instance) && event.kind.name() == kind);
    found.unwrap_or_else(|| panic!("no {kind} of {instance} in {events:#?}"))
}

/// Whether it really happened when the event says so, to the exactness it claims.
fn is_true(event: &Event, truth: f64) {
    let (at, resolution) = (event.at_us.as_secs_f64(), event.resolution_us as f64 / 1e6);
    assert!(
        truth <= at + 1e-3 && at - resolution <= truth + 1e-3,
        "{event:?} happened at {truth} s and is told for {at} s to {resolution} s"
    );
}

#[tokio::test(start_paused = true)]
async fn each_stage_of_a_scale_out_has_the_time_of_its_source() {
    for offset in [0.0, 0.7, 1.9, 3.3] {
        let mut deployment = Deployment::of(&plan()).await;
        let alarm = 30.0 + offset;
        deployment.plane.plane().policy_scales(alarm, 4);
        after(150.0).await;
        let events = deployment.events();
        let plane = deployment.plane.plane().clone();
        for instance in &plane.groups[0].instances[2..] {
            let in_service = instance.launched + BOOT;
            is_true(first(&events, &instance.id, "instance-launched"), instance.launched);
            is_true(first(&events, &instance.id, "instance-in-service"), in_service);
            let healthy = first(&events, &instance.id, "instance-healthy");
            is_true(healthy, in_service + CHECKS);
            assert_eq!(healthy.source, EventSource::Balancer);
            assert!(healthy.resolution_us <= 2_300_000, "{healthy:?}");
        }
        let alarms: Vec<&Event> = events.iter().filter(|e| e.source == EventSource::Alarm).collect();
        let [raised] = alarms[..] else { panic!("{alarms:?}") };
        assert_eq!(raised.kind, EventKind::AlarmRaised { metric: 61.5, target: 50.0 });
        assert!((raised.at_us.as_secs_f64() - alarm).abs() <= 1.0, "{raised:?}");
        let activity = events.iter().find(|e| matches!(e.kind, EventKind::ActivityStarted { .. })).unwrap();
        let started = alarm + 1.0 + LAUNCH_AFTER;
        assert!((activity.at_us.as_secs_f64() - started).abs() <= 1.0, "{activity:?}");
        let changes = FleetChange::all(&events);
        let changes: Vec<(&str, &str)> = changes.iter().map(|c| (c.name.as_str(), c.detail.as_str())).collect();
        let why = "2 → 4 instances (a monitor alarm TargetTracking-web-AlarmHigh in state ALARM triggered policy rate)";
        assert_eq!(changes, [("scale-out", why)]);
        let gauges = deployment.fleet.gauges().unwrap();
        assert_eq!((gauges.desired, gauges.launched, gauges.healthy), (4, 4, 4));
        let statuses = events.iter().filter_map(|event| match &event.kind {
            EventKind::ActivityProgressed { status, .. } => Some(status.as_str()),
            _ => None,
        });
        let statuses: Vec<&str> = statuses.collect();
        assert_eq!(statuses.iter().filter(|status| **status == "Successful").count(), 2, "{statuses:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_there_at_the_start_is_told_and_is_no_change() {
    let mut deployment = Deployment::of(&plan()).await;
    after(60.0).await;
    let events = deployment.events();
    for kind in ["instance-launched", "instance-in-service", "instance-healthy"] {
        let told: Vec<&Event> = events.iter().filter(|event| event.kind.name() == kind).collect();
        assert_eq!(told.len(), 2, "{kind}: {told:?}");
        assert!(told.iter().all(|event| event.at_us.as_secs_f64() < 1.0), "{told:?}");
    }
    assert_eq!(events.len(), 6, "{events:#?}");
    assert_eq!(FleetChange::all(&events), []);
}

#[tokio::test(start_paused = true)]
async fn an_alarm_before_the_first_good_reading_of_its_history_is_told() {
    let plane = ControlPlane::new();
    plane.plane().faults =
        vec![Fault { call: "DescribeAlarmHistory", kind: FaultKind::Throttled, from: 0.0, until: 50.0 }];
    plane.plane().policy_scales(-60.0, 2);
    plane.plane().policy_scales(30.0, 4);
    let mut deployment = Deployment::on(plane, &plan()).await.unwrap();
    after(240.0).await;
    let raised = deployment.events().into_iter().filter(|event| event.source == EventSource::Alarm);
    let raised: Vec<f64> = raised
        .filter(|event| matches!(event.kind, EventKind::AlarmRaised { .. }))
        .map(|event| event.at_us.as_secs_f64().round())
        .collect();
    assert_eq!(raised.len(), 1, "{raised:?}");
    assert!((30.0..=31.0).contains(&raised[0]), "{raised:?}");
}

#[tokio::test(start_paused = true)]
async fn a_scale_out_of_the_timeline_and_its_activity_are_one_change() {
    let mut deployment = Deployment::of(&plan()).await;
    after(20.5).await;
    let action = Action::ScaleOut { by: 2 };
    let came = deployment.fleet.apply(&action).await.unwrap();
    assert_eq!(came, "2 → 4 instances");
    after(120.0).await;
    let mut events = deployment.events();
    let asked = EventKind::ActionStarted { action: "scale-out".to_owned(), detail: "by 2".to_owned() };
    events.push(crate::history::fixture::event(20.5, asked));
    let changes = FleetChange::all(&events);
    let [change] = &changes[..] else { panic!("{changes:?}") };
    assert_eq!(
        (change.name.as_str(), change.detail.as_str()),
        ("scale-out", "2 → 4 instances (scale-out by the timeline)")
    );
    let activity = change.activity_us.unwrap().as_secs_f64();
    assert!((activity - 20.5 - LAUNCH_AFTER).abs() <= 1.0, "{activity}");
}

#[tokio::test(start_paused = true)]
async fn a_scale_in_drains_before_it_is_gone() {
    let mut deployment = Deployment::of(&plan()).await;
    let newest = deployment.plane.plane().groups[0].instances[1].id.clone();
    deployment.plane.plane().somebody_scales(20.0, 1);
    after(120.0).await;
    let events = deployment.events();
    is_true(first(&events, &newest, "instance-draining"), 20.0);
    let gone = first(&events, &newest, "instance-gone");
    is_true(gone, 20.0 + DRAIN);
    assert!(matches!(gone.kind, EventKind::InstanceGone { expected: true, .. }));
    assert!(events.iter().all(|event| event.kind.name() != "instance-unhealthy"), "{events:#?}");
    // No activity of ending says why here, so the group's own word has to do.
    let changes = FleetChange::all(&events);
    assert_eq!(changes.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["scale-in"]);
    assert_eq!(deployment.fleet.gauges().unwrap().healthy, 1);
}

#[tokio::test(start_paused = true)]
async fn both_sets_of_a_blue_green_deployment_are_watched() {
    let mut deployment = Deployment::of(&with_green()).await;
    after(10.0).await;
    let gauges = deployment.fleet.gauges().unwrap();
    // Nobody sends to the second set, so the balancer does not check it.
    assert_eq!((gauges.desired, gauges.launched, gauges.healthy), (4, 4, 2));
    assert!(deployment.told_trouble().iter().all(|what| what.contains("Target.NotInUse")));
}

#[tokio::test(start_paused = true)]
async fn roles_of_the_store_are_told_as_they_change() {
    let plan = AwsPlan { elasticache: Some("sessions".to_owned()), ..plan() };
    let mut deployment = Deployment::of(&plan).await;
    after(30.0).await;
    deployment.plane.plane().failover = Some(30.0);
    after(60.0).await;
    let events = deployment.events();
    let roles = events.iter().filter_map(|event| match &event.kind {
        EventKind::StoreRoleChanged { node, role, .. } => Some((event, node.as_str(), *role)),
        _ => None,
    });
    let roles: Vec<_> = roles.collect();
    assert_eq!(roles.len(), 4, "{roles:?}");
    let (event, ..) =
        roles[2..].iter().find(|(_, node, role)| (*node, *role) == ("sessions-002", StoreRole::Primary)).unwrap();
    is_true(event, 50.0);
}

#[tokio::test(start_paused = true)]
async fn instances_are_in_order_of_launch_though_their_ids_are_not() {
    let deployment = Deployment::of(&plan()).await;
    deployment.plane.plane().somebody_scales(5.0, 4);
    after(20.0).await;
    let launched: Vec<String> = deployment.plane.plane().groups[0].instances.iter().map(|i| i.id.clone()).collect();
    let ordered = deployment.fleet.watch.in_order_of_launch();
    assert_eq!(ordered.iter().map(|member| member.id.clone()).collect::<Vec<_>>(), launched);
    let oldest = InstanceChoice { pick: Pick::Oldest, zone: None };
    let came = deployment.fleet.apply(&Action::KillInstance { which: oldest }).await.unwrap();
    assert_eq!(came, launched[0]);
}

#[tokio::test(start_paused = true)]
async fn a_target_group_is_found_by_name_and_by_arn_and_needs_no_name() {
    let arn = super::control_plane::BLUE;
    for name in [None, Some("web"), Some(arn)] {
        let plan = AwsPlan { target_group: name.map(str::to_owned), ..plan() };
        let deployment = Deployment::on(ControlPlane::new(), &plan).await.unwrap();
        assert_eq!(deployment.fleet.watch.watched.target_groups, [arn], "{name:?}");
    }
}
