use super::Subject;
use super::aftermath::aftermath;
use super::comparison;
use super::text::printable;
use super::wording::{self, grouped, ms, seconds};
use crate::analysis::{Analysis, TimeFigures};
use crate::session::SessionFindings;
use crate::verdict::{Met, Outcome, Verdict};
use std::fmt::Write as _;

/// Examples of losses told, of each kind; the rest is in `report.html`.
const EXAMPLES: usize = 3;
/// Steps told: those with the greatest p99.
const SLOWEST: usize = 10;

/// `summary.md`: the run on a page, in the Markdown of GitHub, for the summary of a CI job.
pub fn markdown(subject: &Subject) -> String {
    let Subject { plan, analysis, sessions, verdict, .. } = *subject;
    let mut page = String::new();
    let sign = match verdict.outcome {
        Outcome::Pass => "✅",
        Outcome::Inconclusive => "❔",
        Outcome::ObjectiveMissed | Outcome::SessionsLost => "❌",
    };
    let words = verdict.outcome.words().to_uppercase();
    let interrupted = if verdict.interrupted { " (interrupted: over what was seen)" } else { "" };
    line(&mut page, &format!("## {sign} {words} · {}{interrupted}\n", escaped(&plan.name)));
    line(&mut page, &format!("**{}**\n", escaped(&wording::headline(subject))));
    for reason in &verdict.reasons {
        line(&mut page, &format!("- {}", escaped(&reason.text)));
    }
    objectives(&mut page, verdict);
    cohorts(&mut page, sessions);
    response_time(&mut page, analysis);
    for part in aftermath(subject) {
        heading(&mut page, part.heading);
        part.lines.iter().for_each(|told| line(&mut page, &format!("- {}", escaped(told))));
    }
    losses(&mut page, verdict, sessions);
    doubts(&mut page, verdict);
    if let Some(found) = subject.comparison {
        line(&mut page, "");
        page.push_str(&comparison::markdown(found));
    }
    page
}

fn line(page: &mut String, text: &str) {
    page.push_str(text);
    page.push('\n');
}

/// `columns` that begin with `#` hold figures and are aligned as such. Cells are escaped here.
fn table(page: &mut String, columns: &[&str], rows: &[Vec<String>]) {
    let heads: Vec<&str> = columns.iter().map(|column| column.trim_start_matches('#')).collect();
    let rules: Vec<&str> = columns.iter().map(|column| if column.starts_with('#') { "---:" } else { "---" }).collect();
    let _ = writeln!(page, "| {} |\n| {} |", heads.join(" | "), rules.join(" | "));
    for row in rows {
        let cells: Vec<String> = row.iter().map(|cell| escaped(cell)).collect();
        let _ = writeln!(page, "| {} |", cells.join(" | "));
    }
}

fn heading(page: &mut String, text: &str) {
    let _ = writeln!(page, "\n### {text}\n");
}

fn objectives(page: &mut String, verdict: &Verdict) {
    if verdict.objectives.is_empty() {
        return;
    }
    heading(page, "Objectives");
    let row = |objective: &crate::verdict::ObjectiveResult| {
        let sign = match objective.met {
            Met::Met => "✅",
            Met::Missed => "❌",
            Met::Unknown => "❔",
        };
        let measured = objective.told_measured().unwrap_or("–".to_owned());
        let result = format!("{sign} {}", wording::met(objective.met));
        vec![objective.text.clone(), result, measured, wording::margin(objective)]
    };
    let rows: Vec<_> = verdict.objectives.iter().map(row).collect();
    table(page, &["Objective", "Result", "#Measured", "By how much"], &rows);
}

fn cohorts(page: &mut String, sessions: &SessionFindings) {
    if sessions.cohorts.is_empty() {
        return;
    }
    heading(page, "Sessions that were there when the fleet changed");
    let row = |cohort: &crate::session::Cohort| {
        vec![
            wording::change(&cohort.change),
            grouped(cohort.sessions),
            grouped(cohort.survived),
            grouped(cohort.lost()),
            wording::survival(cohort),
            cohort.adoption.as_ref().map_or("–".to_owned(), |a| wording::after_launch(a.curve.t50_seconds)),
        ]
    };
    let rows: Vec<_> = sessions.cohorts.iter().map(row).collect();
    table(page, &["Change", "#Sessions", "#Survived", "#Lost", "Survival", "Half adopted"], &rows);
}

fn response_time(page: &mut String, analysis: &Analysis) {
    heading(page, "Response time (ms), from when each request was due");
    let row = |name: String, times: &TimeFigures| {
        let figures = [times.p50_ms, times.p90_ms, times.p99_ms, times.p999_ms, times.max_ms];
        let figures = figures.map(|value| if times.count == 0 { "–".to_owned() } else { ms(value) });
        [name, grouped(times.count)].into_iter().chain(figures).collect::<Vec<_>>()
    };
    let mut rows = Vec::new();
    if let Some(phases) = &analysis.phases {
        let (from, to) = (phases.during_from_second, phases.during_to_second);
        rows.push(row(format!("before {} at {}", phases.change.name, seconds(phases.change.at_us)), &phases.before));
        rows.push(row(format!("during it, {from} to {to} s"), &phases.during));
        rows.push(row("after it".to_owned(), &phases.after));
    }
    rows.push(row("whole run".to_owned(), &analysis.requests.response_time));
    let mut steps: Vec<_> = analysis.steps.iter().collect();
    steps.sort_by(|a, b| b.requests.response_time.p99_ms.total_cmp(&a.requests.response_time.p99_ms));
    rows.extend(steps.into_iter().take(SLOWEST).map(|s| row(format!("step {}", s.step), &s.requests.response_time)));
    table(page, &["", "#requests", "#p50", "#p90", "#p99", "#p99.9", "#max"], &rows);
}

fn losses(page: &mut String, verdict: &Verdict, sessions: &SessionFindings) {
    if !verdict.symptoms.is_empty() {
        heading(page, "What the losses have in common");
    }
    for symptom in &verdict.symptoms {
        let (title, evidence) = (escaped(&symptom.title), escaped(&symptom.evidence));
        line(page, &format!("- **{title}**: {evidence}. {}", escaped(&symptom.explanation)));
    }
    if !sessions.losses.is_empty() {
        heading(page, "Examples of losses");
    }
    for (kind, examples) in &sessions.losses {
        for example in examples.iter().take(EXAMPLES) {
            let told = escaped(&wording::loss_example(example));
            line(page, &format!("- {}: {told}", wording::loss_kind(*kind)));
        }
    }
}

fn doubts(page: &mut String, verdict: &Verdict) {
    let failed: Vec<_> = verdict.validity.iter().filter(|check| !check.ok).collect();
    if failed.is_empty() {
        return;
    }
    heading(page, "Why the run cannot be fully believed");
    for check in failed {
        let text = format!("{}: {} (needed: {})", check.name, check.found, check.needed);
        line(page, &format!("- {}", escaped(&text)));
    }
}

/// Text from anywhere, as text: no markup, no table cell's end, no link, mention or emoji of it comes through.
/// CommonMark lets any ASCII punctuation be escaped; escaped is what means something inside a line.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in printable(text).chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '@' | '!' | '$' | ':' => safe.extend(['\\', c]),
            c => safe.push(c),
        }
    }
    safe.replace("www.", "www\\.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_from_outside_is_text() {
        let cases = [
            ("<script>", "&lt;script&gt;"),
            ("a|b\n## c", "a\\|b\\\\n\\#\\# c"),
            ("[x](https://example.com)", "\\[x\\](https\\://example.com)"),
            ("@team `rm` **b** $x$", "\\@team \\`rm\\` \\*\\*b\\*\\* \\$x\\$"),
            ("www.example.com", "www\\.example.com"),
        ];
        for (text, safe) in cases {
            assert_eq!(escaped(text), safe);
        }
    }
}
