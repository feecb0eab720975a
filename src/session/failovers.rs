//! What a failover of the store can have lost. Replicas get writes in the order in which their primary carries them out.
//! So what is gone with a primary is the last that it acknowledged: the probe's own last writes, and whatever sessions
//! wrote in the same span of time.

use super::{FailoverFindings, FailoverShare, LostSpan};
use crate::history::{Event, EventKind, Observation, Offset, StoreRole};
use std::time::Duration;

#[derive(Debug, Default)]
pub(super) struct Failovers {
    list: Vec<Failover>,
    explained: u64,
    unexplained: u64,
}

#[derive(Clone, Copy, Debug)]
struct Failover {
    /// From the last write that the probe had acknowledged to the next.
    from: Offset,
    to: Offset,
    span: LostSpan,
}

/// Roles are asked for less often than writes are made.
const ROLE_KNOWN_WITHIN: Duration = Duration::from_secs(1);

impl Failovers {
    pub(super) fn new(events: &[Event]) -> Failovers {
        let mut list = Vec::new();
        let mut stopped = None;
        for event in events {
            match event.kind {
                EventKind::StoreWritesStopped => stopped = Some(event),
                EventKind::StoreWritesResumed { .. } => {
                    list.extend(stopped.take().map(|stopped| Failover::between(stopped, event.at_us)));
                }
                _ => {}
            }
        }
        list.extend(stopped.map(|stopped| Failover::between(stopped, Offset(i64::MAX))));
        // An outage without a new primary loses nothing by itself: a store that hangs, or has no memory left.
        let promotions: Vec<Offset> = (events.iter())
            .filter(|e| matches!(e.kind, EventKind::StoreRoleChanged { role: StoreRole::Primary, .. }))
            .map(|e| e.at_us)
            .collect();
        list.retain(|f: &Failover| promotions.iter().any(|at| *at >= f.from && *at <= f.to + ROLE_KNOWN_WITHIN));
        for event in events {
            if let EventKind::StoreWritesLost { lost, first_us, last_us } = event.kind {
                let resolution = Duration::from_micros(event.resolution_us);
                let (from_us, to_us) = (first_us - resolution, last_us + resolution);
                for span in list.iter_mut().map(|f| &mut f.span).filter(|s| s.from_us <= to_us && s.to_us >= from_us) {
                    span.from_us = span.from_us.min(from_us);
                    span.to_us = span.to_us.max(to_us);
                    span.probe_writes += lost;
                }
            }
        }
        Failovers { list, explained: 0, unexplained: 0 }
    }

    /// Whether what this request wrote may have gone with a primary: the store acknowledged it some time between the
    /// request's sending and its answer.
    pub(super) fn expose(&self, row: &Observation) -> bool {
        self.list.iter().any(|f| row.started <= f.span.to_us && row.last_byte >= f.span.from_us)
    }

    /// Whether a primary went at a time from `since` to `at`.
    pub(super) fn crossed(&self, since: Offset, at: Offset) -> bool {
        self.list.iter().any(|f| f.span.from_us <= at && f.to >= since)
    }

    pub(super) fn count(&mut self, share: FailoverShare) {
        self.explained += share.in_span;
        self.unexplained += share.lost - share.in_span;
    }

    pub(super) fn finish(self) -> Option<FailoverFindings> {
        let Failovers { list, explained, unexplained } = self;
        let spans: Vec<LostSpan> = list.into_iter().map(|failover| failover.span).collect();
        (!spans.is_empty()).then_some(FailoverFindings { spans, explained, unexplained })
    }
}

impl Failover {
    /// Where the probe lost nothing, what was written beside its last acknowledged write may have been lost all the same.
    fn between(stopped: &Event, to: Offset) -> Failover {
        let (from, resolution) = (stopped.at_us, Duration::from_micros(stopped.resolution_us));
        let span = LostSpan { from_us: from - resolution, to_us: from + resolution, probe_writes: 0 };
        Failover { from, to, span }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::fixture::{at, event, row};
    use crate::history::{Identity, Names, Outcome, StateOp, StepId};
    use crate::plan::fixture::{CART, LOGIN, PAGE, plan};
    use crate::session::{LossCause, LossKind, Oracle, SessionFindings};

    const RESOLUTION: Duration = Duration::from_millis(20);

    fn told(seconds: f64, kind: EventKind) -> Event {
        Event { resolution_us: RESOLUTION.as_micros() as u64, ..event(seconds, kind) }
    }

    fn primary(seconds: f64) -> Event {
        told(
            seconds,
            EventKind::StoreRoleChanged { node: "redis-2".into(), zone: "z".into(), role: StoreRole::Primary },
        )
    }

    fn failover() -> Vec<Event> {
        vec![
            told(10.0, EventKind::StoreWritesStopped),
            primary(11.5),
            told(12.0, EventKind::StoreWritesResumed { gap_us: 2_000_000 }),
        ]
    }

    fn exposed(failovers: &Failovers, from: f64, to: f64) -> bool {
        failovers.expose(&row(1, StepId(0), from).taking(Duration::from_secs_f64(to - from)))
    }

    #[test]
    fn the_span_is_that_of_the_probes_lost_writes_and_its_resolution() {
        let mut events = failover();
        events.push(told(12.1, EventKind::StoreWritesLost { lost: 4, first_us: at(9.94), last_us: at(10.0) }));
        let failovers = Failovers::new(&events);
        let span = LostSpan { from_us: at(9.92), to_us: at(10.02), probe_writes: 4 };
        assert_eq!(failovers.list[0].span, span);
        for (from, to, expected) in [
            (9.90, 9.91, false),
            (9.90, 9.93, true),
            (9.95, 9.96, true),
            (10.01, 11.0, true),
            (10.03, 12.0, false),
            (2.0, 2.1, false),
        ] {
            assert_eq!(exposed(&failovers, from, to), expected, "{from} to {to}");
        }
        assert!(failovers.crossed(at(9.0), at(9.95)) && failovers.crossed(at(11.0), at(30.0)));
        assert!(!failovers.crossed(at(1.0), at(9.9)) && !failovers.crossed(at(12.1), at(30.0)));
    }

    #[test]
    fn a_probe_that_lost_nothing_leaves_the_span_between_two_of_its_writes() {
        let failovers = Failovers::new(&failover());
        assert_eq!(failovers.list[0].span, LostSpan { from_us: at(9.98), to_us: at(10.02), probe_writes: 0 });
    }

    #[test]
    fn an_outage_without_a_new_primary_and_a_loss_without_an_outage_are_no_failover() {
        let mut events = failover();
        events.remove(1);
        assert!(Failovers::new(&events).finish().is_none(), "nobody took over");
        events.push(primary(40.0));
        events.push(told(50.0, EventKind::StoreWritesLost { lost: 9, first_us: at(40.0), last_us: at(49.0) }));
        assert!(Failovers::new(&events).finish().is_none(), "another time");
    }

    #[test]
    fn an_outage_that_never_ends_is_a_failover_too() {
        let events = [told(10.0, EventKind::StoreWritesStopped), primary(30.0)];
        assert!(Failovers::new(&events).crossed(at(500.0), at(501.0)));
    }
    /// A session that logs in at 1 s, writes at the given times, and is read after the failover: it finds `found`.
    fn judged(writes: &[f64], found: i64) -> SessionFindings {
        let names = &Names::default();
        let mut events = failover();
        events.push(told(12.1, EventKind::StoreWritesLost { lost: 1, first_us: at(9.99), last_us: at(9.99) }));
        let on = |seconds, step| row(1, step, seconds).on("a@z1", names);
        let page = |seconds| on(seconds, PAGE).who(Identity::Recognised);
        let mut rows = vec![on(1.0, LOGIN).who(Identity::LoggedIn)];
        rows.extend(writes.iter().map(|at| page(*at).with(&[StateOp::Add { state: CART, amount: 1 }])));
        rows.push(page(13.0).with(&[StateOp::Counted { state: CART, found }]).last());
        let mut oracle = Oracle::new(&plan(), &events, &[]);
        rows.iter().for_each(|row| oracle.observe(row, names));
        oracle.finish(names)
    }

    fn share(findings: &SessionFindings) -> Option<FailoverShare> {
        findings.losses.get(&LossKind::StateLost).and_then(|examples| examples[0].failover)
    }

    #[test]
    fn a_lost_write_from_the_lost_span_is_put_down_to_the_failover() {
        let findings = judged(&[2.0, 9.96, 9.985, 10.005], 2);
        assert_eq!(share(&findings), Some(FailoverShare { lost: 2, in_span: 2 }));
        assert_eq!(findings.causes[&LossCause::StoreFailover].state_lost, 1);
        let told = findings.failovers.unwrap();
        assert_eq!((told.explained, told.unexplained), (2, 0));
    }

    #[test]
    fn a_lost_write_far_from_the_lost_span_is_not_put_down_to_the_failover() {
        let findings = judged(&[2.0, 5.0], 1);
        assert_eq!(share(&findings), Some(FailoverShare { lost: 1, in_span: 0 }));
        assert_eq!(findings.causes.keys().collect::<Vec<_>>(), [&LossCause::Unknown]);
        let told = findings.failovers.unwrap();
        assert_eq!((told.explained, told.unexplained), (0, 1));
    }

    #[test]
    fn more_than_was_acknowledged_in_the_lost_span_is_unexplained_by_as_much() {
        let findings = judged(&[2.0, 5.0, 9.985], 0);
        assert_eq!(share(&findings), Some(FailoverShare { lost: 3, in_span: 1 }));
        let told = findings.failovers.unwrap();
        assert_eq!((told.explained, told.unexplained), (1, 2));
    }

    #[test]
    fn a_session_is_lost_with_its_login() {
        let names = &Names::default();
        let judged = |login: f64| {
            let login = row(1, LOGIN, login).on("a@z1", names).who(Identity::LoggedIn);
            let rejected =
                row(1, PAGE, 13.0).on("a@z1", names).who(Identity::Rejected).answered_with(Outcome::Unexpected, 401);
            let mut oracle = Oracle::new(&plan(), &failover(), &[]);
            [login, rejected.last()].iter().for_each(|row| oracle.observe(row, names));
            oracle.finish(names).losses[&LossKind::Relogin][0].cause
        };
        assert_eq!(judged(9.985), Some(LossCause::StoreFailover));
        assert_eq!(judged(9.0), Some(LossCause::Unknown));
    }
}
