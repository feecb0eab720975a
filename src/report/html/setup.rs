use super::table::{Column, Tone, facts, mark, table, text};
use crate::history::Origin;
use crate::plan::{ArrivalPattern, FleetPlan, Model, Plan, Stickiness};
use crate::report::Subject;
use crate::report::wording::{counted, grouped, ms, percent};
use maud::{Markup, html};

pub(super) fn validity(subject: &Subject) -> Markup {
    let columns = [Column::Text("Check"), Column::Text("Result"), Column::Text("Found"), Column::Text("Needed")];
    let row = |check: &crate::verdict::ValidityCheck| {
        let result = if check.ok { mark(Tone::Good, "holds") } else { mark(Tone::Doubtful, "in doubt") };
        vec![text(&check.name), result, text(&check.found), text(&check.needed)]
    };
    let rows: Vec<_> = subject.verdict.validity.iter().map(row).collect();
    let generator = &subject.analysis.generator;
    html! {
        (table("Conditions for believing the run", &columns, &rows))
        h3 { "The generator" }
        (facts(&[
            ("Arrivals due", grouped(generator.arrivals_due)),
            ("Started late for want of a slot", grouped(generator.arrivals_owed)),
            ("Sent after it was due, p50", format!("{} ms", ms(generator.scheduling_lag.p50_ms))),
            ("Sent after it was due, p99", format!("{} ms", ms(generator.scheduling_lag.p99_ms))),
            ("Busiest second of a load thread", percent(generator.load_thread_busy_max)),
            ("Most sessions in flight", grouped(generator.sessions_in_flight_max)),
            ("Observations lost", grouped(generator.observations_lost)),
        ]))
    }
}

pub(super) fn plan(plan: &Plan) -> Markup {
    let workload = &plan.workload;
    let (model, unit) = match workload.model {
        Model::Sessions => ("sessions arrive by a curve, and wait and think inside", " sessions/s"),
        Model::Arrivals => ("requests arrive by a curve", " requests/s"),
        Model::Users => ("a number of users by a curve, each beginning anew at its end", " users"),
    };
    let arrivals = match workload.arrivals {
        ArrivalPattern::Poisson => "Poisson",
        ArrivalPattern::Even => "evenly spaced",
    };
    let stickiness = match plan.connections.stickiness {
        Stickiness::Kept => "kept",
        Stickiness::Stripped => "stripped",
    };
    let json = serde_json::to_string_pretty(plan).expect("plain data with text keys can be told in JSON");
    html! {
        (facts(&[
            ("Workload", model.to_owned()),
            ("Peak", format!("{}{unit}", workload.curve.peak())),
            ("Length", format!("{:.0} s", workload.curve.duration().as_secs_f64())),
            ("Arrivals", format!("{arrivals}, seed {}", workload.seed)),
            ("Slots", grouped(u64::from(workload.max_sessions))),
            ("Target", target(plan)),
            ("Affinity cookies", stickiness.to_owned()),
            ("Users", grouped(u64::from(plan.user_count))),
        ]))
        (scenarios(plan))
        @if !plan.timeline.is_empty() { (timeline(plan)) }
        details {
            summary { "The plan as resolved, in full (JSON; no secret is in it)" }
            pre tabindex="0" { (text_block(&json)) }
        }
    }
}

/// Text of many lines.
fn text_block(block: &str) -> Markup {
    html! { @for line in block.lines() { (text(line)) "\n" } }
}

fn target(plan: &Plan) -> String {
    match &plan.fleet {
        FleetPlan::Lab(lab) => {
            let capacity = lab.capacity_per_instance();
            let instances = counted(u64::from(lab.instances), "instance");
            format!("the lab: {instances} at first, {capacity:.0} requests/s each")
        }
        FleetPlan::Aws(aws) => {
            let url = plan.target.url.as_deref().unwrap_or("–");
            format!("{url}: the Auto Scaling group {}", aws.auto_scaling_group)
        }
        FleetPlan::Observe { .. } => plan.target.url.clone().unwrap_or_else(|| "–".to_owned()),
    }
}

fn scenarios(plan: &Plan) -> Markup {
    let total: f64 = plan.scenarios.iter().map(|s| f64::from(s.weight)).sum();
    let row = |scenario: &crate::plan::Scenario| {
        let steps = scenario.steps.iter().filter_map(|id| plan.steps.get(usize::from(id.0)));
        let steps: Vec<&str> = steps.map(|step| step.name.as_str()).collect();
        let share = percent(f64::from(scenario.weight) / total);
        vec![text(&scenario.name), text(&share), text(&steps.join(" → "))]
    };
    let columns = [Column::Text("Scenario"), Column::Figure("Share of sessions"), Column::Text("Steps")];
    table("Scenarios", &columns, &plan.scenarios.iter().map(row).collect::<Vec<_>>())
}

fn timeline(plan: &Plan) -> Markup {
    let row = |entry: &crate::plan::TimelineEntry| {
        vec![text(&format!("{} s", entry.at.as_secs_f64())), text(entry.action.name())]
    };
    let rows: Vec<_> = plan.timeline.iter().map(row).collect();
    table("Timeline", &[Column::Figure("At"), Column::Text("Action")], &rows)
}

pub(super) fn machine(origin: &Origin) -> Markup {
    let machine = &origin.machine;
    facts(&[
        ("Host", machine.hostname.clone()),
        ("System", machine.os.clone()),
        ("Processors", machine.cpus.to_string()),
        ("Memory", format!("{:.1} GiB", machine.memory_bytes as f64 / f64::from(1 << 30))),
        ("Load threads", origin.load_threads.to_string()),
        ("Pacing", origin.pacer.clone()),
        ("rushhour", origin.tool_version.clone()),
    ])
}
