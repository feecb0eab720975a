use super::text::{Page, Style, Tone, printable};
use serde::Serialize;

/// What came of one profile of a suite.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SuiteRow {
    pub profile: String,
    /// The profile's description.
    pub question: String,
    pub result: SuiteResult,
    pub exit_code: Option<u8>,
    /// The figures that speak for it, or why there are none.
    pub figures: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SuiteResult {
    Held,
    Broken,
    Inconclusive,
    /// It could not begin.
    Failed,
    Interrupted,
    Skipped,
}

impl SuiteResult {
    /// By the exit code of the run.
    pub fn of(code: u8) -> SuiteResult {
        match code {
            0 => SuiteResult::Held,
            3..=5 => SuiteResult::Broken,
            6 => SuiteResult::Inconclusive,
            130 => SuiteResult::Interrupted,
            _ => SuiteResult::Failed,
        }
    }

    fn words(self) -> (&'static str, Tone) {
        match self {
            SuiteResult::Held => ("HELD", Tone::Good),
            SuiteResult::Broken => ("BROKEN", Tone::Bad),
            SuiteResult::Inconclusive => ("UNKNOWN", Tone::Doubtful),
            SuiteResult::Failed => ("FAILED", Tone::Bad),
            SuiteResult::Interrupted => ("CUT OFF", Tone::Doubtful),
            SuiteResult::Skipped => ("SKIPPED", Tone::Faint),
        }
    }
}

/// The matrix of promises: a profile's question, and whether it held.
pub fn matrix(rows: &[SuiteRow], width: usize, style: Style) -> String {
    let mut page = Page::new(width, style);
    for row in rows {
        let (word, tone) = row.result.words();
        page.line(Some(tone), &format!("{word:<8} {}", printable(&row.profile)));
        if !row.question.is_empty() {
            page.paragraph(None, "         ", &printable(&row.question));
        }
        page.paragraph(Some(Tone::Faint), "         ", &printable(&row.figures.join(" · ")));
    }
    let count = |result: SuiteResult| rows.iter().filter(|row| row.result == result).count();
    let told = [
        (SuiteResult::Held, "held"),
        (SuiteResult::Broken, "broken"),
        (SuiteResult::Inconclusive, "unknown"),
        (SuiteResult::Failed, "failed to run"),
        (SuiteResult::Interrupted, "cut off"),
        (SuiteResult::Skipped, "skipped"),
    ];
    let told = told.iter().filter(|(result, _)| count(*result) > 0);
    let told: Vec<String> = told.map(|(result, words)| format!("{} {words}", count(*result))).collect();
    page.line(None, &format!("{} profiles: {}", rows.len(), told.join(", ")));
    page.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_for_each_promise() {
        let row = |profile: &str, code: u8, figures: &[&str]| SuiteRow {
            profile: profile.to_owned(),
            question: "Does it hold?".to_owned(),
            result: SuiteResult::of(code),
            exit_code: Some(code),
            figures: figures.iter().map(|&figure| figure.to_owned()).collect(),
        };
        let rows = [
            row("rolling-update", 0, &["0 of 4000 requests failed"]),
            row("blue\u{1b}green", 4, &["3 sessions asked to log in again while still valid"]),
            row("soak", 6, &["no sessions"]),
        ];
        insta::assert_snapshot!(matrix(&rows, 100, Style::Plain));
    }
}
