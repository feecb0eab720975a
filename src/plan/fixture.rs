//! A small plan for tests of what comes after a run: four steps, one state of each kind.

use super::*;
use crate::history::StepId;
use std::time::Duration;

pub const FORM: StepId = StepId(0);
pub const LOGIN: StepId = StepId(1);
pub const PAGE: StepId = StepId(2);
pub const LOGOUT: StepId = StepId(3);

pub const CART: u8 = 0;
pub const THEME: u8 = 1;
pub const EXPORT: u8 = 2;

pub fn plan() -> Plan {
    let state = |name: &str, kind| State { name: name.to_owned(), kind };
    let steps =
        [("login form", Role::Login), ("login", Role::Login), ("account", Role::Ordinary), ("logout", Role::Logout)];
    Plan {
        name: "fixture".to_owned(),
        description: String::new(),
        target: Target {
            url: None,
            instance: Some(Source::Header("x-instance".to_owned())),
            zone: Some(Source::Header("x-zone".to_owned())),
            access_log: None,
            timeout: Duration::from_secs(10),
            max_body_bytes: 1 << 20,
            ca_file: None,
            headers: Vec::new(),
        },
        connections: Connections {
            mode: ConnectionMode::Browser,
            stickiness: Stickiness::Stripped,
            affinity_cookies: Vec::new(),
            http: HttpVersion::Http1,
        },
        workload: Workload {
            model: Model::Sessions,
            curve: Curve { points: Vec::new() },
            arrivals: ArrivalPattern::Even,
            seed: 1,
            max_sessions: 100,
            grace: Duration::from_secs(5),
        },
        scenarios: vec![Scenario {
            name: "shopper".to_owned(),
            weight: 1,
            steps: (0..steps.len() as u16).map(StepId).collect(),
        }],
        steps: steps.iter().map(|(name, role)| step(name, *role)).collect(),
        states: vec![
            state("cart", StateKind::Counter),
            state("theme", StateKind::Register),
            state("export", StateKind::Job),
        ],
        session: SessionRules {
            rejected: Vec::new(),
            identity: None,
            on_rejected: OnRejected::Relogin,
            idle_timeout: Some(Duration::from_secs(30)),
            lifetime: Some(Duration::from_secs(600)),
            allow: Allowance::default(),
        },
        fleet: FleetPlan::Observe { capacity_per_instance: Some(50.0) },
        timeline: Vec::new(),
        objectives: Vec::new(),
        compare: CompareRules::default(),
        publish: Publish::default(),
        user_fields: vec!["name".to_owned()],
        user_count: 100,
        variables: Vec::new(),
    }
}

fn step(name: &str, role: Role) -> Step {
    Step {
        name: name.to_owned(),
        scenario: 0,
        assign: Vec::new(),
        method: "GET".to_owned(),
        path: Template::literal("/"),
        headers: Vec::new(),
        body: Body::None,
        follow_redirects: true,
        role,
        think: Distribution::ZERO,
        think_cap: Duration::from_secs(60),
        repeat: Repeat { from: 1, to: 1 },
        extract: Vec::new(),
        expect: Vec::new(),
        states: Vec::new(),
        proves_identity: role == Role::Ordinary,
    }
}

/// An objective for the response time of all requests, in seconds, over the whole run.
pub fn response_time_at_most(quantile: f64, seconds: f64) -> Objective {
    Objective {
        text: format!("p{} of response time ≤ {} ms", quantile * 100.0, seconds * 1e3),
        metric: Metric::ResponseTime { quantile },
        scope: Scope::default(),
        window: Window::WHOLE_RUN,
        limit: Limit::AtMost(seconds),
    }
}
