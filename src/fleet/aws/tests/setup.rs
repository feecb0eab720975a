use super::control_plane::{ControlPlane, Fault, FaultKind};
use super::fixture::{after, plan};
use crate::fleet::aws::clients::Clients;
use crate::fleet::aws::setup::setup_of;
use crate::fleet::aws::setup_calls;
use crate::plan::AwsPlan;
use std::collections::BTreeSet;

fn stores(elasticache: bool) -> AwsPlan {
    match elasticache {
        true => AwsPlan { elasticache: Some("sessions".to_owned()), ..plan() },
        false => AwsPlan { dynamodb_table: Some("sessions".to_owned()), ..plan() },
    }
}

#[tokio::test(start_paused = true)]
async fn what_aws_tells_of_a_deployment_is_read() {
    let plane = ControlPlane::new();
    after(60.0).await;
    let setup = setup_of(&Clients::new(&plane.config()), &stores(true)).await;
    insta::assert_debug_snapshot!(setup);
    let setup = setup_of(&Clients::new(&plane.config()), &stores(false)).await;
    insta::assert_debug_snapshot!(setup.table.unwrap().unwrap(), @r#"
    TableSetup {
        expires_by: Some(
            "ends",
        ),
        recovers: true,
        key: None,
    }
    "#);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_denied_leaves_the_others() {
    let plane = ControlPlane::new();
    for call in ["DescribeTargetGroupAttributes", "DescribeUsers"] {
        plane.plane().faults.push(Fault { call, from: 0.0, until: f64::MAX, kind: FaultKind::Denied });
    }
    let setup = setup_of(&Clients::new(&plane.config()), &stores(true)).await;
    let why = setup.target_group.unwrap_err();
    assert!(
        why.starts_with("DescribeTargetGroupAttributes of the target group `web` in eu-central-1 was denied"),
        "{why}"
    );
    assert!(why.contains("`rushhour aws policy PROFILE`"), "{why}");
    assert!(setup.group.is_ok() && setup.policies.is_ok() && setup.balancer.is_ok());
    let cache = setup.cache.unwrap().unwrap();
    assert!(cache.users.unwrap_err().contains("DescribeUsers") && cache.eviction.is_ok());
}

#[tokio::test(start_paused = true)]
async fn what_is_called_is_what_the_policy_allows() {
    for elasticache in [true, false] {
        let (plane, plan) = (ControlPlane::new(), stores(elasticache));
        setup_of(&Clients::new(&plane.config()), &plan).await;
        let plane = plane.plane();
        let called: BTreeSet<&str> = plane.calls.iter().map(|(_, call)| call.split(' ').next().unwrap()).collect();
        let allowed: BTreeSet<&str> =
            setup_calls(&plan).into_iter().map(|call| call.split_once(':').unwrap().1).collect();
        assert_eq!(called, allowed);
    }
}
