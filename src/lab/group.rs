use super::LabError;
use super::instance::{End, Surroundings, Wish, live};
use super::members::{Number, Stage, provider_says};
use crate::fleet::FleetError;
use crate::history::EventKind;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep_until};

/// The instances as a group with a desired count, like an Auto Scaling group: it launches, drains and replaces.
#[derive(Debug)]
pub(super) struct Group {
    requests: mpsc::UnboundedSender<Request>,
    task: JoinHandle<()>,
}

/// How to ask a group for a change.
#[derive(Clone, Debug)]
pub(super) struct Desire(mpsc::UnboundedSender<Request>);

#[derive(Debug)]
enum Request {
    Change {
        change: Change,
        cause: String,
        answer: oneshot::Sender<Result<(u32, u32), String>>,
    },
    /// Instances are to end, as wished.
    End {
        instances: Vec<Number>,
        stage: Stage,
        wish: Wish,
    },
    /// More or fewer instances are wanted, or another zone can be used: it has to look.
    Look,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Up(u32),
    Down(u32),
    To(u32),
}

/// More processes than this are not a lab any more.
const MOST_INSTANCES: u32 = 64;
/// After an instance that never came up, the next is launched no sooner than this, doubled each time up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(16);

impl Group {
    /// Starts with the plan's instances. Errors of instances that never come up are told to `failures`.
    pub(super) fn start(around: Arc<Surroundings>, failures: mpsc::UnboundedSender<LabError>) -> Group {
        let (requests, incoming) = mpsc::unbounded_channel();
        around.members.set_desired(around.plan.instances);
        let mut work = Work {
            around,
            failures,
            instances: JoinSet::new(),
            wishes: BTreeMap::new(),
            failed_in_a_row: 0,
            paused_until: None,
        };
        work.launch_missing(true);
        Group { requests, task: tokio::spawn(work.run(incoming)) }
    }

    pub(super) fn desire(&self) -> Desire {
        Desire(self.requests.clone())
    }

    /// Kills all instances and waits until they are gone.
    pub(super) async fn close(self) {
        let Group { requests, task } = self;
        drop(requests);
        let _ = task.await;
    }
}

impl Desire {
    /// Changes the desired count and tells what it was and is; `action` names what asks for it in errors.
    pub(super) async fn change(&self, change: Change, action: &str, cause: String) -> Result<(u32, u32), FleetError> {
        let (answer, answered) = oneshot::channel();
        let refused = |reason: String| FleetError::Refused { action: action.to_owned(), reason };
        let gone = |_| refused("the lab is being shut down".to_owned());
        self.0.send(Request::Change { change, cause, answer }).map_err(|_| gone(()))?;
        answered.await.map_err(|_| gone(()))?.map_err(refused)
    }

    /// Has instances end; `stage` says whether others are to take their place at once.
    pub(super) fn end(&self, instances: Vec<Number>, stage: Stage, wish: Wish) {
        // A group that is gone has ended them all.
        let _ = self.0.send(Request::End { instances, stage, wish });
    }

    pub(super) fn look(&self) {
        let _ = self.0.send(Request::Look);
    }
}

struct Work {
    around: Arc<Surroundings>,
    failures: mpsc::UnboundedSender<LabError>,
    instances: JoinSet<(Number, End)>,
    wishes: BTreeMap<Number, watch::Sender<Wish>>,
    failed_in_a_row: u32,
    paused_until: Option<Instant>,
}

impl Work {
    async fn run(mut self, mut requests: mpsc::UnboundedReceiver<Request>) {
        loop {
            let pause_ends = self.paused_until;
            tokio::select! {
                request = requests.recv() => match request {
                    Some(request) => self.take(request),
                    None => break,
                },
                Some(ended) = self.instances.join_next() => {
                    let (number, end) = ended.expect("an instance's task does not panic");
                    self.note_end(number, end);
                }
                () = sleep_until(pause_ends.unwrap_or_else(Instant::now)), if pause_ends.is_some() => {
                    self.paused_until = None;
                }
            }
            if self.paused_until.is_none() {
                self.launch_missing(false);
            }
        }
        for wish in self.wishes.values() {
            wish.send_replace(Wish::Die);
        }
        while self.instances.join_next().await.is_some() {}
    }

    fn take(&mut self, request: Request) {
        match request {
            Request::Change { change, cause, answer } => {
                let _ = answer.send(self.change(change, cause));
            }
            Request::End { instances, stage, wish } => {
                for number in instances {
                    self.around.members.set_stage(number, stage);
                    self.wish(number, wish);
                }
            }
            Request::Look => self.drain_surplus(),
        }
    }

    /// What is wished for only ever gets harsher.
    fn wish(&self, number: Number, wish: Wish) {
        if let Some(wished) = self.wishes.get(&number) {
            wished.send_modify(|wished| *wished = wish.max(*wished));
        }
    }

    fn drain_surplus(&mut self) {
        while let Some(number) = self.around.members.next_to_drain() {
            self.wish(number, Wish::Drain);
        }
    }

    fn change(&mut self, change: Change, cause: String) -> Result<(u32, u32), String> {
        let members = &self.around.members;
        let from = members.desired();
        let bounds = self.around.plan.autoscaler.as_ref().map_or((1, MOST_INSTANCES), |plan| (plan.min, plan.max));
        let to = changed(from, change, bounds)?;
        if to == from {
            return Ok((from, to));
        }
        members.set_desired(to);
        self.tell(EventKind::ActivityStarted { from, to, cause });
        self.drain_surplus();
        Ok((from, to))
    }

    fn launch_missing(&mut self, founding: bool) {
        while let Some((number, member)) = self.around.members.next_to_launch(&self.around.plan.zones, founding) {
            let (wish, wished) = watch::channel(Wish::Live);
            self.wishes.insert(number, wish);
            let around = self.around.clone();
            self.instances.spawn(async move { (number, live(&around, number, &member, wished).await) });
        }
    }

    fn note_end(&mut self, number: Number, end: End) {
        self.wishes.remove(&number);
        let name = self.around.members.remove(number).map_or_else(String::new, |member| member.name);
        match end {
            End::Expected => {}
            End::Died { how } => {
                self.failed_in_a_row = 0;
                log::warn!("{name} died: {how}");
            }
            End::NotStarted(error) => {
                let pause = FIRST_PAUSE.saturating_mul(1 << self.failed_in_a_row.min(10)).min(LONGEST_PAUSE);
                self.failed_in_a_row += 1;
                self.paused_until = Some(Instant::now() + pause);
                self.tell(EventKind::Trouble { what: error.to_string() });
                let _ = self.failures.send(error);
            }
        }
    }

    fn tell(&self, event: EventKind) {
        let _ = self.around.notices.send(provider_says(event, Duration::ZERO));
    }
}

/// The desired count after a change, or why it is refused.
fn changed(from: u32, change: Change, (least, most): (u32, u32)) -> Result<u32, String> {
    let to = match change {
        Change::Up(by) => i64::from(from) + i64::from(by),
        Change::Down(by) => i64::from(from) - i64::from(by),
        Change::To(to) => i64::from(to),
    };
    match u32::try_from(to) {
        Ok(to) if (least..=most).contains(&to) => Ok(to),
        _ => Err(format!("that would make {to} instances, and {least} to {most} are allowed")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_stay_within_bounds() {
        for (from, change, expected) in [
            (2, Change::Up(2), Ok(4)),
            (2, Change::To(2), Ok(2)),
            (2, Change::Down(1), Ok(1)),
            (2, Change::Up(5), Err("that would make 7 instances, and 1 to 6 are allowed")),
            (2, Change::Down(2), Err("that would make 0 instances, and 1 to 6 are allowed")),
            (2, Change::Down(9), Err("that would make -7 instances, and 1 to 6 are allowed")),
        ] {
            assert_eq!(changed(from, change, (1, 6)), expected.map_err(str::to_owned), "{from} {change:?}");
        }
    }
}
