use crate::fleet::aws::{Resources, read_metrics};
use crate::plan::FleetPlan;
use crate::record::RecordedRun;
use crate::run::conduct::asked_to_stop;
use crate::run::update::{StopSignal, Update, Watcher};
use std::time::{SystemTime, UNIX_EPOCH};

/// What CloudWatch has of a fleet in AWS. Returns why it could not be written down.
pub(super) async fn gather(run: &RecordedRun, mut stop: StopSignal, watcher: &dyn Watcher) -> Option<String> {
    let FleetPlan::Aws(fleet) = &run.manifest.plan.fleet else { return None };
    let settle = fleet.cloudwatch_settle;
    if settle.is_zero() {
        return None;
    }
    let zero = run.manifest.origin.zero_unix_us;
    let ended = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() as i64;
    let doing =
        format!("waiting {} s until CloudWatch has the run's figures; Ctrl-C takes what it has", settle.as_secs());
    watcher.update(Update::Doing(doing));
    let settled = tokio::select! {
        () = tokio::time::sleep(settle) => true,
        () = asked_to_stop(&mut stop) => false,
    };
    let of = Resources {
        auto_scaling_group: &fleet.auto_scaling_group,
        target_group: fleet.target_group.as_deref(),
        elasticache: fleet.elasticache.as_deref(),
        dynamodb_table: fleet.dynamodb_table.as_deref(),
    };
    let metrics = read_metrics(fleet.region.as_deref(), &of, zero, (zero / 1_000_000, ended), settled).await;
    run.write_cloudwatch(&metrics).err().map(|error| format!("CloudWatch's figures could not be written down: {error}"))
}
