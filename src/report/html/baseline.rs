use super::table::{Column, Tone, mark, table, text};
use crate::compare::{Comparison, ComparisonOutcome};
use crate::report::comparison::{HEAD, KINDS, lead, method, row, told};
use maud::{Markup, html};

/// What changed since an earlier run.
pub(super) fn baseline(comparison: &Comparison) -> Markup {
    let tone = match comparison.outcome {
        ComparisonOutcome::NoRegression => Tone::Good,
        ComparisonOutcome::Regression => Tone::Bad,
        ComparisonOutcome::CannotTell => Tone::Doubtful,
    };
    let columns = HEAD.map(|head| if head.is_empty() { Column::Text(head) } else { Column::Figure(head) });
    let rows = |kind| -> Vec<Vec<Markup>> {
        let cells = |cells: Vec<String>| cells.iter().map(|cell| text(cell)).collect();
        told(comparison, kind).0.into_iter().map(|difference| cells(row(difference))).collect()
    };
    html! {
        p { (mark(tone, &lead(comparison))) }
        @if !comparison.doubts.is_empty() || !comparison.notes.is_empty() {
            ul {
                @for doubt in &comparison.doubts { li { (text(doubt)) } }
                @for note in &comparison.notes { li { "also differs: " (text(note)) } }
            }
        }
        @for (kind, heading) in KINDS {
            @let rows = rows(kind);
            @if !rows.is_empty() { (table(heading, &columns, &rows)) }
        }
        p { small { (text(&method(comparison))) } }
    }
}
