use super::judge::judge;
use crate::audit::{Check, CheckResult};
use crate::fleet::aws::{
    AlarmSetup, BalancerSetup, CacheSetup, Encryption, GroupSetup, ListenerSetup, PolicySetup, Setup, TableSetup,
    TargetGroupSetup, Told, UserSetup,
};
use std::time::Duration;

const LONGEST: Duration = Duration::from_secs(10);

fn strings(all: &[&str]) -> Vec<String> {
    all.iter().map(|&one| one.to_owned()).collect()
}

fn user(name: &str, access: &str, without_password: bool) -> UserSetup {
    UserSetup { name: name.to_owned(), access: access.to_owned(), without_password }
}

/// As it should be.
fn good() -> Setup {
    let listener =
        |port, protocol: &str, only_redirects| ListenerSetup { port, protocol: protocol.to_owned(), only_redirects };
    let alarm = |above| AlarmSetup { name: "high".to_owned(), above, period: Duration::from_secs(60), datapoints: 3 };
    Setup {
        group: Ok(GroupSetup {
            zones: strings(&["a", "b"]),
            in_service: strings(&["a", "b", "a"]),
            desired: 3,
            max: 6,
            health_checks: "EC2,ELB".to_owned(),
            grace: Duration::from_secs(90),
            warm_up: Some(Duration::from_secs(60)),
            suspended: Vec::new(),
        }),
        policies: Ok(vec![PolicySetup {
            name: "rate".to_owned(),
            enabled: true,
            target: Some(50.0),
            // Target tracking shrinks by an alarm of fifteen minutes.
            alarms: vec![alarm(true), AlarmSetup { datapoints: 15, ..alarm(false) }],
        }]),
        target_group: Ok(TargetGroupSetup {
            check_protocol: "HTTP".to_owned(),
            check_path: Some("/healthz".to_owned()),
            check_interval: Duration::from_secs(5),
            unhealthy_after: 2,
            healthy_after: 3,
            deregistration_delay: Duration::from_secs(30),
            sticky: None,
            slow_start: Duration::ZERO,
            cross_zone: None,
        }),
        balancer: Ok(BalancerSetup {
            zones: strings(&["a", "b"]),
            cross_zone: true,
            listeners: vec![listener(443, "HTTPS", false), listener(80, "HTTP", true)],
        }),
        cache: Some(Ok(CacheSetup {
            shards: vec![strings(&["a", "b"])],
            multi_az: true,
            automatic_failover: true,
            in_transit: Encryption::Required,
            at_rest: true,
            snapshots_kept: 1,
            durability: None,
            has_token: false,
            users: Ok(vec![user("default", "off ~* -@all", true), user("app", "on ~session:* +@read", false)]),
            eviction: Ok("noeviction".to_owned()),
        })),
        table: Some(Ok(TableSetup { expires_by: Some("expires_at".to_owned()), recovers: true, key: None })),
    }
}

fn named(checks: &[Check], result: CheckResult) -> Vec<&str> {
    checks.iter().filter(|check| check.result == result).map(|check| check.name).collect()
}

#[test]
fn a_good_deployment_passes() {
    let checks = judge(&good(), LONGEST);
    assert_eq!(named(&checks, CheckResult::NotApplicable), ["security groups let only the balancer in"]);
    assert_eq!(named(&checks, CheckResult::Passed).len(), checks.len() - 1, "{checks:#?}");
    let told: Vec<String> = checks.iter().map(|check| format!("{}: {}", check.name, check.seen)).collect();
    insta::assert_snapshot!(told.join("\n"));
}

fn ok<T>(told: &mut Told<T>) -> &mut T {
    told.as_mut().expect("it is a good deployment")
}

#[test]
fn each_fault_is_named_and_nothing_else() {
    type Spoil = fn(&mut Setup);
    let cases: [(&str, Spoil); 31] = [
        ("Auto Scaling group spans zones", |s| ok(&mut s.group).suspended = strings(&["AZRebalance"])),
        ("Auto Scaling group spans zones", |s| ok(&mut s.group).in_service = strings(&["a", "a"])),
        ("group replaces what the balancer finds unhealthy", |s| {
            ok(&mut s.group).suspended = strings(&["ReplaceUnhealthy"]);
        }),
        ("group replaces what the balancer finds unhealthy", |s| ok(&mut s.group).health_checks = "EC2".to_owned()),
        ("group has room to grow", |s| ok(&mut s.group).max = 3),
        ("default instance warm-up", |s| ok(&mut s.group).warm_up = None),
        ("group tracks a target", |s| ok(&mut s.policies)[0].target = None),
        ("group tracks a target", |s| ok(&mut s.policies)[0].enabled = false),
        ("load is noticed in time", |s| ok(&mut s.policies)[0].alarms[0].period = Duration::from_secs(300)),
        ("health check asks the application", |s| ok(&mut s.target_group).check_protocol = "TCP".to_owned()),
        ("dead instance is out in time", |s| ok(&mut s.target_group).unhealthy_after = 7),
        ("target group without stickiness", |s| ok(&mut s.target_group).sticky = Some("lb_cookie".to_owned())),
        ("deregistration outlasts the longest request", |s| {
            ok(&mut s.target_group).deregistration_delay = Duration::from_secs(9);
        }),
        ("grace outlasts the first health checks", |s| ok(&mut s.group).grace = Duration::from_secs(15)),
        ("slow start within the warm-up", |s| ok(&mut s.target_group).slow_start = Duration::from_secs(61)),
        ("balancer spans the group's zones", |s| ok(&mut s.balancer).zones = strings(&["a", "c"])),
        ("load is shared across zones", |s| ok(&mut s.target_group).cross_zone = Some(false)),
        ("load is shared across zones", |s| ok(&mut s.balancer).cross_zone = false),
        ("balancer takes TLS only", |s| ok(&mut s.balancer).listeners[1].only_redirects = false),
        ("balancer takes TLS only", |s| drop(ok(&mut s.balancer).listeners.remove(0))),
        ("ElastiCache: nodes over zones", |s| ok(s.cache.as_mut().unwrap()).shards.push(strings(&["b", "b"]))),
        ("ElastiCache: nodes over zones", |s| ok(s.cache.as_mut().unwrap()).multi_az = false),
        ("ElastiCache: automatic failover", |s| ok(s.cache.as_mut().unwrap()).automatic_failover = false),
        ("ElastiCache: encrypted in transit", |s| ok(s.cache.as_mut().unwrap()).in_transit = Encryption::Preferred),
        ("ElastiCache: encrypted at rest", |s| ok(s.cache.as_mut().unwrap()).at_rest = false),
        ("ElastiCache: access control", |s| ok(s.cache.as_mut().unwrap()).users = Ok(Vec::new())),
        ("ElastiCache: access control", |s| {
            ok(s.cache.as_mut().unwrap()).users = Ok(vec![user("default", "on ~* +@all", true)]);
        }),
        ("ElastiCache: snapshots", |s| ok(s.cache.as_mut().unwrap()).snapshots_kept = 0),
        ("ElastiCache: eviction policy fit for sessions", |s| {
            ok(s.cache.as_mut().unwrap()).eviction = Ok("volatile-lru".to_owned());
        }),
        ("sessions are deleted once they have ended", |s| ok(s.table.as_mut().unwrap()).expires_by = None),
        ("table can be put back", |s| ok(s.table.as_mut().unwrap()).recovers = false),
    ];
    for (name, spoil) in cases {
        let mut setup = good();
        spoil(&mut setup);
        let checks = judge(&setup, LONGEST);
        assert_eq!(named(&checks, CheckResult::Failed), [name], "{checks:#?}");
    }
}

#[test]
fn what_was_not_told_is_unknown_and_the_rest_is_judged() {
    let mut setup = good();
    setup.target_group = Err("denied".to_owned());
    ok(setup.cache.as_mut().unwrap()).users = Err("denied, too".to_owned());
    let checks = judge(&setup, LONGEST);
    let unknown = [
        "health check asks the application",
        "dead instance is out in time",
        "target group without stickiness",
        "deregistration outlasts the longest request",
        "grace outlasts the first health checks",
        "slow start within the warm-up",
        "load is shared across zones",
        "ElastiCache: access control",
    ];
    assert_eq!(named(&checks, CheckResult::Unknown), unknown);
    assert_eq!(named(&checks, CheckResult::Failed), Vec::<&str>::new());
}
