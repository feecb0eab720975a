use super::{RunFacts, Verdict};
use crate::analysis::Analysis;
use crate::plan::Plan;
use crate::session::SessionFindings;

/// The verdict on a run.
pub fn decide(_plan: &Plan, _analysis: &Analysis, _sessions: &SessionFindings, _run: &RunFacts) -> Verdict {
    todo!()
}
