use crate::record::RunDirectory;
use crate::run::update::{StopSignal, Watcher};

/// Waits for what comes late, and adds it to the record. What does not come is told there, too: a run can be judged without
/// it, if less well. Returns what could not be written down.
#[cfg(feature = "aws")]
pub(in crate::run) async fn gather(directory: &RunDirectory, stop: &StopSignal, watcher: &dyn Watcher) -> Vec<String> {
    // What cannot be read will be told by whoever judges the run.
    let Ok(run) = crate::record::RecordedRun::open(directory.path()) else { return Vec::new() };
    let run = std::sync::Arc::new(run);
    let (served_by, metrics) = tokio::join!(
        super::access_logs::gather(run.clone(), stop.clone(), watcher),
        super::cloudwatch::gather(&run, stop.clone(), watcher)
    );
    served_by.into_iter().chain(metrics).collect()
}

/// Without AWS nothing comes late.
#[cfg(not(feature = "aws"))]
pub(in crate::run) async fn gather(_: &RunDirectory, _: &StopSignal, _: &dyn Watcher) -> Vec<String> {
    Vec::new()
}
