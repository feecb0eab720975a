use crate::fleet::aws::{AccessLogs, LogSource, Span};
use crate::history::{Names, Observation, RequestKey, TraceRoot};
use crate::plan::AccessLog;
use crate::record::RecordedRun;
use crate::run::conduct::asked_to_stop;
use crate::run::update::{StopSignal, Update, Watcher};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Who served, where the balancer's access logs are to tell that. Returns why it could not be written down.
pub(super) async fn gather(run: Arc<RecordedRun>, mut stop: StopSignal, watcher: &dyn Watcher) -> Option<String> {
    let place = run.manifest.plan.target.access_log.clone()?;
    let zero = run.manifest.origin.zero_unix_us;
    let span = Span { from: UNIX_EPOCH + Duration::from_micros(zero.max(0) as u64), to: SystemTime::now() };
    let answered = answered(run.clone()).await;
    let doing = format!(
        "waiting for the balancer's access logs, {} at most; Ctrl-C judges the run by what has come",
        in_words(&place)
    );
    watcher.update(Update::Doing(doing));
    let mut logs = AccessLogs::new(TraceRoot::run_of(zero));
    let mut source = LogSource::connect(&place).await;
    let trouble = tokio::select! {
        gathered = source.gather(span, answered, &mut logs) => gathered.err(),
        () = asked_to_stop(&mut stop) => Some("interrupted before all access logs of the balancer had come".to_owned()),
    };
    watcher.update(Update::Doing("finding requests in the balancer's access logs".to_owned()));
    let joining = tokio::task::spawn_blocking(move || {
        let mut tally = logs.tally();
        tally.trouble = trouble;
        run.write_served_by(|request| logs.find(request), tally)
    });
    joining.await.ok()?.err().map(|error| format!("who served could not be written down: {error}"))
}

fn in_words(place: &AccessLog) -> String {
    match place.wait.as_secs() {
        seconds if seconds < 120 => format!("{seconds} s"),
        seconds => format!("{} min", seconds.div_ceil(60)),
    }
}

/// Requests that a log should tell of.
async fn answered(run: Arc<RecordedRun>) -> Vec<RequestKey> {
    let reading = tokio::task::spawn_blocking(move || {
        let mut answered = Vec::new();
        let mut take = |rows: &[Observation]| {
            let rows = rows.iter().filter(|row| row.status != 0);
            answered.extend(rows.map(|row| RequestKey::new(row.session, row.intended)));
        };
        run.for_each(&Names::default(), [&mut take]);
        answered
    });
    reading.await.unwrap_or_default()
}
