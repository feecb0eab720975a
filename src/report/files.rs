use super::charts::charts;
use super::comparison_files;
use super::histogram_log::histogram_log;
use super::subject::{ReportFile, Subject};
use serde::Serialize;

/// Every file that a run directory gets besides its raw ones. The same findings give the same bytes.
pub fn files(subject: &Subject) -> Vec<ReportFile> {
    let charts =
        charts(subject).into_iter().map(|chart| ReportFile::new(format!("charts/{}.svg", chart.name), chart.svg));
    let mut files = vec![
        ReportFile::new("analysis.json", analysis(subject)),
        ReportFile::new("verdict.json", pretty(subject.verdict)),
    ];
    files.push(ReportFile::new("response-time.hlog", histogram_log(subject)));
    files.extend(charts);
    files.extend(subject.comparison.map(comparison_files).into_iter().flatten());
    files
}

/// What the session oracle and the analysis found, in full.
fn analysis(subject: &Subject) -> Vec<u8> {
    #[derive(Serialize)]
    struct Derived<'a> {
        sessions: &'a crate::session::SessionFindings,
        analysis: &'a crate::analysis::Analysis,
    }
    pretty(&Derived { sessions: subject.sessions, analysis: subject.analysis })
}

pub(super) fn pretty(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(value).expect("plain data with text keys can be told in JSON");
    bytes.push(b'\n');
    bytes
}
