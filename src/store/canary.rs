use crate::history::{CanaryGauges, EventKind, Offset};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What the probe's own writes tell: numbers in a row, each acknowledged or in doubt, and what of them is there later.
#[derive(Debug, Default)]
pub struct Canary {
    next: u64,
    /// Acknowledged and not known to be lost, with the time of the acknowledgement.
    acknowledged: BTreeMap<u64, Offset>,
    counts: CanaryGauges,
    last_acknowledged: Option<Offset>,
    stopped: bool,
}

/// An event, and when it happened.
pub type Told = (Offset, EventKind);

/// Numbers that are lost, and how exactly is known from when to when: the write before the first of them was acknowledged
/// this long before it.
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

    pub fn acknowledge(&mut self, number: u64, at: Offset) -> Vec<Told> {
        self.counts.acknowledged += 1;
        self.acknowledged.insert(number, at);
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
    pub fn fail(&mut self) -> Option<Told> {
        self.counts.in_doubt += 1;
        let last = self.last_acknowledged.filter(|_| !self.stopped)?;
        self.stopped = true;
        Some((last, EventKind::StoreWritesStopped))
    }

    /// Compares with what is there: what was acknowledged and is not there is lost, once.
    pub fn compare(&mut self, found: &[u64], at: Offset) -> Option<Lost> {
        let found: BTreeSet<u64> = found.iter().copied().collect();
        let (kept, lost): (BTreeMap<u64, Offset>, BTreeMap<u64, Offset>) =
            std::mem::take(&mut self.acknowledged).into_iter().partition(|(number, _)| found.contains(number));
        self.acknowledged = kept;
        let first_us = *lost.values().min()?;
        let last_us = *lost.values().max()?;
        self.counts.lost += lost.len() as u64;
        let before = self.acknowledged.values().copied().filter(|kept| *kept <= first_us).max();
        let told = (at, EventKind::StoreWritesLost { lost: lost.len() as u64, first_us, last_us });
        Some(Lost { told, resolution: before.map_or(Duration::ZERO, |before| first_us.since(before)) })
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
            assert_eq!(canary.acknowledge(number, at(ms)), []);
        }
        assert_eq!(names(canary.fail()), [(40, "store-writes-stopped")]);
        assert_eq!(canary.fail(), None);
        let number = canary.next();
        let resumed = canary.acknowledge(number, at(1740));
        assert_eq!(resumed, [(at(1740), EventKind::StoreWritesResumed { gap_us: 1_700_000 })]);
        let number = canary.next();
        assert_eq!(canary.acknowledge(number, at(1760)), []);
        assert_eq!(canary.counts(), CanaryGauges { acknowledged: 5, in_doubt: 2, lost: 0 });
    }

    #[test]
    fn a_store_that_hangs_and_fails_nothing_was_away_all_the_same() {
        let mut canary = Canary::default();
        canary.acknowledge(1, at(0));
        let told = names(canary.acknowledge(2, at(900)));
        assert_eq!(told, [(0, "store-writes-stopped"), (900, "store-writes-resumed")]);
    }

    #[test]
    fn before_the_first_acknowledged_write_there_is_no_outage() {
        let mut canary = Canary::default();
        assert_eq!(canary.fail(), None);
        assert_eq!(canary.acknowledge(2, at(900)), []);
    }

    #[test]
    fn what_was_acknowledged_and_is_gone_is_lost_once_and_what_is_in_doubt_never() {
        let mut canary = Canary::default();
        for (number, ms) in [(1, 0), (2, 20), (3, 40), (5, 80)] {
            canary.acknowledge(number, at(ms));
        }
        canary.fail();
        // 4 was in doubt and is there; 2 and 3 are not.
        let lost = canary.compare(&[1, 4, 5], at(100));
        let told = (at(100), EventKind::StoreWritesLost { lost: 2, first_us: at(20), last_us: at(40) });
        assert_eq!(lost, Some(Lost { told, resolution: Duration::from_millis(20) }));
        assert_eq!(canary.compare(&[1, 4, 5], at(120)), None);
        assert_eq!(canary.counts().lost, 2);
    }

    #[test]
    fn what_is_trimmed_is_not_missed() {
        let mut canary = Canary::default();
        for number in 1..=(Canary::MOST as u64 + 1) {
            assert_eq!(canary.trim(), None);
            canary.acknowledge(number, at(0));
        }
        let first = canary.trim().unwrap();
        let found: Vec<u64> = (first..=Canary::MOST as u64 + 1).collect();
        assert_eq!(canary.compare(&found, at(1)), None);
        assert_eq!(canary.expected(), found.len());
    }
}
