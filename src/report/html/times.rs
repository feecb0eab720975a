use super::table::{Column, facts, table, text};
use crate::analysis::{Analysis, InstanceFigures, RequestFigures, StepFigures, TimeFigures};
use crate::report::wording::{self, grouped, ms, percent};
use maud::{Markup, html};

const QUANTILES: [&str; 5] = ["p50", "p90", "p99", "p99.9", "max"];

pub(super) fn response_time(analysis: &Analysis) -> Markup {
    html! {
        p { "Milliseconds from the moment each request was due to its last byte: what a user feels. Service time, from "
            "sending to the last byte, is told beside it." }
        (phases(analysis))
        h3 { "Steps" }
        (steps(&analysis.steps))
        h3 { "Instances" }
        (instances(analysis))
        @if analysis.requests.errors > 0 { (outcomes(analysis)) }
    }
}

fn quantiles(times: &TimeFigures) -> impl Iterator<Item = Markup> {
    let nothing = times.count == 0;
    let figures = [times.p50_ms, times.p90_ms, times.p99_ms, times.p999_ms, times.max_ms];
    figures.into_iter().map(move |value| text(&if nothing { "–".to_owned() } else { ms(value) }))
}

fn phases(analysis: &Analysis) -> Markup {
    let mut columns = vec![Column::Text("Part of the run"), Column::Figure("Requests")];
    columns.extend(QUANTILES.map(Column::Figure));
    let row = |name: String, times: &TimeFigures| {
        [text(&name), text(&grouped(times.count))].into_iter().chain(quantiles(times)).collect::<Vec<_>>()
    };
    let mut rows = Vec::new();
    if let Some(phases) = &analysis.phases {
        let (from, to) = (phases.during_from_second, phases.during_to_second);
        rows.push(row(format!("before {}", wording::change(&phases.change)), &phases.before));
        rows.push(row(format!("during it, {from} to {to} s"), &phases.during));
        rows.push(row("after it".to_owned(), &phases.after));
    }
    rows.push(row("whole run".to_owned(), &analysis.requests.response_time));
    table("Response time (ms) before, during and after the change", &columns, &rows)
}

/// What both tables below tell of a set of requests.
fn requests(figures: &RequestFigures) -> impl Iterator<Item = Markup> {
    let errors = match figures.errors {
        0 => "0".to_owned(),
        errors => format!("{} ({})", grouped(errors), percent(errors as f64 / figures.count as f64)),
    };
    let service = [figures.service_time.p50_ms, figures.service_time.p99_ms];
    let service = service.map(|value| if figures.count == 0 { "–".to_owned() } else { ms(value) });
    let counts = [text(&grouped(figures.count)), text(&errors)];
    counts.into_iter().chain(quantiles(&figures.response_time)).chain(service.map(|value| text(&value)))
}

fn request_columns<'a>(first: [&'a str; 2]) -> Vec<Column<'a>> {
    let mut columns: Vec<_> = first.map(Column::Text).to_vec();
    columns.extend(["Requests", "Not as expected"].map(Column::Figure));
    columns.extend(QUANTILES.map(Column::Figure));
    columns.extend(["service p50", "service p99"].map(Column::Figure));
    columns
}

fn steps(steps: &[StepFigures]) -> Markup {
    let row = |step: &StepFigures| {
        [text(&step.step), text(&step.scenario)].into_iter().chain(requests(&step.requests)).collect::<Vec<_>>()
    };
    let columns = request_columns(["Step", "Scenario"]);
    table("Response time (ms) of each step", &columns, &steps.iter().map(row).collect::<Vec<_>>())
}

fn instances(analysis: &Analysis) -> Markup {
    let row = |instance: &InstanceFigures| {
        let zone = instance.zone.as_deref().unwrap_or("–");
        let name = html! { (text(&instance.instance)) @if instance.new { " " span.tag { "new" } } };
        [name, text(zone)].into_iter().chain(requests(&instance.requests)).collect::<Vec<_>>()
    };
    let rows: Vec<_> = analysis.instances.iter().map(row).collect();
    let balance = &analysis.balance;
    html! {
        (table("Response time (ms) of each instance", &request_columns(["Instance", "Zone"]), &rows))
        (facts(&[
            ("Balance over instances (Jain, 1 is even)", format!("{:.3}", balance.instances_jain)),
            ("Coefficient of variation", format!("{:.3}", balance.instances_cv)),
            ("Balance over zones (Jain)", format!("{:.3}", balance.zones_jain)),
        ]))
    }
}

fn outcomes(analysis: &Analysis) -> Markup {
    let rows: Vec<_> =
        analysis.outcomes.iter().map(|(outcome, count)| vec![text(outcome), text(&grouped(*count))]).collect();
    html! {
        h3 { "Outcomes" }
        (table("Requests by outcome", &[Column::Text("Outcome"), Column::Figure("Requests")], &rows))
    }
}
