use crate::history::{CanaryGauges, EventKind, Offset};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What the probe's own writes tell: numbers in a row, each acknowledged or in doubt, and what of them is there later.
#[derive(Debug, Default)]
pub struct Canary {
    next: u64,
    /// Acknowledged and not known to be lost.
    acknowledged: BTreeMap<u64, Acknowledged>,
    counts: CanaryGauges,
    last_acknowledged: Option<Offset>,
    stopped: bool,
    /// When the first write since the last comparison was given up: whoever had acknowledged the one before was gone by
    /// then.
    given_up: Option<Offset>,
}

/// The store carried a write out at some time in between.
#[derive(Clone, Copy, Debug)]
struct Acknowledged {
    sent: Offset,
    at: Offset,
}

/// An event, and when it happened.
pub type Told = (Offset, EventKind);

/// Numbers that are lost, and how exactly is known from when to when: the write before the first of them was sent this long
/// before that was acknowledged.
#[derive(Debug, PartialEq)]
pub struct Lost {
    pub told: Told,
    pub resolution: Duration,
}

impl Canary {
    /// More than this between two acknowledgements is an outage, even if nothing failed.
    const LONG_GAP: Duration = Duration::from_millis(500);
    /// Numbers that are kept to be compared: at fifty a second, those of the last minutes.
    const MOST: usize = 10_000;

    /// The number to write now. No number is written twice: one in doubt stays in doubt.
    pub fn next(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    pub fn counts(&self) -> CanaryGauges {
        self.counts
    }

    /// How many numbers have to be there.
    pub fn expected(&self) -> usize {
        self.acknowledged.len()
    }

    pub fn acknowledge(&mut self, number: u64, sent: Offset, at: Offset) -> Vec<Told> {
        self.counts.acknowledged += 1;
        self.acknowledged.insert(number, Acknowledged { sent, at });
        let mut told = Vec::new();
        if let Some(last) = self.last_acknowledged.replace(at) {
            let gap = at.since(last);
            if !self.stopped && gap >= Self::LONG_GAP {
                told.push((last, EventKind::StoreWritesStopped));
                self.stopped = true;
            }
            if self.stopped {
                told.push((at, EventKind::StoreWritesResumed { gap_us: gap.as_micros() as u64 }));
            }
        }
        self.stopped = false;
        told
    }

    /// A write that was not acknowledged. The store stopped with the last one that was.
    pub fn fail(&mut self, at: Offset) -> Option<Told> {
        self.counts.in_doubt += 1;
        self.given_up.get_or_insert(at);
        let last = self.last_acknowledged.filter(|_| !self.stopped)?;
        self.stopped = true;
        Some((last, EventKind::StoreWritesStopped))
    }

    /// Compares with what is there: what was acknowledged and is not there is lost, once.
    pub fn compare(&mut self, found: &[u64], at: Offset) -> Option<Lost> {
        let found: BTreeSet<u64> = found.iter().copied().collect();
        let given_up = self.given_up.take();
        let (kept, lost): (BTreeMap<u64, Acknowledged>, BTreeMap<u64, Acknowledged>) =
            std::mem::take(&mut self.acknowledged).into_iter().partition(|(number, _)| found.contains(number));
        self.acknowledged = kept;
        let first_us = lost.values().map(|write| write.at).min()?;
        let last_us = lost.values().map(|write| write.at).max()?;
        self.counts.lost += lost.len() as u64;
        let before = self.acknowledged.values().filter(|kept| kept.at <= first_us).max_by_key(|kept| kept.at);
        let lost = EventKind::StoreWritesLost {
            lost: lost.len() as u64,
            first_us,
            // Others may have been answered after the probe was for the last time.
            last_us: given_up.map_or(last_us, |given_up| last_us.max(given_up)),
        };
        // Others' writes may have been carried out right after the one before, and answered sooner.
        Some(Lost { told: (at, lost), resolution: before.map_or(Duration::ZERO, |before| first_us.since(before.sent)) })
    }

    /// Once there are too many: the first number that is still to be kept.
    pub fn trim(&mut self) -> Option<u64> {
        if self.acknowledged.len() <= Self::MOST {
            return None;
        }
        let first = *self.acknowledged.keys().nth(self.acknowledged.len() - Self::MOST / 2)?;
        self.acknowledged = self.acknowledged.split_off(&first);
        Some(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Offset {
        Offset(ms * 1000)
    }

    fn names(told: impl IntoIterator<Item = Told>) -> Vec<(i64, &'static str)> {
        told.into_iter().map(|(at, kind)| (at.0 / 1000, kind.name())).collect()
    }

    #[test]
    fn an_outage_is_from_the_last_acknowledged_write_to_the_first_after_it() {
        let mut canary = Canary::default();
        for ms in [0, 20, 40] {
            let number = canary.next();
            assert_eq!(canary.acknowledge(number, at(ms - 5), at(ms)), []);
        }
        assert_eq!(names(canary.fail(at(60))), [(40, "store-writes-stopped")]);
        assert_eq!(canary.fail(at(80)), None);
        let number = canary.next();
        let resumed = canary.acknowledge(number, at(1735), at(1740));
        assert_eq!(resumed, [(at(1740), EventKind::StoreWritesResumed { gap_us: 1_700_000 })]);
        let number = canary.next();
        assert_eq!(canary.acknowledge(number, at(1755), at(1760)), []);
        assert_eq!(canary.counts(), CanaryGauges { acknowledged: 5, in_doubt: 2, lost: 0 });
    }

    #[test]
    fn a_store_that_hangs_and_fails_nothing_was_away_all_the_same() {
        let mut canary = Canary::default();
        canary.acknowledge(1, at(0), at(0));
        let told = names(canary.acknowledge(2, at(895), at(900)));
        assert_eq!(told, [(0, "store-writes-stopped"), (900, "store-writes-resumed")]);
    }

    #[test]
    fn before_the_first_acknowledged_write_there_is_no_outage() {
        let mut canary = Canary::default();
        assert_eq!(canary.fail(at(0)), None);
        assert_eq!(canary.acknowledge(2, at(895), at(900)), []);
    }

    #[test]
    fn what_was_acknowledged_and_is_gone_is_lost_once_and_what_is_in_doubt_never() {
        let mut canary = Canary::default();
        for (number, ms) in [(1, 0), (2, 20), (3, 40), (5, 80)] {
            canary.acknowledge(number, at(ms - 5), at(ms));
        }
        // 4 was in doubt and is there; 2 and 3 are not.
        let lost = canary.compare(&[1, 4, 5], at(100));
        let told = (at(100), EventKind::StoreWritesLost { lost: 2, first_us: at(20), last_us: at(40) });
        assert_eq!(lost, Some(Lost { told, resolution: Duration::from_millis(25) }), "1 was sent at -5");
        assert_eq!(canary.compare(&[1, 4, 5], at(120)), None);
        assert_eq!(canary.counts().lost, 2);
    }

    #[test]
    fn what_was_lost_may_have_been_acknowledged_until_the_first_write_was_given_up() {
        let mut canary = Canary::default();
        for (number, ms) in [(1, 0), (2, 20)] {
            canary.acknowledge(number, at(ms - 5), at(ms));
        }
        canary.fail(at(90));
        canary.fail(at(120));
        canary.acknowledge(5, at(495), at(500));
        let lost = canary.compare(&[1, 5], at(505)).unwrap();
        assert_eq!(lost.told.1, EventKind::StoreWritesLost { lost: 1, first_us: at(20), last_us: at(90) });
    }

    #[test]
    fn what_is_trimmed_is_not_missed() {
        let mut canary = Canary::default();
        for number in 1..=(Canary::MOST as u64 + 1) {
            assert_eq!(canary.trim(), None);
            canary.acknowledge(number, at(0), at(0));
        }
        let first = canary.trim().unwrap();
        let found: Vec<u64> = (first..=Canary::MOST as u64 + 1).collect();
        assert_eq!(canary.compare(&found, at(1)), None);
        assert_eq!(canary.expected(), found.len());
    }
}
