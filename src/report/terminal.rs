use crate::analysis::Analysis;
use crate::plan::Plan;
use crate::session::SessionFindings;
use crate::verdict::Verdict;

/// Whether to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Plain,
    Coloured,
}

/// A run's summary on one screen, at most `width` columns wide. `results`: where the run is, as it is to be shown.
pub fn terminal(
    _plan: &Plan,
    _analysis: &Analysis,
    _sessions: &SessionFindings,
    _verdict: &Verdict,
    _results: &str,
    _width: usize,
    _style: Style,
) -> String {
    todo!()
}

/// The same as one JSON object: `profile`, `results`, `verdict`, `sessions`, `analysis`.
pub fn json(
    _plan: &Plan,
    _analysis: &Analysis,
    _sessions: &SessionFindings,
    _verdict: &Verdict,
    _results: &str,
) -> String {
    todo!()
}
