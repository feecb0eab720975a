use super::table::{section, text};
use super::{baseline, charts, lead, sessions, setup, stages, times};
use crate::report::charts::style_sheet;
use crate::report::{Chart, Subject};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("charts.js");

/// `report.html`.
pub fn html(subject: &Subject, charts: &[Chart]) -> String {
    let name = &subject.plan.name;
    let outcome = subject.verdict.outcome.words();
    let body = sections(subject, charts);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (text(name)) ": " (outcome) " · rushhour" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#verdict" { "Skip to the verdict" }
                (lead::header(subject))
                nav aria-label="Contents" {
                    ul { @for (id, heading, _) in &body { li { a href={ "#" (id) } { (heading) } } } }
                }
                main { @for (id, heading, content) in body { (section(id, heading, content)) } }
                footer { p { "Made by rushhour " (text(&subject.origin.tool_version)) " from the record of the run. "
                    "Times are seconds from the start of the load." } }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string() + "\n"
}

/// Those that have something to tell: address, heading, content.
fn sections(subject: &Subject, drawn: &[Chart]) -> Vec<(&'static str, &'static str, Markup)> {
    let all = [
        ("verdict", "Verdict", Some(lead::verdict(subject))),
        ("objectives", "Objectives", lead::objectives(subject.verdict)),
        ("sessions", "Session continuity", Some(sessions::continuity(subject))),
        ("scale-out", "Scale-out, stage by stage", stages::stages(subject.analysis)),
        ("aftermath", "Faults and the session store", sessions::aftermath(subject)),
        ("charts", "Charts", charts::charts(drawn)),
        ("response-time", "Response time", Some(times::response_time(subject.analysis))),
        ("baseline", "Against the baseline", subject.comparison.map(baseline::baseline)),
        ("losses", "Losses, with examples", sessions::losses(subject.sessions)),
        ("symptoms", "What the losses have in common", sessions::symptoms(subject.verdict)),
        ("validity", "May the run be believed?", Some(setup::validity(subject))),
        ("plan", "The plan", Some(setup::plan(subject.plan))),
        ("machine", "The machine that made the load", Some(setup::machine(subject.origin))),
    ];
    all.into_iter().filter_map(|(id, heading, content)| Some((id, heading, content?))).collect()
}

/// Nothing is loaded, and nothing runs but what is in this file.
fn policy() -> String {
    let hash = |text: &str| format!("'sha256-{}'", BASE64_STANDARD.encode(digest(&SHA256, text.as_bytes())));
    format!(
        "default-src 'none'; style-src {} {}; script-src {}; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(&style_sheet()),
        hash(SCRIPT)
    )
}
