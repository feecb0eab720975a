use super::Subject;
use crate::analysis::Analysis;
use crate::session::SessionFindings;
use crate::verdict::Verdict;
use serde::Serialize;

#[derive(Serialize)]
struct Report<'a> {
    profile: &'a str,
    results: &'a str,
    verdict: &'a Verdict,
    sessions: &'a SessionFindings,
    analysis: &'a Analysis,
}

/// A run's summary as one JSON object: `profile`, `results`, `verdict`, `sessions`, `analysis`.
pub fn json(subject: &Subject) -> String {
    let Subject { plan, results, verdict, sessions, analysis, .. } = *subject;
    let report = Report { profile: &plan.name, results, verdict, sessions, analysis };
    serde_json::to_string_pretty(&report).expect("plain data with text keys can be told in JSON")
}
