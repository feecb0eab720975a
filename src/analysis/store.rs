use crate::history::{Event, EventKind, Observation, Offset, Sample};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What the probe of the session store saw.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StoreFindings {
    /// Writes of the probe; 0: it reached no primary in the whole run.
    pub acknowledged_writes: u64,
    /// Acknowledged and later not there any more.
    pub lost_writes: u64,
    /// Each from the last acknowledged write to the first after it, unless they stopped again within a second.
    pub outages: Vec<StoreOutage>,
    pub evicted_keys: u64,
    /// Writes of the probe that a replica did not have yet, at most.
    pub most_behind_writes: u64,
    /// The most seen in one second.
    pub session_keys_without_ttl: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoreOutage {
    pub from_us: Offset,
    /// None: it lasted to the end of the run.
    pub seconds: Option<f64>,
    /// Not as expected, under way at some time of it or of the second after, and not told with an instance that went.
    #[serde(default)]
    pub failed_requests: u64,
}

impl StoreOutage {
    /// Applications find the new primary no sooner than the probe.
    const FOUND_AGAIN_WITHIN: Duration = Duration::from_secs(1);

    /// A write between two silences is no store that is back.
    fn goes_on(&self, stopped: Offset) -> bool {
        let back = self.seconds.map(|seconds| self.from_us + Duration::from_secs_f64(seconds));
        back.is_some_and(|back| stopped < back + Self::FOUND_AGAIN_WITHIN)
    }

    fn explains(&self, row: &Observation) -> bool {
        let to = self.seconds.map(|seconds| self.from_us + Duration::from_secs_f64(seconds) + Self::FOUND_AGAIN_WITHIN);
        row.last_byte >= self.from_us && to.is_none_or(|to| row.started <= to)
    }
}

impl StoreFindings {
    /// Counts a failed request with the outage that may explain it.
    pub(super) fn take(&mut self, row: &Observation) {
        if row.outcome.is_error()
            && let Some(outage) = self.outages.iter_mut().rev().find(|outage| outage.explains(row))
        {
            outage.failed_requests += 1;
        }
    }

    /// None where no store was watched.
    pub(super) fn of(events: &[Event], samples: &[Sample]) -> Option<StoreFindings> {
        let mut found = StoreFindings::default();
        let mut evicted = None;
        let mut watched = false;
        for store in samples.iter().filter_map(|sample| sample.store.as_ref()) {
            watched = true;
            found.acknowledged_writes = found.acknowledged_writes.max(store.canary.acknowledged);
            found.most_behind_writes =
                store.nodes.iter().filter_map(|node| node.behind_writes).fold(found.most_behind_writes, u64::max);
            let without_ttl = store.session_keys.map_or(0, |keys| keys.without_ttl);
            found.session_keys_without_ttl = found.session_keys_without_ttl.max(without_ttl);
            if let Some(primary) = &store.primary {
                // Another server counts from zero: what it evicted before it was the primary is its own affair.
                let before = evicted.replace(primary.evicted_keys).unwrap_or(primary.evicted_keys);
                found.evicted_keys += primary.evicted_keys.saturating_sub(before);
            }
        }
        for event in events {
            match event.kind {
                EventKind::StoreWritesStopped => match found.outages.last_mut() {
                    Some(last) if last.goes_on(event.at_us) => last.seconds = None,
                    _ => found.outages.push(StoreOutage { from_us: event.at_us, seconds: None, failed_requests: 0 }),
                },
                EventKind::StoreWritesResumed { .. } => {
                    if let Some(outage) = found.outages.last_mut() {
                        outage.seconds = Some(event.at_us.since(outage.from_us).as_secs_f64());
                    }
                }
                EventKind::StoreWritesLost { lost, .. } => found.lost_writes += lost,
                _ => {}
            }
        }
        watched.then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::fixture::{at, event, row};
    use crate::history::{CanaryGauges, Outcome, PrimaryGauges, StepId, StoreGauges};

    #[test]
    fn evictions_are_those_of_the_run_also_across_a_change_of_primary() {
        let sample = |evicted_keys, acknowledged| {
            let primary = Some(PrimaryGauges { evicted_keys, ..PrimaryGauges::default() });
            let canary = CanaryGauges { acknowledged, ..CanaryGauges::default() };
            let store = Some(StoreGauges { primary, canary, ..StoreGauges::default() });
            Sample { store, ..Sample::default() }
        };
        let samples = [sample(5, 10), sample(8, 50), sample(0, 90), sample(2, 140)];
        let lost = EventKind::StoreWritesLost { lost: 3, first_us: at(1.0), last_us: at(1.1) };
        let events = [
            event(1.0, EventKind::StoreWritesStopped),
            event(2.5, EventKind::StoreWritesResumed { gap_us: 1_500_000 }),
            event(2.6, lost),
            event(5.0, EventKind::StoreWritesStopped),
            event(6.0, EventKind::StoreWritesResumed { gap_us: 1_000_000 }),
            event(6.1, EventKind::StoreWritesStopped),
            event(7.0, EventKind::StoreWritesResumed { gap_us: 900_000 }),
            event(8.0, EventKind::StoreWritesStopped),
        ];
        let found = StoreFindings::of(&events, &samples).unwrap();
        assert_eq!((found.evicted_keys, found.acknowledged_writes, found.lost_writes), (5, 140, 3));
        let outages: Vec<Option<f64>> = found.outages.iter().map(|outage| outage.seconds).collect();
        assert_eq!(outages, [Some(1.5), Some(2.0), None]);
        assert_eq!(StoreFindings::of(&events, &[]), None);

        let mut found = found;
        let failed = |seconds| row(1, StepId(0), seconds).answered_with(Outcome::Unexpected, 503);
        for row in [failed(0.9), failed(1.2), failed(3.4), failed(3.6), row(1, StepId(0), 2.0), failed(60.0)] {
            found.take(&row);
        }
        let failures: Vec<u64> = found.outages.iter().map(|outage| outage.failed_requests).collect();
        assert_eq!(failures, [2, 0, 1], "before the first, after it and its second, and as expected");
    }
}
