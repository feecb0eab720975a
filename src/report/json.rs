use super::Subject;
use crate::analysis::Analysis;
use crate::compare::Comparison;
use crate::session::SessionFindings;
use crate::verdict::Verdict;
use serde::Serialize;

#[derive(Serialize)]
struct Report<'a> {
    profile: &'a str,
    results: &'a str,
    verdict: &'a Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    comparison: Option<&'a Comparison>,
    sessions: &'a SessionFindings,
    analysis: &'a Analysis,
}

/// A run's summary as one JSON object: `profile`, `results`, `verdict`, `sessions`, `analysis`, and with a baseline
/// `comparison`.
pub fn json(subject: &Subject) -> String {
    let Subject { plan, results, verdict, comparison, sessions, analysis, .. } = *subject;
    let report = Report { profile: &plan.name, results, verdict, comparison, sessions, analysis };
    serde_json::to_string_pretty(&report).expect("plain data with text keys can be told in JSON")
}
