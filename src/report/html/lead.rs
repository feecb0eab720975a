use super::table::{Column, Tone, facts, mark, table, text};
use crate::history::Origin;
use crate::plan::Limit;
use crate::report::{Subject, wording};
use crate::verdict::{Met, ObjectiveResult, Outcome, Verdict};
use maud::{Markup, html};

pub(super) fn header(subject: &Subject) -> Markup {
    let Subject { origin, plan, analysis, .. } = *subject;
    let Origin { zero_at, run_id, .. } = origin;
    let length = analysis.load_end_us.since(analysis.load_start_us).as_secs_f64();
    html! {
        header {
            p.brand { "rushhour" }
            h1 { (text(&plan.name)) }
            @if !plan.description.is_empty() { p { (text(&plan.description)) } }
            (facts(&[
                ("Load began", wording::moment(zero_at)),
                ("Load lasted", format!("{length:.0} s")),
                ("Requests", wording::grouped(analysis.requests.count)),
                ("Run", run_id.clone()),
            ]))
        }
    }
}

pub(super) fn verdict(subject: &Subject) -> Markup {
    let verdict = subject.verdict;
    let tone = match verdict.outcome {
        Outcome::Pass => Tone::Good,
        Outcome::Inconclusive => Tone::Doubtful,
        Outcome::ObjectiveMissed | Outcome::SessionsLost => Tone::Bad,
    };
    html! {
        p.outcome {
            (mark(tone, &verdict.outcome.words().to_uppercase()))
            @if verdict.interrupted { " (interrupted: over what was seen)" }
        }
        p.headline { (text(&wording::headline(subject))) }
        ul { @for reason in &verdict.reasons { li {
            @if reason.speaks_for != verdict.outcome { span.faint { "also, for " (reason.speaks_for.words()) ": " } }
            (text(&reason.text))
        } } }
    }
}

pub(super) fn objectives(verdict: &Verdict) -> Option<Markup> {
    if verdict.objectives.is_empty() {
        return None;
    }
    let columns = [
        Column::Text("Objective"),
        Column::Text("Result"),
        Column::Figure("Measured"),
        Column::Figure("Limit"),
        Column::Text("By how much"),
    ];
    let rows: Vec<_> = verdict.objectives.iter().map(objective).collect();
    Some(table("Objectives of the profile", &columns, &rows))
}

fn objective(objective: &ObjectiveResult) -> Vec<Markup> {
    let tone = match objective.met {
        Met::Met => Tone::Good,
        Met::Missed => Tone::Bad,
        Met::Unknown => Tone::Doubtful,
    };
    let limit = match objective.limit {
        Limit::AtMost(limit) => format!("≤ {}", objective.told(limit)),
        Limit::AtLeast(limit) => format!("≥ {}", objective.told(limit)),
    };
    vec![
        text(&objective.text),
        mark(tone, wording::met(objective.met)),
        text(&objective.told_measured().unwrap_or("–".to_owned())),
        text(&limit),
        text(&wording::margin(objective)),
    ]
}
