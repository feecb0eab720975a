use super::exit::Exit;
use super::profile::{Resolved, load_profile};
use crate::lab::local_ports;
use crate::plan::{ConnectionMode, Estimate, FleetPlan, Model, Plan, RedisAccess, StoreLocation, StoreTransport};
use crate::profile::Span;
use crate::store::{probe_rule, sentinel_rule};
use anyhow::Result;
use clap::Args;
use serde_json::json;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

/// Validate a profile and explain what it will do.
#[derive(Args, Clone, Debug)]
pub struct CheckArgs {
    /// The profile, a TOML file.
    pub profile: PathBuf,
    /// Override a key of the profile, such as `workload.compress=5`; may be given more than once.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Print the resolved plan and the estimate as one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// A closed connection holds its local port for a minute (Linux: TIME_WAIT).
const PORT_HELD_SECONDS: f64 = 60.0;

/// What this machine allows.
#[derive(Clone, Copy, Debug)]
pub struct Machine {
    /// File descriptors a process may have at most (the hard limit, which a run raises itself to).
    pub file_descriptors: u64,
    /// Local ports for outgoing connections.
    pub local_ports: u64,
}

pub fn run(args: &CheckArgs) -> Result<Exit> {
    let Resolved { plan, unrecorded } = match load_profile(&args.profile, &args.set) {
        Ok(resolved) => resolved,
        Err(exit) => return Ok(exit),
    };
    let (estimate, machine) = (plan.estimate(), this_machine()?);
    let wanting = shortages(&estimate, machine);
    if args.json {
        let all = json!({
            "plan": plan,
            "estimate": as_json(&estimate),
            "machine": { "file_descriptors": machine.file_descriptors, "local_ports": machine.local_ports },
            "shortages": wanting,
            "store_rule": unrecorded.store.as_ref().map(probe_rule),
        });
        anstream::println!("{}", serde_json::to_string_pretty(&all)?);
    } else {
        anstream::print!("{}", explain(&plan, &estimate, machine));
        if let Some(store) = &unrecorded.store {
            anstream::print!("{}", explain_store(store));
        }
    }
    Ok(if wanting.is_empty() { Exit::Pass } else { Exit::Usage })
}

fn this_machine() -> Result<Machine> {
    use nix::sys::resource::{Resource, getrlimit};
    let (_, file_descriptors) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let local_ports = local_ports().len() as u64;
    Ok(Machine { file_descriptors, local_ports })
}

fn as_json(estimate: &Estimate) -> serde_json::Value {
    json!({
        "load_seconds": estimate.load_seconds,
        "sessions": estimate.sessions,
        "requests_per_session": estimate.requests_per_session,
        "session_seconds": estimate.session_seconds,
        "requests": estimate.requests,
        "peak_requests_per_second": estimate.peak_requests_per_second,
        "in_flight": estimate.in_flight,
        "sockets": estimate.sockets,
        "file_descriptors": estimate.file_descriptors,
        "connections_per_second": estimate.connections_per_second,
    })
}

fn ports_held(estimate: &Estimate) -> u64 {
    estimate.sockets + (estimate.connections_per_second * PORT_HELD_SECONDS).ceil() as u64
}

/// What the plan needs and the machine does not allow.
fn shortages(estimate: &Estimate, machine: Machine) -> Vec<String> {
    let mut wanting = Vec::new();
    if estimate.file_descriptors > machine.file_descriptors {
        wanting.push(format!(
            "{} file descriptors are needed and {} are allowed: raise the limit (`ulimit -Hn`), or lower \
             `workload.max_sessions`",
            estimate.file_descriptors, machine.file_descriptors
        ));
    }
    if ports_held(estimate) > machine.local_ports {
        wanting.push(format!(
            "about {} local ports are needed at the peak and there are {}: widen `net.ipv4.ip_local_port_range`, keep \
             connections longer, or lower the curve",
            ports_held(estimate),
            machine.local_ports
        ));
    }
    wanting
}

/// What a run of this plan will do, for people.
pub fn explain(plan: &Plan, estimate: &Estimate, machine: Machine) -> String {
    let mut text = format!("{}: the profile is valid\n", plan.name);
    if !plan.description.is_empty() {
        let _ = writeln!(text, "{}", plan.description);
    }
    let (heading, unit) = match plan.workload.model {
        Model::Sessions => ("Sessions arriving", "/s"),
        Model::Arrivals => ("Requests arriving", "/s"),
        Model::Users => ("Users", " users"),
    };
    let _ = writeln!(text, "\n{heading}\n\n{}", plan.workload.curve.picture(unit));
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "{name:<18} {value}");
    };
    line("target", target(plan));
    line(
        "load",
        format!("{}, then up to {} for sessions under way", span(estimate.load_seconds), Span(plan.workload.grace)),
    );
    if plan.workload.model != Model::Arrivals {
        let each = format!("{:.1} requests in {}", estimate.requests_per_session, span(estimate.session_seconds));
        line("sessions", format!("about {:.0}, each of about {each}", estimate.sessions));
    }
    let peak = estimate.peak_requests_per_second;
    line("requests", format!("about {:.0}, at the peak about {peak:.0}/s", estimate.requests));
    if let Some(needed) = instances_needed(plan, peak) {
        line("instances", needed);
    }
    let slots = plan.workload.max_sessions;
    line("in flight", format!("about {:.0} at the peak (Little's law); at most {slots}", estimate.in_flight));
    line("users", plan.user_count.to_string());
    line("connections", format!("{}; at most {} open", connection_mode(plan), estimate.sockets));
    let (descriptors, allowed) = (estimate.file_descriptors, machine.file_descriptors);
    line("file descriptors", format!("{descriptors} of the {allowed} allowed"));
    line("local ports", format!("about {} of {} at the peak", ports_held(estimate), machine.local_ports));
    for scenario in &plan.scenarios {
        let total: f64 = plan.scenarios.iter().map(|s| f64::from(s.weight)).sum();
        let share = f64::from(scenario.weight) / total * 100.0;
        line(
            &format!("scenario {}", scenario.name),
            format!("{share:.0} % of sessions, {} steps", scenario.steps.len()),
        );
    }
    for entry in &plan.timeline {
        line(&format!("at {}", Span(entry.at)), entry.action.name().to_owned());
    }
    for objective in &plan.objectives {
        line("objective", objective.text.clone());
    }
    for shortage in shortages(estimate, machine) {
        line("NOT POSSIBLE", shortage);
    }
    text
}

/// What a run of this plan asks of the store that the profile names, for people.
fn explain_store(store: &RedisAccess) -> String {
    let place = match &store.location {
        StoreLocation::Direct(address) => address.clone(),
        StoreLocation::Sentinels { addresses, name } => {
            format!("what {} sentinels know as `{name}`", addresses.len())
        }
        StoreLocation::Cluster(nodes) => format!("the cluster of {}", nodes.join(", ")),
    };
    let transport = match store.transport {
        StoreTransport::Tls { .. } => "over TLS",
        StoreTransport::Plain => "in plain text",
    };
    let mut text = format!("{:<18} {place}, {transport}\n", "store");
    let _ = writeln!(
        text,
        "\nThe probe of the store needs no more than this (before Redis 7, `~` in place of `%R~`):\n\n{}",
        probe_rule(store)
    );
    if matches!(store.location, StoreLocation::Sentinels { .. }) {
        let _ = writeln!(text, "\nand at the sentinels, where they ask for a login:\n\n{}", sentinel_rule(store));
    }
    text
}

fn target(plan: &Plan) -> String {
    match (&plan.fleet, &plan.target.url) {
        (FleetPlan::Lab(lab), _) => {
            let capacity = lab.capacity_per_instance();
            format!("the lab on this machine: {} instances of about {capacity:.0} requests/s each", lab.instances)
        }
        (FleetPlan::Aws(aws), url) => {
            format!("{}: the Auto Scaling group `{}`", url.clone().unwrap_or_default(), aws.auto_scaling_group)
        }
        (FleetPlan::Observe { .. }, url) => url.clone().unwrap_or_default(),
    }
}

fn instances_needed(plan: &Plan, peak: f64) -> Option<String> {
    let capacity = plan.fleet.capacity_per_instance()?;
    (capacity > 0.0).then(|| format!("the peak asks for {:.1} at their capacity", peak / capacity))
}

fn connection_mode(plan: &Plan) -> &'static str {
    match plan.connections.mode {
        ConnectionMode::Browser => "one per session",
        ConnectionMode::Rotate { .. } => "one per session, replaced now and then",
        ConnectionMode::Pinned => "one per slot, never replaced",
        ConnectionMode::PerRequest => "one per request",
    }
}

/// To the second from ten seconds on, to the tenth below.
fn span(seconds: f64) -> Span {
    let step = if seconds < 10.0 { 10.0 } else { 1.0 };
    Span(Duration::from_millis(((seconds * step).round() / step * 1000.0) as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{ThisMachine, resolve};
    use crate::profile::Profile;
    use std::path::Path;

    const MACHINE: Machine = Machine { file_descriptors: 1024, local_ports: 28_232 };

    fn plan(assignments: &[&str]) -> Plan {
        let text = r#"
            description = "A plateau."
            workload = { stages = ["0/s -> 10/s over 10s", "10/s for 50s"] }
            [[scenarios]]
            name = "visitor"
            think = "2s"
            steps = [{ name = "home", get = "/", repeat = 5 }, { name = "bye", get = "/bye" }]
            [[timeline]]
            at = "20s"
            do = "scale-out"
            [[objectives]]
            metric = "response-time p99"
            at_most = "500ms"
            during = "scale-out +0s..30s"
        "#;
        let assignments: Vec<String> = assignments.iter().map(|&a| a.to_owned()).collect();
        let profile = Profile::parse(Path::new("demo.toml"), text, &assignments).unwrap();
        resolve(&profile, &ThisMachine).unwrap().0
    }

    #[test]
    fn a_plan_is_explained() {
        let plan = plan(&[]);
        insta::assert_snapshot!(explain(&plan, &plan.estimate(), MACHINE));
    }

    #[test]
    fn what_the_machine_does_not_allow_is_told() {
        let plan =
            plan(&["workload.max_sessions=2000", "connections.mode=per-request", "workload.stages.1=100/s for 50s"]);
        let wanting = shortages(&plan.estimate(), MACHINE);
        assert!(wanting[0].contains("2128 file descriptors are needed and 1024 are allowed"), "{wanting:?}");
        assert!(wanting[1].contains("local ports"), "{wanting:?}");
    }
}
