use crate::history::{Identity, NameId, Observation, Outcome, Sample};
use hdrhistogram::Histogram;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// Response times shown are those of this many seconds.
const RECENT_SECONDS: usize = 10;

/// What the display knows of the run so far.
pub struct Tally {
    pub requests: u64,
    pub failed: u64,
    pub relogins: u64,
    pub wrong_user: u64,
    /// State that should have been there, by what single answers show; the verdict counts with the whole history.
    pub state_missing: u64,
    /// Whole seconds gone by, newest last, at most [`RECENT_SECONDS`].
    recent: VecDeque<Second>,
    current: Second,
    pub sample: Sample,
}

struct Second {
    response_time_us: Histogram<u64>,
    requests: u64,
    by_instance: BTreeMap<NameId, u64>,
}

impl Default for Second {
    fn default() -> Second {
        // 1 µs to an hour, which is past any time-out; 2 digits are more than anybody reads off a live figure.
        let response_time_us = Histogram::new_with_bounds(1, 3_600_000_000, 2).expect("the bounds are in order");
        Second { response_time_us, requests: 0, by_instance: BTreeMap::new() }
    }
}

/// Response times of the last seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recent {
    pub p50: Duration,
    pub p90: Duration,
    pub p99: Duration,
    pub max: Duration,
}

impl Tally {
    pub fn new() -> Tally {
        Tally {
            requests: 0,
            failed: 0,
            relogins: 0,
            wrong_user: 0,
            state_missing: 0,
            recent: VecDeque::new(),
            current: Second::default(),
            sample: Sample::default(),
        }
    }

    pub fn take(&mut self, batch: &[Observation]) {
        use crate::history::StateOp;
        for row in batch {
            self.requests += 1;
            self.failed += u64::from(matches!(row.outcome, Outcome::Failed(_)) || row.status >= 500);
            self.relogins += u64::from(row.identity == Identity::Rejected);
            self.wrong_user += u64::from(row.identity == Identity::Other);
            let missing = |op: &&StateOp| {
                matches!(op, StateOp::Missing { .. } | StateOp::JobLost { .. } | StateOp::JobOverdue { .. })
            };
            self.state_missing += row.states.iter().filter(missing).count() as u64;
            self.current.requests += 1;
            self.current.response_time_us.saturating_record(row.response_time().as_micros() as u64);
            if let Some(instance) = row.instance {
                *self.current.by_instance.entry(instance).or_default() += 1;
            }
        }
    }

    /// A second has gone by.
    pub fn turn(&mut self, sample: Sample) {
        self.sample = sample;
        self.recent.push_back(std::mem::take(&mut self.current));
        if self.recent.len() > RECENT_SECONDS {
            self.recent.pop_front();
        }
    }

    pub fn response_time(&self) -> Recent {
        let mut merged = Second::default().response_time_us;
        for second in &self.recent {
            merged.add(&second.response_time_us).expect("all have the same bounds");
        }
        let at = |quantile| Duration::from_micros(merged.value_at_quantile(quantile));
        if merged.is_empty() {
            return Recent::default();
        }
        Recent { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: Duration::from_micros(merged.max()) }
    }

    /// Requests done in the last whole second.
    pub fn rate(&self) -> u64 {
        self.recent.back().map_or(0, |second| second.requests)
    }

    /// Share of each instance in the last whole second, 0 to 1.
    pub fn shares(&self) -> Vec<(NameId, f64)> {
        let Some(second) = self.recent.back() else { return Vec::new() };
        let total = second.by_instance.values().sum::<u64>().max(1) as f64;
        second.by_instance.iter().map(|(name, count)| (*name, *count as f64 / total)).collect()
    }
}
