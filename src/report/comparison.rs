use super::markdown::escaped;
use super::text::{Page, Style, Tone, printable};
use super::wording::ms;
use super::{ReportFile, charts};
use crate::compare::{Comparison, ComparisonOutcome, Difference, Finding, Kind, Unit};
use std::fmt::Write as _;

/// Differences that are no finding, told one by one: the greatest of each kind.
const MOST_UNCHANGED: usize = 6;

pub(super) const HEAD: [&str; 6] = ["", "base", "new", "change", "by chance", ""];

pub(super) const KINDS: [(Kind, &str); 6] = [
    (Kind::Objective, "Objectives"),
    (Kind::Sessions, "Sessions"),
    (Kind::ResponseTime, "Response time"),
    (Kind::InstanceSpread, "Instances"),
    (Kind::Errors, "Errors"),
    (Kind::Stage, "Scale-out stages (middle instance)"),
];

/// What changed from one run to another, at most `width` columns wide.
pub fn comparison(comparison: &Comparison, width: usize, style: Style) -> String {
    let mut page = Page::new(width, style);
    let tone = match comparison.outcome {
        ComparisonOutcome::NoRegression => Tone::Good,
        ComparisonOutcome::Regression => Tone::Bad,
        ComparisonOutcome::CannotTell => Tone::Doubtful,
    };
    page.line(Some(tone), &lead(comparison));
    for doubt in &comparison.doubts {
        page.paragraph(Some(Tone::Doubtful), "  · ", &printable(doubt));
    }
    for note in &comparison.notes {
        page.paragraph(Some(Tone::Faint), "  also differs: ", &printable(note));
    }
    for (kind, heading) in KINDS {
        let (told, left) = told(comparison, kind);
        if told.is_empty() {
            continue;
        }
        page.heading(heading);
        let mut rows = vec![HEAD.map(str::to_owned).to_vec()];
        rows.extend(told.iter().map(|difference| row(difference)));
        page.table(&rows);
        if left > 0 {
            page.paragraph(Some(Tone::Faint), "  ", &format!("and {left} more without a finding"));
        }
    }
    page.paragraph(Some(Tone::Faint), "  ", &method(comparison));
    page.finish()
}

/// The same for a CI's step summary.
pub(super) fn markdown(comparison: &Comparison) -> String {
    let mut text = format!("## {}\n\n", escaped(&lead(comparison)));
    for line in comparison
        .doubts
        .iter()
        .map(|d| d.to_owned())
        .chain(comparison.notes.iter().map(|n| format!("also differs: {n}")))
    {
        writeln!(text, "- {}", escaped(&line)).expect("a String takes all text");
    }
    text.push_str("\n| | base | new | change | by chance | |\n|---|--:|--:|--:|--:|---|\n");
    for (kind, _) in KINDS {
        for difference in told(comparison, kind).0 {
            let cells: Vec<String> = row(difference).iter().map(|cell| escaped(cell)).collect();
            writeln!(text, "| {} |", cells.join(" | ")).expect("a String takes all text");
        }
    }
    writeln!(text, "\n{}", escaped(&method(comparison))).expect("a String takes all text");
    text
}

/// `comparison.json`, `comparison.md` and `comparison.svg`, for the new run's directory.
pub fn comparison_files(comparison: &Comparison) -> Vec<ReportFile> {
    vec![
        ReportFile::new("comparison.json", super::files::pretty(comparison)),
        ReportFile::new("comparison.md", markdown(comparison)),
        ReportFile::new("comparison.svg", charts::comparison(comparison).svg),
    ]
}

pub(super) fn lead(comparison: &Comparison) -> String {
    let count = |finding: Finding| comparison.differences.iter().filter(|d| d.finding == finding).count();
    let (worse, better) = (count(Finding::Regression), count(Finding::Improvement));
    let words = comparison.outcome.words().to_uppercase();
    format!("{words} · {worse} worse, {better} better than {}", printable(&comparison.base.run_id))
}

pub(super) fn method(comparison: &Comparison) -> String {
    let method = &comparison.method;
    format!(
        "{} blocks of {} s, {} resamples, {} tests together held to {:.0} %; base {}, new {}",
        method.blocks,
        method.block_seconds,
        method.resamples,
        method.tests,
        100.0 * method.confidence,
        printable(&comparison.base.results),
        printable(&comparison.new.results)
    )
}

/// Findings first, then what changed most; and how many are left out.
pub(super) fn told(comparison: &Comparison, kind: Kind) -> (Vec<&Difference>, usize) {
    let finding = |d: &Difference| matches!(d.finding, Finding::Regression | Finding::Improvement);
    let (mut told, mut rest): (Vec<_>, Vec<_>) =
        comparison.differences.iter().filter(|d| d.kind == kind).partition(|d| finding(d));
    let size = |d: &Difference| d.change.map_or(0.0, f64::abs);
    if kind == Kind::ResponseTime {
        // All requests lead; of the steps those that moved most.
        rest.sort_by(|a, b| {
            let whole = |d: &Difference| !d.what.ends_with(" of all requests");
            whole(a).cmp(&whole(b)).then(size(b).total_cmp(&size(a)))
        });
    }
    let left = rest.len().saturating_sub(MOST_UNCHANGED);
    rest.truncate(if kind == Kind::Stage { usize::MAX } else { MOST_UNCHANGED });
    told.extend(rest);
    (told, if kind == Kind::Stage { 0 } else { left })
}

pub(super) fn row(difference: &Difference) -> Vec<String> {
    let value = |value: Option<f64>| value.map_or("–".to_owned(), |v| figure(v, difference.unit));
    let change = match (difference.change, difference.low, difference.high, difference.unit) {
        (Some(by), Some(low), Some(high), Unit::Share) => {
            format!("{:+.2} ({:+.2}…{:+.2}) pp", 100.0 * by, 100.0 * low, 100.0 * high)
        }
        (Some(by), Some(low), Some(high), _) => {
            format!("{:+.0} ({:+.0}…{:+.0}) %", 100.0 * by, 100.0 * low, 100.0 * high)
        }
        (Some(by), ..) => format!("{:+.0} %", 100.0 * by),
        (None, ..) => String::new(),
    };
    let chance =
        difference.p_adjusted.map_or(String::new(), |p| if p < 0.001 { "< 0.001".into() } else { format!("{p:.3}") });
    let finding = match difference.finding {
        Finding::Regression => "worse",
        Finding::Improvement => "better",
        Finding::Unchanged => "",
        Finding::NotJudged => "not judged",
    };
    let what: String = printable(&difference.what).chars().take(44).collect();
    vec![what, value(difference.base), value(difference.new), change, chance, finding.to_owned()]
}

pub(super) fn figure(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Milliseconds => format!("{} ms", ms(value)),
        Unit::Seconds => format!("{value:.1} s"),
        Unit::Share => format!("{:.2} %", 100.0 * value),
        Unit::Ratio => format!("{value:.2}×"),
        Unit::Count => format!("{value:.0}"),
        Unit::PerSecond => format!("{value:.1}/s"),
    }
}
