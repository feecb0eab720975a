use crate::analysis::Analysis;
use crate::compare::Comparison;
use crate::history::{CloudWatchMetrics, Event, Origin, Sample, ServedBy};
use crate::plan::Plan;
use crate::session::SessionFindings;
use crate::verdict::Verdict;

/// A run and all that was found of it: what every format is made from.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    pub origin: &'a Origin,
    pub plan: &'a Plan,
    pub events: &'a [Event],
    pub samples: &'a [Sample],
    /// What the balancer's access logs came to, if the run has any.
    pub served_by: Option<&'a ServedBy>,
    /// What CloudWatch has of the run's time, if it was asked.
    pub cloudwatch: Option<&'a CloudWatchMetrics>,
    pub analysis: &'a Analysis,
    pub sessions: &'a SessionFindings,
    pub verdict: &'a Verdict,
    /// With the run's baseline, when it has one.
    pub comparison: Option<&'a Comparison>,
    /// Where the run is, as it is to be shown.
    pub results: &'a str,
}

/// A file of a run directory that is derived from the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportFile {
    /// Below the run directory, such as `charts/handoffs.svg`.
    pub path: String,
    pub bytes: Vec<u8>,
}

impl ReportFile {
    pub fn new(path: impl Into<String>, bytes: impl Into<Vec<u8>>) -> ReportFile {
        ReportFile { path: path.into(), bytes: bytes.into() }
    }
}
