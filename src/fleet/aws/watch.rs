use super::activities::{Activities, Stamp, Told};
use super::call::{CallError, CallFailure};
use super::clients::Clients;
use super::clock::{WallClock, now};
use super::members::{Member, Members};
use super::pace::Pace;
use super::reading::{AlarmReading, AlarmState, GroupReading, StoreReading, TargetReading};
use crate::fleet::NoticeSender;
use crate::history::{EventKind, EventSource, Notice, StoreRole};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// How often each is asked for. Groups and targets bring no times of their own: what they tell is as exact as this.
/// Activities and alarms carry AWS's stamps, so there is no need for haste.
pub(super) const GROUPS_EVERY: Duration = Duration::from_secs(5);
pub(super) const TARGETS_EVERY: Duration = Duration::from_secs(2);
const ACTIVITIES_EVERY: Duration = Duration::from_secs(10);
const ALARMS_EVERY: Duration = Duration::from_secs(20);
const STORE_EVERY: Duration = Duration::from_secs(10);
/// Stamps of AWS are to the millisecond, or cut off at the second.
const STATED_TO: Duration = Duration::from_millis(1);
const CUT_TO: Duration = Duration::from_secs(1);
/// Clocks that differ by less are not worth a word.
const SKEW: Duration = Duration::from_secs(2);
/// Alarms reach the history a little after their stamp.
const HISTORY_OVERLAP: Duration = Duration::from_secs(120);

/// What is watched: names as the plan has them, target groups by ARN.
#[derive(Clone, Debug)]
pub(super) struct Watched {
    pub groups: Vec<String>,
    pub target_groups: Vec<String>,
    pub replication_group: Option<String>,
}

/// What is known of the fleet. Shared by the tasks that watch it and the actions; nothing here is on a hot path.
#[derive(Debug)]
pub(super) struct Known {
    pub members: Members,
    /// Of each group.
    pub activities: BTreeMap<String, Activities>,
}

#[derive(Clone, Debug)]
pub(super) struct Watch {
    pub clients: Clients,
    pub watched: Arc<Watched>,
    pub known: Arc<Mutex<Known>>,
    pub clock: WallClock,
    pub teller: Teller,
}

/// Tells what happens; of what does not answer, once.
#[derive(Clone, Debug)]
pub(super) struct Teller {
    notices: NoticeSender,
    /// Calls that fail, and how: they are told again only when they failed differently, or worked in between.
    failing: Arc<Mutex<BTreeSet<(String, CallFailure)>>>,
    skew_told: Arc<Mutex<bool>>,
}

impl Teller {
    pub fn new(notices: NoticeSender) -> Teller {
        Teller { notices, failing: Arc::default(), skew_told: Arc::default() }
    }

    pub fn tell(&self, notice: Notice) {
        // Whoever hears is gone only when the run is over.
        let _ = self.notices.send(notice);
    }

    pub fn tell_all(&self, notices: impl IntoIterator<Item = Notice>) {
        notices.into_iter().for_each(|notice| self.tell(notice));
    }

    pub fn trouble(&self, source: EventSource, what: String) {
        self.tell(Notice { at: now(), source, resolution: Duration::ZERO, kind: EventKind::Trouble { what } });
    }

    /// What a call came to, if it came to anything; a failure is told.
    pub fn took<T>(&self, pace: &mut Pace, source: EventSource, asked: &str, came: Result<T, CallError>) -> Option<T> {
        pace.note(came.as_ref().err().map(|error| error.kind));
        let mut failing = self.failing.lock().expect("no holder of this lock panics");
        match came {
            Ok(taken) => {
                failing.retain(|(call, kind)| call != asked && !is_of_all_calls(*kind));
                Some(taken)
            }
            Err(error) => {
                // Without credentials every call fails, and saying it once is enough.
                let call = if is_of_all_calls(error.kind) { "" } else { asked };
                if failing.insert((call.to_owned(), error.kind)) {
                    drop(failing);
                    self.trouble(source, error.to_string());
                }
                None
            }
        }
    }

    /// A stamp of AWS as this machine's clock has it, and how exact it is. As with all that is told, it happened by then:
    /// a stamp that was cut off stands for all of its second.
    fn stated(&self, stamp: SystemTime, clock: &WallClock) -> (Instant, Duration) {
        let cut = stamp.duration_since(UNIX_EPOCH).is_ok_and(|since| since.subsec_nanos() == 0);
        let resolution = if cut { CUT_TO } else { STATED_TO };
        // Nothing is seen before it happens, so a stamp from the future tells that this machine's clock is slow.
        let ahead = clock.instant(stamp).saturating_duration_since(now());
        let at = (clock.instant(stamp) + resolution).min(now());
        let mut told = self.skew_told.lock().expect("no holder of this lock panics");
        if ahead > SKEW && !*told {
            *told = true;
            let seconds = ahead.as_secs_f64();
            let what = format!("this machine's clock is {seconds:.0} s behind that of AWS: let NTP set it");
            self.trouble(EventSource::Provider, what);
        }
        (at, resolution)
    }
}

fn is_of_all_calls(failure: CallFailure) -> bool {
    matches!(failure, CallFailure::Expired | CallFailure::NoCredentials)
}

impl Watch {
    pub fn with<T>(&self, look: impl FnOnce(&mut Known) -> T) -> T {
        look(&mut self.known.lock().expect("no holder of this lock panics"))
    }

    /// Those that are to stay, in the order in which they were launched.
    pub fn in_order_of_launch(&self) -> Vec<Member> {
        self.with(|known| {
            let mut members = known.members.staying();
            members.sort_by_cached_key(|member| {
                let stated = known.activities.values().find_map(|activities| activities.launched_at(&member.id));
                // Activities go back some weeks: what they do not tell of is older, or has only just come.
                stated.or(member.first_seen.map(|seen| self.clock.wall(seen)))
            });
            members
        })
    }

    /// Follows everything for as long as the tasks live.
    pub fn spawn(&self, tasks: &mut JoinSet<()>, since: SystemTime) {
        tasks.spawn(self.clone().follow_groups());
        tasks.spawn(self.clone().follow_targets());
        for group in &self.watched.groups {
            tasks.spawn(self.clone().follow_activities(group.clone(), since));
            tasks.spawn(self.clone().follow_alarms(group.clone(), since));
        }
        if let Some(id) = &self.watched.replication_group {
            tasks.spawn(self.clone().follow_store(id.clone()));
        }
    }

    async fn follow_groups(self) {
        let mut pace = Pace::new(GROUPS_EVERY);
        let mut last = now();
        loop {
            pause(&pace).await;
            let read = self.clients.groups(&self.watched.groups).await;
            if let Some(groups) = self.teller.took(&mut pace, EventSource::Provider, "groups", read) {
                let resolution = now().saturating_duration_since(std::mem::replace(&mut last, now()));
                self.note_groups(&groups, resolution);
            }
        }
    }

    /// Takes in what the groups say now.
    pub fn note_groups(&self, groups: &[GroupReading], resolution: Duration) {
        let notices = self.with(|known| {
            for group in groups {
                let activities = known.activities.entry(group.name.clone()).or_default();
                activities.note_desired(group.desired, now(), resolution);
            }
            known.members.note_groups(groups, now())
        });
        self.teller.tell_all(notices);
    }

    async fn follow_targets(self) {
        let mut pace = Pace::new(TARGETS_EVERY);
        loop {
            let read = self.targets().await;
            if let Some(targets) = self.teller.took(&mut pace, EventSource::Balancer, "targets", read) {
                let notices = self.with(|known| known.members.note_targets(&targets, now()));
                self.teller.tell_all(notices);
            }
            pause(&pace).await;
        }
    }

    /// The targets of all target groups.
    pub async fn targets(&self) -> Result<Vec<TargetReading>, CallError> {
        let mut targets = Vec::new();
        for arn in &self.watched.target_groups {
            targets.extend(self.clients.targets(arn).await?);
        }
        Ok(targets)
    }

    async fn follow_activities(self, group: String, since: SystemTime) {
        let mut pace = Pace::new(ACTIVITIES_EVERY);
        let asked = format!("activities of {group}");
        loop {
            pause(&pace).await;
            let read = self.clients.activities(&group, since).await;
            let activities = self.teller.took(&mut pace, EventSource::Provider, &asked, read);
            let told = self.with(|known| {
                let known = known.activities.entry(group.clone()).or_default();
                let mut told = known.note(&activities.unwrap_or_default());
                told.extend(known.overdue(now()));
                told
            });
            let resolution = pace.wait(1.0);
            self.teller.tell_all(told.into_iter().map(|told| self.stamped(told, resolution)));
        }
    }

    fn stamped(&self, told: Told, polled: Duration) -> Notice {
        let (at, resolution) = match told.at {
            Stamp::Stated { at, not_before } => {
                let (at, resolution) = self.teller.stated(at, &self.clock);
                (not_before.map_or(at, |earliest| at.max(earliest)), resolution)
            }
            Stamp::Seen { at, resolution } => (at, resolution),
            Stamp::Now => (now(), polled),
        };
        Notice { at, source: EventSource::Provider, resolution, kind: told.kind }
    }

    async fn follow_alarms(self, group: String, since: SystemTime) {
        let mut pace = Pace::new(ALARMS_EVERY);
        let asked = format!("alarms of {group}");
        let start = self.clock.wall(now());
        let alarms = loop {
            let read = self.clients.growing_alarms(&group).await;
            if let Some(alarms) = self.teller.took(&mut pace, EventSource::Alarm, &asked, read) {
                break alarms;
            }
            pause(&pace).await;
        };
        let mut followed: Vec<Followed> =
            alarms.into_iter().map(|alarm| Followed { alarm, from: since, told: BTreeSet::new() }).collect();
        loop {
            for followed in &mut followed {
                let began = self.clock.wall(now());
                let read = self.clients.alarm_history(&followed.alarm, followed.from).await;
                if let Some(states) = self.teller.took(&mut pace, EventSource::Alarm, &followed.alarm.name, read) {
                    followed.news(states, began, start).iter().for_each(|state| self.tell_alarm(state));
                }
            }
            pause(&pace).await;
        }
    }

    fn tell_alarm(&self, state: &AlarmState) {
        let (metric, target) = (state.metric, state.threshold);
        let kind = match state.raised {
            true => EventKind::AlarmRaised { metric, target },
            false => EventKind::AlarmCleared { metric, target },
        };
        let (at, resolution) = self.teller.stated(state.at, &self.clock);
        self.teller.tell(Notice { at, source: EventSource::Alarm, resolution, kind });
    }

    async fn follow_store(self, id: String) {
        let mut pace = Pace::new(STORE_EVERY);
        let mut roles = BTreeMap::new();
        let mut last = now();
        loop {
            let read = self.clients.replication_group(&id).await;
            if let Some(store) = self.teller.took(&mut pace, EventSource::Store, "store", read) {
                let resolution = now().saturating_duration_since(std::mem::replace(&mut last, now()));
                let at = now();
                let told = changed_roles(&mut roles, &store).into_iter();
                self.teller.tell_all(told.map(|kind| Notice { at, source: EventSource::Store, resolution, kind }));
            }
            pause(&pace).await;
        }
    }
}

/// An alarm whose history is read again and again.
struct Followed {
    alarm: AlarmReading,
    from: SystemTime,
    told: BTreeSet<SystemTime>,
}

impl Followed {
    /// What was not there before, of a reading that began at `began`. What is older than the watch is not told: it may
    /// well be that no reading succeeds before the run's first alarm.
    fn news(&mut self, states: Vec<AlarmState>, began: SystemTime, start: SystemTime) -> Vec<AlarmState> {
        self.from = self.from.max(began - HISTORY_OVERLAP);
        states.into_iter().filter(|state| self.told.insert(state.at) && state.at >= start).collect()
    }
}

fn changed_roles(roles: &mut BTreeMap<String, bool>, store: &StoreReading) -> Vec<EventKind> {
    let changed = store.nodes.iter().filter(|node| roles.insert(node.id.clone(), node.primary) != Some(node.primary));
    changed
        .map(|node| EventKind::StoreRoleChanged {
            node: node.id.clone(),
            zone: node.zone.clone(),
            role: if node.primary { StoreRole::Primary } else { StoreRole::Replica },
        })
        .collect()
}

async fn pause(pace: &Pace) {
    sleep(pace.wait(rand::random())).await;
}
