use super::failovers::Failovers;
use super::{FailoverShare, LossCause};
use crate::history::{Event, EventKind, Observation, Offset, Sample};
use crate::plan::{FleetPlan, Plan};
use std::collections::HashMap;
use std::time::Duration;

/// What happened to the store and to instances that can explain a loss.
#[derive(Debug, Default)]
pub(super) struct Causes {
    pub(super) failovers: Failovers,
    /// When the store came back with nothing.
    emptied: Vec<(Offset, Offset)>,
    restored: Vec<(Offset, Offset)>,
    /// Between two samples, keys were evicted.
    evictions: Vec<(Offset, Offset)>,
    /// By name of the instance.
    gone: HashMap<String, Offset>,
    /// Times in which the store's primary, or its table, told how it is, sample by sample.
    watched: Vec<Offset>,
    /// After so long without a request, and at such an age, the application forgets a session.
    idle_limit: Option<Duration>,
    age_limit: Option<Duration>,
}

/// A loss, and what is known of what was lost.
pub(super) struct Lost<'a> {
    /// When it was last known to be there, and when it was found to be gone.
    pub since: Offset,
    pub at: Offset,
    /// The session itself, or state of a session that is known.
    pub session: bool,
    /// How many acknowledged writes that takes, and how many there were since that a failover may have lost.
    pub writes: u64,
    pub exposed: u64,
    /// The instance that had it, if it was in that instance's memory.
    pub kept_by: Option<&'a str>,
    pub idle: Duration,
    pub age: Duration,
}

/// Gauges are a second apart; without one for this long nobody knows.
const UNWATCHED: Duration = Duration::from_secs(3);
/// A sample tells of the primary what was read at most this long before it.
const OLDEST_GAUGE: Duration = Duration::from_millis(1500);

impl Causes {
    pub(super) fn new(plan: &Plan, events: &[Event], samples: &[Sample]) -> Causes {
        let mut causes = Causes::default();
        if let FleetPlan::Lab(lab) = &plan.fleet {
            (causes.idle_limit, causes.age_limit) = (Some(lab.session_ttl), Some(lab.absolute_timeout));
        }
        causes.failovers = Failovers::new(events);
        for event in events {
            match &event.kind {
                EventKind::StoreRestarted { kept: false, took_us } => causes.emptied.push(span(event.at_us, *took_us)),
                EventKind::StoreRestored { took_us } => causes.restored.push(span(event.at_us, *took_us)),
                EventKind::InstanceGone { instance, .. } => {
                    causes.gone.insert(instance.clone(), event.at_us);
                }
                _ => {}
            }
        }
        let answering = samples.iter().filter(|sample| {
            sample.store.as_ref().is_some_and(|store| store.primary.is_some() || store.table.is_some())
        });
        causes.watched = answering.map(|sample| sample.at_us).collect();
        let evicted = samples.iter().filter_map(|s| Some((s.at_us, s.store.as_ref()?.primary.as_ref()?.evicted_keys)));
        let evicted: Vec<(Offset, u64)> = evicted.collect();
        let grown = evicted.windows(2).filter(|pair| pair[1].1 > pair[0].1);
        causes.evictions = grown.map(|pair| (pair[0].0 - OLDEST_GAUGE, pair[1].0)).collect();
        causes
    }

    /// Whether what this request wrote may have gone with the store's primary.
    pub(super) fn expose(&self, row: &Observation) -> bool {
        self.failovers.expose(row)
    }

    /// What certainly removes things comes before what may have. With it, where a failover came in between, what of the
    /// loss that can explain.
    pub(super) fn of(&self, lost: &Lost<'_>) -> (LossCause, Option<FailoverShare>) {
        let meets = |(from, to): &(Offset, Offset)| *from <= lost.at && *to >= lost.since;
        let passed = |limit: Option<Duration>, time: Duration| limit.is_some_and(|limit| time >= limit);
        if self.emptied.iter().any(meets) {
            return (LossCause::StoreRestarted, None);
        }
        if self.restored.iter().any(meets) {
            return (LossCause::StoreRestored, None);
        }
        if lost.session && (passed(self.idle_limit, lost.idle) || passed(self.age_limit, lost.age)) {
            return (LossCause::Expiry, None);
        }
        let share = FailoverShare { lost: lost.writes, in_span: lost.exposed.min(lost.writes) };
        let share = (lost.exposed > 0 || self.failovers.crossed(lost.since, lost.at)).then_some(share);
        if share.is_some_and(|share| share.in_span == share.lost) {
            return (LossCause::StoreFailover, share);
        }
        if self.evictions.iter().any(meets) {
            return (LossCause::Eviction, None);
        }
        let within = |at: &Offset| *at >= lost.since && *at <= lost.at;
        if lost.kept_by.and_then(|name| self.gone.get(name)).is_some_and(within) {
            return (LossCause::InstanceGone, None);
        }
        let innocent = share.is_none() && lost.session && self.was_watched(lost);
        (if innocent { LossCause::FalseLogout } else { LossCause::Unknown }, share)
    }

    fn was_watched(&self, lost: &Lost<'_>) -> bool {
        let (from, to) = (lost.since - UNWATCHED, lost.at + UNWATCHED);
        let seen: Vec<Offset> = self.watched.iter().copied().filter(|at| *at >= from && *at <= to).collect();
        let covered = seen.first().is_some_and(|first| *first <= lost.since + UNWATCHED)
            && seen.last().is_some_and(|last| *last + UNWATCHED >= lost.at);
        covered && seen.windows(2).all(|pair| pair[1].since(pair[0]) <= UNWATCHED)
    }
}

fn span(to: Offset, took_us: u64) -> (Offset, Offset) {
    (to - Duration::from_micros(took_us), to)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::fixture::{at, event};
    use crate::history::{PrimaryGauges, StoreGauges, StoreRole, TableGauges};
    use crate::plan::fixture::plan;

    fn sample(seconds: f64, evicted_keys: u64) -> Sample {
        let primary = Some(PrimaryGauges { evicted_keys, ..PrimaryGauges::default() });
        Sample {
            at_us: at(seconds),
            store: Some(StoreGauges { primary, ..StoreGauges::default() }),
            ..Sample::default()
        }
    }

    fn lost(since: f64, found: f64) -> Lost<'static> {
        let idle = Duration::from_secs(1);
        let (writes, exposed) = (1, 0);
        Lost { since: at(since), at: at(found), session: true, writes, exposed, kept_by: Some("i-1"), idle, age: idle }
    }

    #[test]
    fn a_loss_is_put_down_to_what_happened_while_nobody_looked() {
        let primary =
            |node: &str| EventKind::StoreRoleChanged { node: node.into(), zone: "z".into(), role: StoreRole::Primary };
        let gone = EventKind::InstanceGone { instance: "i-1".into(), zone: "z".into(), expected: false };
        let events = [
            event(10.0, EventKind::StoreWritesStopped),
            event(11.5, primary("redis-2")),
            event(12.0, EventKind::StoreWritesResumed { gap_us: 2_000_000 }),
            // Away without a new primary: nothing is lost by that.
            event(20.0, EventKind::StoreWritesStopped),
            event(21.0, EventKind::StoreWritesResumed { gap_us: 1_000_000 }),
            event(30.0, EventKind::StoreRestarted { kept: false, took_us: 1 }),
            event(40.0, gone),
            event(60.0, EventKind::StoreRestarted { kept: true, took_us: 1 }),
        ];
        let mut samples: Vec<Sample> = (0..70).map(|second| sample(f64::from(second), 0)).collect();
        samples.iter_mut().skip(50).for_each(|s| *s = sample(s.at_us.as_secs_f64(), 7));
        let causes = Causes::new(&plan(), &events, &samples);
        for (since, found, cause) in [
            (9.5, 13.0, LossCause::Unknown),
            (5.0, 8.0, LossCause::FalseLogout),
            (18.0, 22.0, LossCause::FalseLogout),
            (29.0, 31.0, LossCause::StoreRestarted),
            (39.0, 41.0, LossCause::InstanceGone),
            (48.5, 51.0, LossCause::Eviction),
            // The sample of 49 s told what was read before the keys went.
            (47.0, 48.2, LossCause::Eviction),
            (45.0, 47.0, LossCause::FalseLogout),
            (59.0, 61.0, LossCause::FalseLogout),
            (100.0, 102.0, LossCause::Unknown),
        ] {
            assert_eq!(causes.of(&lost(since, found)).0, cause, "{since} to {found}");
        }
        let state = Lost { session: false, ..lost(59.0, 61.0) };
        assert_eq!(causes.of(&state).0, LossCause::Unknown, "a counter does not log anybody out");
        assert_eq!(Causes::new(&plan(), &events, &[]).of(&lost(59.0, 61.0)).0, LossCause::Unknown, "nobody watched");
        for (writes, exposed, cause, in_span) in [
            (3, 3, LossCause::StoreFailover, 3),
            (3, 7, LossCause::StoreFailover, 3),
            (3, 2, LossCause::Unknown, 2),
            (3, 0, LossCause::Unknown, 0),
        ] {
            let told = causes.of(&Lost { session: false, writes, exposed, ..lost(9.5, 13.0) });
            assert_eq!(told, (cause, Some(FailoverShare { lost: writes, in_span })), "{exposed} of {writes}");
        }
    }

    #[test]
    fn a_table_that_answers_is_a_store_that_is_watched() {
        let table = |second: u32| Sample {
            at_us: at(f64::from(second)),
            store: Some(StoreGauges { table: Some(TableGauges::default()), ..StoreGauges::default() }),
            ..Sample::default()
        };
        let samples: Vec<Sample> = (0..20).map(table).collect();
        let causes = Causes::new(&plan(), &[], &samples);
        assert_eq!(causes.of(&lost(5.0, 8.0)).0, LossCause::FalseLogout);
        assert_eq!(causes.of(&lost(30.0, 33.0)).0, LossCause::Unknown);
    }

    #[test]
    fn a_session_that_the_application_forgets_earlier_than_agreed_has_expired() {
        let causes = Causes { idle_limit: Some(Duration::from_secs(5)), ..Causes::default() };
        let idle = |seconds| Lost { idle: Duration::from_secs(seconds), ..lost(1.0, 9.0) };
        assert_eq!((causes.of(&idle(5)).0, causes.of(&idle(4)).0), (LossCause::Expiry, LossCause::Unknown));
    }
}
