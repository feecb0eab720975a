use super::answers::REFRESH;
use super::control_plane::{BLUE, ControlPlane, Experiment, Fault, FaultKind, GREEN, Refresh};
use super::fixture::{Deployment, after, plan, with_green};
use crate::fleet::Fleet as _;
use crate::fleet::aws::clients::Clients;
use crate::fleet::aws::restore::carry_out;
use crate::fleet::aws::undo::Undo;
use crate::fleet::aws::zone::Outage;
use crate::fleet::aws::{calls_at_end, calls_of, calls_throughout, policy, statements_after_run, undone};
use crate::plan::{AccessLog, Action, AwsPlan, Failover, Farewell, InstanceChoice, OnFailure, Pick, TimelineEntry};
use serde_json::{Value, json};
use std::time::Duration;

const WITHIN: Duration = Duration::from_secs(300);

fn any() -> InstanceChoice {
    InstanceChoice { pick: Pick::Random { seed: 1 }, zone: None }
}

fn rolling() -> Action {
    Action::RollingReplace { batch: 1, pause: Duration::ZERO, within: WITHIN, farewell: Farewell::Drained }
}

fn blue_green(steps: &[f64], within: Duration) -> Action {
    let pause = Duration::from_secs(30);
    Action::BlueGreen { steps: steps.to_vec(), pause, within, farewell: Farewell::Drained }
}

const TEMPLATE: &str = "EXT4n7";

fn shift(zone: &str, experiment: Option<&str>) -> Action {
    Action::ZoneShift { zone: zone.to_owned(), experiment: experiment.map(str::to_owned) }
}

fn all_actions() -> Vec<Action> {
    vec![
        Action::ScaleOut { by: 1 },
        Action::ScaleIn { by: 1 },
        Action::SetCapacity { to: 2 },
        Action::StopInstance { which: any() },
        Action::KillInstance { which: any() },
        rolling(),
        blue_green(&[0.1, 1.0], WITHIN),
        Action::StoreFailover { how: Failover::Graceful },
        Action::Snapshot,
        shift("eu-central-1a", None),
        shift("eu-central-1b", Some(TEMPLATE)),
    ]
}

fn whole() -> AwsPlan {
    AwsPlan { elasticache: Some("sessions".to_owned()), ..with_green() }
}

/// A call that is done each time, and whose answer never comes.
fn lost(call: &'static str) -> Fault {
    Fault { call, kind: FaultKind::Lost, from: 0.0, until: 1e9 }
}

/// The calls that change something.
fn changing(plane: &ControlPlane) -> Vec<String> {
    let reads = |call: &String| ["Describe", "Get", "List"].iter().any(|verb| call.starts_with(verb));
    plane.plane().calls.iter().map(|(_, call)| call.trim().to_owned()).filter(|call| !reads(call)).collect()
}

#[tokio::test(start_paused = true)]
async fn the_capacity_is_changed_within_bounds_and_put_back() {
    let mut deployment = Deployment::of(&plan()).await;
    let fleet = &deployment.fleet;
    assert_eq!(fleet.apply(&Action::ScaleOut { by: 3 }).await.unwrap(), "2 → 5 instances");
    assert_eq!(fleet.apply(&Action::ScaleIn { by: 1 }).await.unwrap(), "5 → 4 instances");
    assert_eq!(fleet.apply(&Action::SetCapacity { to: 4 }).await.unwrap(), "4 instances as before");
    let error = fleet.apply(&Action::SetCapacity { to: 9 }).await.unwrap_err().to_string();
    insta::assert_snapshot!(error, @"`set-capacity` was refused: that would make 9 instances, and the group `web` allows 1 to 8; change its MinSize or MaxSize, or the action");
    assert_eq!(Undo::read(deployment.run.path()).unwrap().capacities["web"], 2);
    fleet.put_back().await;
    assert_eq!(deployment.plane.plane().groups[0].desired, 2);
    assert_eq!(undone(deployment.run.path()), None);
    let events = deployment.events();
    assert!(events.iter().any(|event| event.kind.name() == "action-completed"), "{events:#?}");
    // Nothing is left to be put back a second time.
    let before = changing(&deployment.plane);
    Box::new(deployment.fleet).shut_down().await;
    assert_eq!(changing(&deployment.plane), before);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_killed_is_put_back_from_its_file() {
    let deployment = Deployment::of(&with_green()).await;
    deployment.fleet.apply(&blue_green(&[1.0], WITHIN)).await.unwrap();
    deployment.fleet.apply(&Action::SetCapacity { to: 6 }).await.unwrap();
    let Deployment { plane, fleet, run, .. } = deployment;
    // As after `kill -9`: nobody shuts it down.
    drop(fleet);
    assert_eq!(plane.plane().weights, [(BLUE.to_owned(), 0), (GREEN.to_owned(), 100)]);
    let undo = Undo::read(run.path()).unwrap();
    let done = carry_out(&undo, &Clients::new(&plane.config()), run.path()).await.unwrap();
    assert_eq!(done, ["the listener forwards 1 as before", "the desired capacity of `web` is 2 as before"]);
    assert_eq!(plane.plane().weights, [(BLUE.to_owned(), 1)]);
    assert_eq!(plane.plane().groups[0].desired, 2);
    let again = Undo::read(run.path()).unwrap_err();
    assert!(again.contains("changed nothing, or has put it back"), "{again}");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_changed_that_is_not_allowed_by_both() {
    for action in all_actions() {
        let forbidding = AwsPlan { allow: Vec::new(), ..whole() };
        let deployment = Deployment::of(&forbidding).await;
        let error = deployment.fleet.apply(&action).await.unwrap_err().to_string();
        assert!(error.contains("the profile does not allow it"), "{error}");

        let deployment = Deployment::of(&whole()).await;
        deployment.plane.plane().web().tags.clear();
        deployment.plane.plane().listener_tag = "scale-out".to_owned();
        deployment.plane.plane().balancer_tag = "scale-out".to_owned();
        deployment.plane.plane().store_tag = "scale-out".to_owned();
        let error = deployment.fleet.apply(&action).await.unwrap_err().to_string();
        assert!(error.contains("rushhour:allow") && error.contains(action.name()), "{error}");
        // The run would not even begin.
        let entry = TimelineEntry { at: Duration::ZERO, action: action.clone(), on_failure: OnFailure::Continue };
        assert_eq!(deployment.fleet.may_carry_out(&[entry]).await.unwrap_err().to_string(), error);
        assert_eq!(changing(&deployment.plane), Vec::<String>::new(), "{action:?}");
        assert_eq!(undone(deployment.run.path()), None);
    }
}

#[tokio::test(start_paused = true)]
async fn an_instance_is_ended_and_replaced_by_the_group() {
    let mut deployment = Deployment::of(&plan()).await;
    after(10.0).await;
    let action = Action::KillInstance { which: InstanceChoice { pick: Pick::Newest, zone: None } };
    let ended = deployment.fleet.apply(&action).await.unwrap();
    after(120.0).await;
    let events = deployment.events();
    let of = |kind: &str| events.iter().filter(|event| event.kind.name() == kind).collect::<Vec<_>>();
    assert_eq!(of("instance-gone")[0].kind.instance(), Some(ended.as_str()));
    assert_eq!(of("instance-launched").len(), 3);
    let nobody = InstanceChoice { pick: Pick::Id("i-1".to_owned()), zone: None };
    let error = deployment.fleet.apply(&Action::KillInstance { which: nobody }).await.unwrap_err().to_string();
    assert!(error.contains("i-1 is not there; there are i-"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_rolling_replacement_is_followed_to_its_end() {
    let deployment = Deployment::of(&plan()).await;
    let begun = tokio::time::Instant::now();
    assert_eq!(deployment.fleet.apply(&rolling()).await.unwrap(), "all instances replaced");
    let took = begun.elapsed().as_secs_f64();
    assert!((REFRESH..REFRESH + 20.0).contains(&took), "{took}");
    assert_eq!(undone(deployment.run.path()), None);
    assert!(!changing(&deployment.plane).iter().any(|call| call.starts_with("Cancel")));
}

#[tokio::test(start_paused = true)]
async fn a_rolling_replacement_is_ended_with_the_run() {
    let deployment = Deployment::of(&plan()).await;
    // Dropped where it stands, as when the run is interrupted.
    let action = rolling();
    let dropped = tokio::time::timeout(Duration::from_secs(30), deployment.fleet.apply(&action)).await;
    assert!(dropped.is_err());
    assert_eq!(Undo::read(deployment.run.path()).unwrap().refreshing[0].id.as_deref(), Some("08b91cf7"));
    let Deployment { plane, fleet, run, .. } = deployment;
    Box::new(fleet).shut_down().await;
    assert!(plane.plane().refresh.as_ref().unwrap().cancelled);
    assert_eq!(undone(run.path()), None);
}

fn refresh_of_somebody_else(began: f64) -> Refresh {
    Refresh { id: "5f1e2d3c", began, ends: began + REFRESH, cancelled: false }
}

#[tokio::test(start_paused = true)]
async fn a_refresh_of_somebody_else_is_left_alone() {
    let deployment = Deployment::of(&plan()).await;
    deployment.plane.plane().refresh = Some(refresh_of_somebody_else(-10.0));
    let error = deployment.fleet.apply(&rolling()).await.unwrap_err().to_string();
    insta::assert_snapshot!(error, @"`rolling-replace` was refused: the instance refresh `5f1e2d3c` of the group is under way");
    assert_eq!((changing(&deployment.plane), undone(deployment.run.path())), (Vec::new(), None));

    // One that began after the run's own had ended, before the run did.
    let deployment = Deployment::of(&plan()).await;
    let action = rolling();
    let _ = tokio::time::timeout(Duration::from_secs(30), deployment.fleet.apply(&action)).await;
    after(REFRESH).await;
    deployment.plane.plane().refresh = Some(refresh_of_somebody_else(140.0));
    deployment.fleet.put_back().await;
    assert!(!deployment.plane.plane().refresh.as_ref().unwrap().cancelled);
    assert_eq!(undone(deployment.run.path()), None);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_whose_answer_is_lost_is_the_runs_own() {
    let deployment = Deployment::of(&plan()).await;
    deployment.plane.plane().faults = vec![lost("StartInstanceRefresh")];
    // The SDK asks again and is told that a refresh is in progress.
    assert_eq!(deployment.fleet.apply(&rolling()).await.unwrap(), "all instances replaced");
    assert!(deployment.plane.plane().called("StartInstanceRefresh", 0.0..60.0) > 1);
    assert_eq!(undone(deployment.run.path()), None);

    // Dropped while there is no answer, and put back from the file, which knows no id.
    let deployment = Deployment::of(&plan()).await;
    deployment.plane.plane().faults = vec![lost("StartInstanceRefresh")];
    let action = rolling();
    let dropped = tokio::time::timeout(Duration::from_millis(1), deployment.fleet.apply(&action)).await;
    assert!(dropped.is_err());
    let Deployment { plane, fleet, run, .. } = deployment;
    drop(fleet);
    let undo = Undo::read(run.path()).unwrap();
    assert_eq!(undo.refreshing[0].id, None);
    carry_out(&undo, &Clients::new(&plane.config()), run.path()).await.unwrap();
    assert!(plane.plane().refresh.as_ref().unwrap().cancelled);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_could_not_be_cancelled_is_not_forgotten() {
    let deployment = Deployment::of(&plan()).await;
    let denied = Fault { call: "DescribeInstanceRefreshes", kind: FaultKind::Denied, from: 5.0, until: 80.0 };
    deployment.plane.plane().faults = vec![denied];
    let within = Duration::from_secs(30);
    let action = Action::RollingReplace { batch: 1, pause: Duration::ZERO, within, farewell: Farewell::Drained };
    let error = deployment.fleet.apply(&action).await.unwrap_err().to_string();
    assert!(error.contains("AccessDenied"), "{error}");
    assert!(undone(deployment.run.path()).is_some());
    let now = deployment.plane.plane().now;
    after(80.0 - now).await;
    deployment.fleet.put_back().await;
    assert!(deployment.plane.plane().refresh.as_ref().unwrap().cancelled);
    assert_eq!(undone(deployment.run.path()), None);
}

#[tokio::test(start_paused = true)]
async fn traffic_is_shifted_step_by_step_and_back_at_the_end() {
    let deployment = Deployment::of(&with_green()).await;
    let action = blue_green(&[0.25, 1.0], WITHIN);
    let came = deployment.fleet.apply(&action).await.unwrap();
    assert_eq!(came, "100 % of the traffic goes to `web-green`");
    deployment.fleet.put_back().await;
    let plane = deployment.plane.plane();
    let weights = plane.calls.iter().filter(|(_, call)| call.starts_with("ModifyListener")).map(|(_, call)| {
        let weights = call.split_whitespace().filter_map(|word| word.split_once("Weight="));
        weights.map(|(_, weight)| weight).collect::<Vec<_>>().join(":")
    });
    assert_eq!(weights.collect::<Vec<_>>(), ["100:0", "75:25", "0:100", "1"]);
    assert_eq!(plane.weights, [(BLUE.to_owned(), 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_second_set_that_does_not_get_healthy_gets_no_traffic() {
    let plane = ControlPlane::new();
    plane.plane().groups[1].instances.iter_mut().for_each(|instance| instance.broken = true);
    let deployment = Deployment::on(plane, &with_green()).await.unwrap();
    let error = deployment.fleet.apply(&blue_green(&[1.0], Duration::from_secs(90))).await.unwrap_err().to_string();
    insta::assert_snapshot!(error, @"`blue-green` was refused: `web-green` has 0 healthy instances after 90 s and `web` has 2; the second set is to be up before it gets traffic");
    assert_eq!(deployment.plane.plane().weights, [(BLUE.to_owned(), 1)]);
    assert_eq!(undone(deployment.run.path()), None);
}

#[tokio::test(start_paused = true)]
async fn a_second_shift_that_fails_does_not_forget_how_it_was_before_the_first() {
    let deployment = Deployment::of(&with_green()).await;
    deployment.fleet.apply(&blue_green(&[0.1], WITHIN)).await.unwrap();
    deployment.plane.plane().groups[1].instances.iter_mut().for_each(|instance| instance.broken = true);
    after(10.0).await;
    deployment.fleet.apply(&blue_green(&[1.0], Duration::from_secs(90))).await.unwrap_err();
    assert_eq!(deployment.plane.plane().weights, [(BLUE.to_owned(), 90), (GREEN.to_owned(), 10)]);
    deployment.fleet.put_back().await;
    assert_eq!(deployment.plane.plane().weights, [(BLUE.to_owned(), 1)]);
    assert_eq!(undone(deployment.run.path()), None);
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_serves_others_is_left_alone() {
    let plane = ControlPlane::new();
    plane.plane().weights.push(("arn:aws:elasticloadbalancing:…:targetgroup/shop/1".to_owned(), 1));
    let deployment = Deployment::on(plane, &with_green()).await.unwrap();
    let error = deployment.fleet.apply(&blue_green(&[1.0], WITHIN)).await.unwrap_err().to_string();
    assert!(error.contains("also forwards to arn:aws:elasticloadbalancing:…:targetgroup/shop/1"), "{error}");
    assert_eq!(changing(&deployment.plane), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_fail_over_of_the_store_is_followed_to_its_end() {
    let deployment = Deployment::of(&whole()).await;
    let action = Action::StoreFailover { how: Failover::Graceful };
    let came = deployment.fleet.apply(&action).await.unwrap();
    insta::assert_snapshot!(came, @"the primary was sessions-001 and is sessions-002; ElastiCache tells: Test Failover API called for node group 0001 (2 s), Failover to replica node sessions-002 completed (20 s)");
    assert_eq!(changing(&deployment.plane), ["TestFailover NodeGroupId=0001 ReplicationGroupId=sessions"]);
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_of_the_store_is_followed_to_its_end() {
    let deployment = Deployment::of(&whole()).await;
    let came = deployment.fleet.apply(&Action::Snapshot).await.unwrap();
    assert_eq!(came, "`rushhour-sessions-1790000000`, which stays");
    assert_eq!(deployment.plane.plane().snapshot, Some(0.0));
}

#[tokio::test(start_paused = true)]
async fn traffic_is_shifted_away_from_a_zone_and_back() {
    let deployment = Deployment::of(&plan()).await;
    after(10.0).await;
    let action = shift("eu-central-1b", None);
    let came = deployment.fleet.apply(&action).await.unwrap();
    assert_eq!(came, "traffic goes to other zones than eu-central-1b (euc1-az3)");
    assert_eq!(deployment.plane.plane().shifted.as_deref(), Some("euc1-az3"));
    let again = deployment.fleet.apply(&action).await.unwrap_err().to_string();
    assert_eq!(again, "`zone-outage` was refused: eu-central-1b is taken away already");
    let recovery = Action::ZoneRecovery { zone: "eu-central-1b".to_owned() };
    assert_eq!(deployment.fleet.apply(&recovery).await.unwrap(), "traffic goes to all zones again");
    assert_eq!(deployment.plane.plane().shifted, None);
    assert_eq!(undone(deployment.run.path()), None);
    let again = deployment.fleet.apply(&recovery).await.unwrap_err().to_string();
    assert_eq!(again, "`zone-recovery` was refused: eu-central-1b is not taken away");
    let nowhere = deployment.fleet.apply(&shift("eu-central-1c", None)).await.unwrap_err().to_string();
    insta::assert_snapshot!(nowhere, @"`zone-outage` was refused: the Auto Scaling group `web` has no instance in eu-central-1c; it has some in eu-central-1a, eu-central-1b");
}

#[tokio::test(start_paused = true)]
async fn what_took_a_zone_away_ends_with_the_run_and_after_a_crash() {
    let deployment = Deployment::of(&plan()).await;
    after(10.0).await;
    deployment.fleet.apply(&shift("eu-central-1a", None)).await.unwrap();
    deployment.fleet.apply(&shift("eu-central-1b", Some(TEMPLATE))).await.unwrap();
    let Deployment { plane, fleet, run, .. } = deployment;
    drop(fleet);
    let undo = Undo::read(run.path()).unwrap();
    let done = carry_out(&undo, &Clients::new(&plane.config()), run.path()).await.unwrap();
    assert_eq!(done, ["traffic goes to all zones again", "the experiment EXP7nXc2 is stopped"]);
    assert_eq!(plane.plane().shifted, None);
    assert!(plane.plane().experiment.as_ref().unwrap().stopped.is_some());
    // A shift that has expired by itself is as good.
    let done = carry_out(&undo, &Clients::new(&plane.config()), run.path()).await.unwrap();
    assert_eq!(done[0], "traffic goes to all zones again");
}

#[tokio::test(start_paused = true)]
async fn what_takes_a_zone_away_is_ended_also_when_its_answer_is_lost() {
    let taken = |plane: &ControlPlane| {
        let plane = plane.plane();
        plane.shifted.is_some() || plane.experiment.as_ref().is_some_and(|experiment| experiment.stopped.is_none())
    };
    for (call, experiment) in [("StartZonalShift", None), ("StartExperiment", Some(TEMPLATE))] {
        let deployment = Deployment::of(&plan()).await;
        after(10.0).await;
        deployment.plane.plane().faults = vec![lost(call)];
        let action = shift("eu-central-1b", experiment);
        // Dropped while there is no answer, as when the run is interrupted or killed.
        let dropped = tokio::time::timeout(Duration::from_millis(1), deployment.fleet.apply(&action)).await;
        assert!(dropped.is_err() && taken(&deployment.plane), "{call}");
        let undo = Undo::read(deployment.run.path()).unwrap();
        assert!(matches!(&undo.outages["eu-central-1b"], Outage::Asked(_)), "{undo:?}");
        deployment.fleet.put_back().await;
        assert!(!taken(&deployment.plane), "{call}");
        assert_eq!(undone(deployment.run.path()), None);
        // Not dropped, the run finds what it has begun.
        deployment.fleet.apply(&action).await.unwrap();
        deployment.fleet.put_back().await;
        assert!(!taken(&deployment.plane), "{call}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_experiment_of_somebody_else_is_left_alone() {
    let deployment = Deployment::of(&plan()).await;
    after(10.0).await;
    deployment.plane.plane().experiment = Some(Experiment { began: 5.0, stopped: None, alarmed: None });
    deployment.plane.plane().faults =
        vec![Fault { call: "StartExperiment", kind: FaultKind::Denied, from: 0.0, until: 1e9 }];
    deployment.fleet.apply(&shift("eu-central-1b", Some(TEMPLATE))).await.unwrap_err();
    deployment.fleet.put_back().await;
    assert_eq!(deployment.plane.plane().experiment.as_ref().unwrap().stopped, None);
    assert_eq!(undone(deployment.run.path()), None);
}

#[tokio::test(start_paused = true)]
async fn a_zonal_shift_of_somebody_else_is_left_alone() {
    let deployment = Deployment::of(&plan()).await;
    after(10.0).await;
    deployment.plane.plane().shifted = Some("euc1-az2".to_owned());
    deployment.plane.plane().comment = "by hand".to_owned();
    let error = deployment.fleet.apply(&shift("eu-central-1b", None)).await.unwrap_err().to_string();
    assert!(error.contains("ConflictException"), "{error}");
    deployment.fleet.put_back().await;
    assert_eq!(deployment.plane.plane().shifted.as_deref(), Some("euc1-az2"));
    assert_eq!(undone(deployment.run.path()), None);
}

#[tokio::test(start_paused = true)]
async fn an_experiment_is_followed_from_its_beginning_to_its_end() {
    let deployment = Deployment::of(&plan()).await;
    after(10.0).await;
    let begun = tokio::time::Instant::now();
    let came = deployment.fleet.apply(&shift("eu-central-1a", Some(TEMPLATE))).await.unwrap();
    assert_eq!(came, "the experiment EXP7nXc2 of EXT4n7");
    assert!(begun.elapsed().as_secs_f64() >= 5.0);
    let recovery = Action::ZoneRecovery { zone: "eu-central-1a".to_owned() };
    assert_eq!(deployment.fleet.apply(&recovery).await.unwrap(), "the experiment EXP7nXc2 is stopped");
    let plane = deployment.plane.plane();
    assert!(plane.now >= plane.experiment.as_ref().unwrap().stopped.unwrap() + 10.0);
}

#[tokio::test(start_paused = true)]
async fn a_zone_is_not_taken_away_where_nobody_could_stop_that() {
    let action = shift("eu-central-1a", Some(TEMPLATE));
    let deployment = Deployment::of(&plan()).await;
    deployment.plane.plane().stop_condition = "none";
    let error = deployment.fleet.apply(&action).await.unwrap_err().to_string();
    insta::assert_snapshot!(error, @"`zone-outage` was refused: the experiment template `EXT4n7` has no stop condition; give it an alarm that stops it");
    deployment.plane.plane().shiftable = false;
    let error = deployment.fleet.apply(&shift("eu-central-1a", None)).await.unwrap_err().to_string();
    insta::assert_snapshot!(error, @"`zone-outage` was refused: the balancer takes part in no zonal shift; set its attribute `zonal_shift.config.enabled` (The resource is not registered (ResourceNotFoundException))");
    assert_eq!(changing(&deployment.plane), Vec::<String>::new());
}

#[test]
fn the_calls_of_a_run_are_told_before_it() {
    let (plan, actions) = (whole(), all_actions());
    let mut told = calls_throughout(&plan);
    for action in &actions {
        told.push(action.name().to_owned());
        told.extend(calls_of(&plan, action).into_iter().map(|call| format!("  {call}")));
    }
    told.push("at the end".to_owned());
    told.extend(calls_at_end(&plan, actions.iter()).into_iter().map(|call| format!("  {call}")));
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn the_policy_has_what_the_plan_needs() {
    let actions = all_actions();
    for (name, policy) in [
        ("policy_of_a_watched_fleet", policy(&plan(), [].iter())),
        ("policy_of_a_changed_fleet", policy(&whole(), actions.iter())),
    ] {
        insta::assert_snapshot!(name, serde_json::to_string_pretty(&policy).unwrap());
    }
}

#[test]
fn the_bucket_is_in_the_partition_of_its_region() {
    for (logs, fleet, bucket) in [
        (None, Some("eu-central-1"), "arn:aws:s3:::logs"),
        (None, Some("cn-north-1"), "arn:aws-cn:s3:::logs"),
        (Some("us-gov-west-1"), Some("eu-central-1"), "arn:aws-us-gov:s3:::logs"),
        (None, None, "arn:aws:s3:::logs"),
    ] {
        let mut run = crate::plan::fixture::plan();
        run.target.access_log = Some(AccessLog {
            bucket: "logs".to_owned(),
            prefix: "alb/".to_owned(),
            region: logs.map(str::to_owned),
            wait: Duration::ZERO,
        });
        let aws = AwsPlan { region: fleet.map(str::to_owned), ..plan() };
        let resources: Vec<Value> =
            statements_after_run(&run, &aws).iter().map(|statement| statement["Resource"].clone()).collect();
        assert_eq!(resources, [json!(bucket), json!(format!("{bucket}/alb/AWSLogs/*"))]);
    }
}

/// What a run calls is what the policy allows and what the dry run tells: no more, no less.
#[tokio::test(start_paused = true)]
async fn all_that_is_called_is_in_the_policy_and_nothing_else() {
    let deployment = Deployment::of(&AwsPlan { target_group: Some("web".to_owned()), ..whole() }).await;
    let actions = all_actions();
    // What takes a zone away is listed only where no answer tells of it.
    deployment.plane.plane().faults = vec![lost("StartZonalShift"), lost("StartExperiment")];
    for action in &actions {
        deployment.fleet.apply(action).await.unwrap_or_else(|error| panic!("{error}"));
    }
    deployment.fleet.put_back().await;
    let action = rolling();
    let _ = tokio::time::timeout(Duration::from_secs(30), deployment.fleet.apply(&action)).await;
    deployment.fleet.put_back().await;
    let policy = policy(&deployment.fleet.plan, actions.iter());
    let statements = policy["Statement"].as_array().unwrap().iter();
    let allowed = statements.flat_map(|statement| statement["Action"].as_array().unwrap());
    let mut allowed: Vec<&str> = allowed.map(|call| call.as_str().unwrap().split_once(':').unwrap().1).collect();
    let plane = deployment.plane.plane();
    let mut called: Vec<&str> = plane.calls.iter().map(|(_, call)| call.split(' ').next().unwrap()).collect();
    for list in [&mut allowed, &mut called] {
        list.sort_unstable();
        list.dedup();
    }
    assert_eq!(called, allowed);
}
