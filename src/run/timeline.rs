use crate::fleet::Fleet;
use crate::history::{EventKind, EventSource, Notice, Offset, RunClock};
use crate::plan::{Action, TimelineEntry};
use tokio::sync::mpsc::UnboundedSender;

/// Carries out the timeline, each action at its time, one after the other. What comes of it arrives as notices.
pub async fn play(timeline: Vec<TimelineEntry>, fleet: &dyn Fleet, clock: RunClock, notices: UnboundedSender<Notice>) {
    let mut timeline = timeline;
    timeline.sort_by_key(|entry| entry.at);
    for entry in timeline {
        tokio::time::sleep_until(clock.instant(Offset::ZERO + entry.at).into()).await;
        let action = entry.action.name().to_owned();
        let source = match entry.action {
            Action::Declare { .. } => EventSource::Declared,
            _ => EventSource::Run,
        };
        let started = EventKind::ActionStarted { action: action.clone(), detail: detail(&entry.action) };
        // The conductor drops the receiving end only when the run is over.
        let _ = notices.send(Notice::now(source, started));
        if let Err(error) = fleet.apply(&entry.action).await {
            let failed = EventKind::ActionFailed { action, error: error.to_string() };
            let _ = notices.send(Notice::now(EventSource::Run, failed));
        }
    }
}

fn detail(action: &Action) -> String {
    match action {
        Action::ScaleOut { by } => format!("by {by}"),
        Action::ScaleIn { by } => format!("by {by}"),
        Action::SetCapacity { to } => format!("to {to}"),
        Action::Declare { .. } => "declared by the profile".to_owned(),
    }
}
