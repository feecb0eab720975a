use super::command;
use super::happened::Happened;
use crate::fleet::Fleet;
use crate::history::{EventKind, EventSource, Notice, Offset, RunClock};
use crate::plan::{Action, Awaited, OnFailure, TimelineEntry};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use std::pin::pin;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;
use tokio::time::{sleep, sleep_until, timeout};

/// Whether the fleet is in an awaited state is looked at this often.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Carries out a timeline. What comes of it arrives as notices.
pub struct Player<'a> {
    pub fleet: &'a dyn Fleet,
    pub clock: RunClock,
    pub notices: UnboundedSender<Notice>,
    pub happened: watch::Receiver<Happened>,
}

impl Player<'_> {
    /// Begins each action at its time, whether those before it are done or not; only `wait-for` holds back what is
    /// behind it.
    ///
    /// # Errors
    /// An action failed after which the profile wants the run to stop.
    pub async fn play(&self, timeline: &[TimelineEntry]) -> Result<(), String> {
        let mut under_way = FuturesUnordered::new();
        for entry in timeline {
            let due = sleep_until(self.clock.instant(Offset::ZERO + entry.at).into());
            beside(&mut under_way, due).await?;
            if matches!(entry.action, Action::WaitFor { .. }) {
                beside(&mut under_way, self.act(entry)).await??;
            } else {
                under_way.push(self.act(entry));
            }
        }
        while let Some(ended) = under_way.next().await {
            ended?;
        }
        Ok(())
    }

    async fn act(&self, entry: &TimelineEntry) -> Result<(), String> {
        let action = || entry.action.name().to_owned();
        let source = match entry.action {
            Action::Declare { .. } => EventSource::Declared,
            _ => EventSource::Run,
        };
        self.tell(source, EventKind::ActionStarted { action: action(), detail: entry.action.detail() });
        let done = match &entry.action {
            Action::Declare { .. } => return Ok(()),
            Action::WaitFor { what, within } => self.wait_for(what, *within).await,
            Action::Run { command, directory, within, .. } => command::run(command, directory, *within).await,
            of_fleet => self.fleet.apply(of_fleet).await.map_err(|error| error.to_string()),
        };
        match done {
            Ok(detail) => self.tell(EventSource::Run, EventKind::ActionCompleted { action: action(), detail }),
            Err(error) => {
                self.tell(EventSource::Run, EventKind::ActionFailed { action: action(), error: error.clone() });
                if entry.on_failure == OnFailure::Stop {
                    return Err(format!("`{}` failed: {error}; the profile stops the run there", action()));
                }
            }
        }
        Ok(())
    }

    fn tell(&self, source: EventSource, kind: EventKind) {
        // The conductor drops the receiving end only when the run is over.
        let _ = self.notices.send(Notice::now(source, kind));
    }

    async fn wait_for(&self, what: &Awaited, within: Duration) -> Result<String, String> {
        let begun = Instant::now();
        let waited = async {
            match what {
                Awaited::Event(name) => self.event(name).await,
                Awaited::Settled => self.settled().await,
                Awaited::Quiet(time) => self.quiet(*time).await,
            }
        };
        match timeout(within, waited).await {
            Ok(()) => Ok(format!("after {:.1} s", begun.elapsed().as_secs_f64())),
            Err(_) => Err(format!("it did not come within {:.0} s", within.as_secs_f64())),
        }
    }

    async fn event(&self, name: &str) {
        let mut happened = self.happened.clone();
        let before = happened.borrow().count(name);
        if happened.wait_for(|happened| happened.count(name) > before).await.is_err() {
            // Nothing happens any more: the run is over.
            std::future::pending::<()>().await;
        }
    }

    /// What was begun just before has been heard of at the first look.
    async fn settled(&self) {
        loop {
            sleep(LOOK_EVERY).await;
            if self.fleet.settled() {
                return;
            }
        }
    }

    async fn quiet(&self, time: Duration) {
        let mut since = Instant::now();
        loop {
            sleep_until((since + time).into()).await;
            match self.happened.borrow().last() {
                Some(last) if last > since => since = last,
                _ => return,
            }
        }
    }
}

/// Waits for `what` while actions under way go on.
async fn beside<T>(
    under_way: &mut FuturesUnordered<impl Future<Output = Result<(), String>>>,
    what: impl Future<Output = T>,
) -> Result<T, String> {
    let mut what = pin!(what);
    loop {
        tokio::select! {
            done = &mut what => return Ok(done),
            Some(ended) = under_way.next(), if !under_way.is_empty() => ended?,
        }
    }
}
