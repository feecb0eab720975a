//! What a run would do to the fleet, without doing it.

use super::report::print_text;
use crate::lab::founding_instances;
use crate::plan::{Action, FleetPlan, InstanceChoice, OnFailure, Plan, TimelineEntry};
use crate::profile::Span;

/// Prints the timeline of a plan.
pub fn print(plan: &Plan) -> anyhow::Result<()> {
    print_text(&told(plan))
}

fn told(plan: &Plan) -> String {
    let mut lines = vec![format!("{}: nothing is sent. What a run would do:", plan.name)];
    if plan.timeline.is_empty() {
        lines.push("  nothing to the fleet: the timeline is empty".to_owned());
    }
    let mut founding = known(plan);
    lines.extend(calls(plan, Calls::Throughout));
    for entry in &plan.timeline {
        lines.push(line(entry, founding.as_deref()));
        lines.extend(calls(plan, Calls::Of(&entry.action)));
        if changes_who_is_there(&entry.action) {
            founding = None;
        }
    }
    lines.push(format!("  {:>7}  the load ends", Span(plan.workload.curve.duration()).to_string()));
    lines.extend(calls(plan, Calls::AtEnd));
    lines.join("\n")
}

/// When calls of the provider's interface are made.
#[derive(Clone, Copy)]
#[cfg_attr(not(feature = "aws"), expect(dead_code, reason = "no other provider has an interface to call"))]
enum Calls<'a> {
    Throughout,
    Of(&'a Action),
    AtEnd,
}

/// The calls of the provider's interface, where it has one.
#[cfg(feature = "aws")]
fn calls(plan: &Plan, when: Calls<'_>) -> Vec<String> {
    use crate::fleet::aws;
    let FleetPlan::Aws(fleet) = &plan.fleet else { return Vec::new() };
    let (heading, calls) = match when {
        Calls::Throughout => (Some("all along"), aws::calls_throughout(fleet)),
        Calls::Of(action) => (None, aws::calls_of(fleet, action)),
        Calls::AtEnd => {
            let actions = plan.timeline.iter().map(|entry| &entry.action);
            (Some("what was changed is put back, however the run ends"), aws::calls_at_end(fleet, actions))
        }
    };
    let heading = heading.filter(|_| !calls.is_empty()).map(|heading| format!("           {heading}"));
    heading.into_iter().chain(calls.into_iter().map(|call| format!("             {call}"))).collect()
}

#[cfg(not(feature = "aws"))]
fn calls(_: &Plan, _: Calls<'_>) -> Vec<String> {
    Vec::new()
}

/// The instances (id and zone) at the start. With an autoscaler nobody knows who is there later.
fn known(plan: &Plan) -> Option<Vec<(String, String)>> {
    match &plan.fleet {
        FleetPlan::Lab(lab) if lab.autoscaler.is_none() => Some(founding_instances(lab)),
        _ => None,
    }
}

fn line(entry: &TimelineEntry, there: Option<&[(String, String)]>) -> String {
    let detail = entry.action.detail();
    let detail = if detail.is_empty() { String::new() } else { format!(": {detail}") };
    let targets = match (choice(&entry.action), there) {
        (Some(which), Some(there)) => {
            let chosen = which.of(there.iter().map(|(id, zone)| (id.as_str(), zone.as_str())));
            let names = if chosen.is_empty() { "nobody".to_owned() } else { chosen.join(", ") };
            format!(" → {names}")
        }
        (Some(_), None) => " → known only then".to_owned(),
        (None, _) => String::new(),
    };
    let stop = if entry.on_failure == OnFailure::Stop { "; if it fails, the run stops" } else { "" };
    format!("  {:>7}  {}{detail}{targets}{stop}", Span(entry.at).to_string(), entry.action.name())
}

fn choice(action: &Action) -> Option<&InstanceChoice> {
    match action {
        Action::KillInstance { which } | Action::StopInstance { which } | Action::FreezeInstance { which } => {
            Some(which)
        }
        _ => None,
    }
}

fn changes_who_is_there(action: &Action) -> bool {
    !(action.is_of_the_store() || matches!(action, Action::WaitFor { .. } | Action::Declare { .. }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{ThisMachine, resolve};
    use crate::profile::Profile;
    use std::path::Path;

    #[test]
    fn the_timeline_is_told_with_its_targets_where_they_are_known() {
        let text = r#"
            workload = { stages = ["2/s for 60s"] }
            fleet = { instances = 4 }
            scenarios = [{ name = "visitor", think = "1s", steps = [{ name = "home", get = "/" }] }]
            timeline = [
                { at = "30s", do = "zone-outage", zone = "zone-b", how = "freeze", on_failure = "stop" },
                { at = "10s", do = "kill-instance", zone = "zone-b", target = "newest" },
                { at = "20s", do = "stop-instance", target = "oldest" },
                { at = "40s", do = "wait-for", state = "settled" },
            ]
        "#;
        let profile = Profile::parse(Path::new("demo.toml"), text, &[]).unwrap();
        let (plan, _) = resolve(&profile, &ThisMachine).unwrap();
        insta::assert_snapshot!(told(&plan));
    }
}
