use super::reading::ActivityReading;
use crate::history::{EventKind, caused_by};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant, SystemTime};

/// What the scaling activities of a group told so far.
#[derive(Debug, Default)]
pub(super) struct Activities {
    /// The last status of each activity.
    statuses: BTreeMap<String, String>,
    /// Changes of the desired capacity that were told, by when AWS says they were made.
    told: BTreeSet<(String, u32, u32)>,
    desired: Option<u32>,
    /// Changes that the group showed and no activity has explained yet.
    unexplained: Vec<Unexplained>,
    /// Changes that the timeline made.
    own: Vec<OwnChange>,
    launches: BTreeMap<String, SystemTime>,
}

#[derive(Clone, Debug)]
struct Unexplained {
    from: u32,
    to: u32,
    at: Instant,
    resolution: Duration,
}

#[derive(Clone, Debug)]
struct OwnChange {
    action: String,
    from: u32,
    to: u32,
    at: Instant,
}

/// What an activity, or the lack of one, tells.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Told {
    pub at: Stamp,
    pub kind: EventKind,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Stamp {
    /// By AWS, to the second.
    Stated {
        at: SystemTime,
        not_before: Option<Instant>,
    },
    /// Seen at this time, some time within the resolution.
    Seen {
        at: Instant,
        resolution: Duration,
    },
    Now,
}

/// Activities appear a little later than what they are about.
const EXPLAINED_WITHIN: Duration = Duration::from_secs(45);

/// A change of the desired capacity, as the cause of an activity words it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Change {
    /// As AWS wrote it.
    at: String,
    from: u32,
    to: u32,
    why: String,
}

impl Activities {
    /// Notes the activities of before: they are none of this run's.
    pub fn begin(&mut self, activities: &[ActivityReading], desired: u32) {
        self.desired = Some(desired);
        for activity in activities {
            self.statuses.insert(activity.id.clone(), activity.status.clone());
            self.told.extend(changes(&activity.cause).into_iter().map(|c| (c.at, c.from, c.to)));
            self.note_launch(activity);
        }
    }

    /// When an instance was launched, where an activity says so.
    pub fn launched_at(&self, instance: &str) -> Option<SystemTime> {
        self.launches.get(instance).copied()
    }

    /// The timeline has asked for another capacity.
    pub fn note_own(&mut self, action: &str, from: u32, to: u32, at: Instant) {
        self.own.push(OwnChange { action: action.to_owned(), from, to, at });
    }

    /// Takes in the desired capacity that the group shows.
    pub fn note_desired(&mut self, desired: u32, at: Instant, resolution: Duration) {
        let from = self.desired.replace(desired).unwrap_or(desired);
        if from != desired {
            self.unexplained.push(Unexplained { from, to: desired, at, resolution });
        }
    }

    /// Takes in activities, oldest first.
    pub fn note(&mut self, activities: &[ActivityReading]) -> Vec<Told> {
        let mut told = Vec::new();
        for activity in activities {
            let before = self.statuses.insert(activity.id.clone(), activity.status.clone());
            if before.is_none() {
                self.note_launch(activity);
                told.extend(self.changed(activity));
            }
            if before.as_ref() != Some(&activity.status) {
                told.push(Told {
                    at: Stamp::Now,
                    kind: EventKind::ActivityProgressed {
                        activity: activity.description.clone(),
                        status: activity.status.clone(),
                    },
                });
                told.extend(failure(activity));
            }
        }
        told
    }

    /// Changes that the group showed and that no activity has told of by now.
    pub fn overdue(&mut self, now: Instant) -> Vec<Told> {
        let due = |change: &Unexplained| now.saturating_duration_since(change.at) >= EXPLAINED_WITHIN;
        let unexplained = std::mem::take(&mut self.unexplained);
        let (overdue, waiting): (Vec<Unexplained>, _) = unexplained.into_iter().partition(due);
        self.unexplained = waiting;
        overdue
            .into_iter()
            .map(|change| {
                let own = self.take_own(change.from, change.to);
                let cause = own.map_or_else(|| "no activity says why".to_owned(), |own| caused_by(&own.action));
                Told {
                    at: Stamp::Seen { at: change.at, resolution: change.resolution },
                    kind: EventKind::ActivityStarted { from: change.from, to: change.to, cause },
                }
            })
            .collect()
    }

    /// The changes of the desired capacity that an activity is the first to tell of.
    fn changed(&mut self, activity: &ActivityReading) -> Vec<Told> {
        let mut told = Vec::new();
        for Change { at, from, to, why } in changes(&activity.cause) {
            if !self.told.insert((at, from, to)) {
                continue;
            }
            self.unexplained.retain(|unexplained| unexplained.to != to);
            let own = self.take_own(from, to);
            let stamp = Stamp::Stated { at: activity.started, not_before: own.as_ref().map(|own| own.at) };
            let cause = own.map_or(why, |own| caused_by(&own.action));
            told.push(Told { at: stamp, kind: EventKind::ActivityStarted { from, to, cause } });
        }
        told
    }

    fn take_own(&mut self, from: u32, to: u32) -> Option<OwnChange> {
        let index = self.own.iter().position(|own| (own.from, own.to) == (from, to))?;
        Some(self.own.remove(index))
    }

    fn note_launch(&mut self, activity: &ActivityReading) {
        if let Some(instance) = activity.description.strip_prefix("Launching a new EC2 instance: ") {
            // Some go on: `i-0abc. Status Reason: …`.
            let id = instance.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').next().unwrap_or(instance);
            self.launches.insert(id.to_owned(), activity.started);
        }
    }
}

fn failure(activity: &ActivityReading) -> Option<Told> {
    if !["Failed", "Cancelled"].contains(&activity.status.as_str()) {
        return None;
    }
    let why = activity.message.as_deref().unwrap_or("AWS gives no reason");
    let description = activity.description.trim_end_matches('.');
    let what = format!("{description}: {}: {why}", activity.status.to_lowercase());
    Some(Told { at: Stamp::Now, kind: EventKind::Trouble { what } })
}

/// Reads sentences such as `At 2026-01-01T00:00:00Z a user request explicitly set group desired capacity changing the
/// desired capacity from 2 to 4.`
fn changes(cause: &str) -> Vec<Change> {
    const CHANGING: &str = " changing the desired capacity from ";
    let mut found = Vec::new();
    let mut rest = cause;
    while let Some(at) = rest.find(CHANGING) {
        let (before, after) = (&rest[..at], &rest[at + CHANGING.len()..]);
        rest = after;
        // Sentences end in a full stop and white space; stamps and names of alarms have full stops within.
        let sentence = before.rfind(". ").map_or(before, |end| &before[end + 2..]).trim();
        let Some((from, after)) = after.split_once(" to ") else { continue };
        let to: String = after.chars().take_while(char::is_ascii_digit).collect();
        let (Ok(from), Ok(to)) = (from.trim().parse(), to.parse()) else { continue };
        let stamped = sentence.strip_prefix("At ").and_then(|sentence| sentence.split_once(' '));
        let (at, why) = stamped.unwrap_or(("", sentence));
        found.push(Change { at: at.to_owned(), from, to, why: why.to_owned() });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::UNIX_EPOCH;

    const ALARM: &str = "At 2026-01-01T10:00:05Z a monitor alarm TargetTracking-web-AlarmHigh-1.5 in state ALARM \
                         triggered policy rate changing the desired capacity from 2 to 4.  At 2026-01-01T10:00:10Z an \
                         instance was started in response to a difference between desired and actual capacity, \
                         increasing the capacity from 2 to 4.";
    const USER: &str = "At 2026-01-01T10:01:00Z a user request explicitly set group desired capacity changing the \
                        desired capacity from 4 to 5.  At 2026-01-01T10:01:03Z an instance was started in response to \
                        a difference between desired and actual capacity, increasing the capacity from 4 to 5.";
    const REPLACED: &str = "At 2026-01-01T10:05:00Z an instance was launched in response to an unhealthy instance \
                            needing to be replaced.";

    fn activity(id: &str, second: u64, cause: &str, status: &str) -> ActivityReading {
        ActivityReading {
            id: id.to_owned(),
            description: format!("Launching a new EC2 instance: i-{id}"),
            cause: cause.to_owned(),
            started: UNIX_EPOCH + Duration::from_secs(second),
            status: status.to_owned(),
            message: (status == "Failed").then(|| "We currently do not have sufficient capacity".to_owned()),
        }
    }

    fn started(told: &[Told]) -> Vec<(u32, u32, &str)> {
        let changes = told.iter().filter_map(|told| match &told.kind {
            EventKind::ActivityStarted { from, to, cause } => Some((*from, *to, cause.as_str())),
            _ => None,
        });
        changes.collect()
    }

    #[test]
    fn causes_say_what_changed_and_why() {
        let why = "a monitor alarm TargetTracking-web-AlarmHigh-1.5 in state ALARM triggered policy rate";
        let expected = Change { at: "2026-01-01T10:00:05Z".to_owned(), from: 2, to: 4, why: why.to_owned() };
        assert_eq!(changes(ALARM), [expected]);
        assert_eq!(changes(REPLACED), []);
        let both = format!("{ALARM}  {USER}");
        assert_eq!(changes(&both).iter().map(|c| (c.from, c.to)).collect::<Vec<_>>(), [(2, 4), (4, 5)]);
    }

    #[test]
    fn a_change_is_told_once_however_many_instances_it_launches() {
        let mut activities = Activities::default();
        activities.begin(&[activity("0", 0, USER, "Successful")], 2);
        let told = activities.note(&[
            activity("0", 0, USER, "Successful"),
            activity("1", 10, ALARM, "PreInService"),
            activity("2", 11, ALARM, "PreInService"),
        ]);
        assert_eq!(started(&told).len(), 1, "{told:?}");
        let first = told.iter().find(|told| matches!(told.kind, EventKind::ActivityStarted { .. })).unwrap();
        assert_eq!(first.at, Stamp::Stated { at: UNIX_EPOCH + Duration::from_secs(10), not_before: None });
        // Statuses are told as they change, also those that nobody here knows.
        let told = activities.note(&[activity("1", 10, ALARM, "WaitingForTheMoon")]);
        let kind = EventKind::ActivityProgressed {
            activity: "Launching a new EC2 instance: i-1".to_owned(),
            status: "WaitingForTheMoon".to_owned(),
        };
        assert_eq!(told, [Told { at: Stamp::Now, kind }]);
        assert_eq!(activities.note(&[activity("1", 10, ALARM, "WaitingForTheMoon")]), []);
        assert_eq!(activities.launched_at("i-2"), Some(UNIX_EPOCH + Duration::from_secs(11)));
    }

    #[test]
    fn own_changes_are_told_as_the_timelines() {
        let (mut activities, now) = (Activities::default(), Instant::now());
        activities.begin(&[], 4);
        activities.note_own("scale-out", 4, 5, now);
        activities.note_desired(5, now, Duration::from_secs(5));
        let told = activities.note(&[activity("1", 60, USER, "PreInService")]);
        assert_eq!(started(&told), [(4, 5, "scale-out by the timeline")]);
        assert!(matches!(told[0].at, Stamp::Stated { not_before: Some(at), .. } if at == now));
        // Explained, so there is nothing left to tell later.
        assert_eq!(activities.overdue(now + EXPLAINED_WITHIN), []);
    }

    #[test]
    fn what_no_activity_explains_is_told_all_the_same() {
        let (mut activities, now) = (Activities::default(), Instant::now());
        activities.begin(&[], 2);
        activities.note_desired(3, now, Duration::from_secs(5));
        assert_eq!(activities.overdue(now + Duration::from_secs(10)), []);
        let told = activities.overdue(now + EXPLAINED_WITHIN);
        assert_eq!(started(&told), [(2, 3, "no activity says why")]);
        assert_eq!(told[0].at, Stamp::Seen { at: now, resolution: Duration::from_secs(5) });
        assert_eq!(activities.overdue(now + 2 * EXPLAINED_WITHIN), []);
    }

    #[test]
    fn a_failed_activity_says_why() {
        let told = Activities::default().note(&[activity("1", 10, ALARM, "Failed")]);
        let Some(Told { kind: EventKind::Trouble { what }, .. }) = told.last() else { panic!("{told:?}") };
        assert_eq!(what, "Launching a new EC2 instance: i-1: failed: We currently do not have sufficient capacity");
    }

    proptest! {
        #[test]
        fn any_cause_is_read_without_panic(cause in "(At |\\. | changing the desired capacity from | to |[0-9]{1,12}|é|.){0,20}") {
            changes(&cause);
        }
    }
}
