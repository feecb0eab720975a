use super::Subject;
use super::aftermath::aftermath;
use super::files::PAGE;
use super::sections;
use super::text::{Page, Style, Tone, printable};
use crate::plan::Plan;
use crate::verdict::{Outcome, Verdict};

/// A run's summary on about one screen, at most `width` (and never over 100) columns wide.
pub fn terminal(subject: &Subject, width: usize, style: Style) -> String {
    let Subject { plan, analysis, sessions, verdict, comparison, results, .. } = *subject;
    let mut page = Page::new(width, style);
    lead(&mut page, plan, verdict);
    sections::continuity(&mut page, sessions);
    sections::addresses(&mut page, subject.events, analysis);
    sections::new_instances(&mut page, analysis);
    sections::response_time(&mut page, analysis);
    sections::objectives(&mut page, verdict);
    sections::aftermath(&mut page, &aftermath(subject));
    sections::symptoms(&mut page, verdict);
    sections::losses(&mut page, sessions);
    if verdict.outcome != Outcome::Inconclusive {
        sections::doubts(&mut page, verdict);
    }
    if let Some(found) = comparison {
        page.heading("Against the baseline");
        page.block(&super::comparison(found, width, style));
    }
    page.heading("Results");
    page.paragraph(None, "  ", &printable(results));
    page.paragraph(None, "  ", &printable(&format!("{results}/{PAGE}")));
    page.finish()
}

fn lead(page: &mut Page, plan: &Plan, verdict: &Verdict) {
    let tone = match verdict.outcome {
        Outcome::Pass => Tone::Good,
        Outcome::Inconclusive => Tone::Doubtful,
        Outcome::ObjectiveMissed | Outcome::SessionsLost => Tone::Bad,
    };
    let interrupted = if verdict.interrupted { " (interrupted: over what was seen)" } else { "" };
    let words = verdict.outcome.words().to_uppercase();
    page.line(Some(tone), &format!("{words}{interrupted} · {}", printable(&plan.name)));
    for reason in verdict.reasons.iter().filter(|r| r.speaks_for == verdict.outcome) {
        page.paragraph(None, "  ", &printable(&reason.text));
    }
    let rest = verdict.reasons.iter().filter(|r| r.speaks_for != verdict.outcome);
    for reason in rest.filter(|r| r.speaks_for != Outcome::Inconclusive) {
        page.paragraph(Some(Tone::Faint), "  also: ", &printable(&reason.text));
    }
}
