use super::compact::CompactTimes;
use super::times::Times;
use std::ops::Range;

/// Requests by the second of their intended start, counted from the load's start. A second keeps its response
/// times compactly, so that any span of seconds has true percentiles, and rows may
/// come late.
#[derive(Debug, Default)]
pub(super) struct Seconds {
    list: Vec<Second>,
}

#[derive(Clone, Debug, Default)]
struct Second {
    requests: u64,
    errors: u64,
    times: CompactTimes,
}

impl Seconds {
    /// A row intended later than this after the start is not believed (eleven days).
    pub(super) const MOST: u64 = 1_000_000;
    /// Rows come nearly in order: a second this far back is seldom added to.
    const SETTLED_AFTER: usize = 3;

    pub(super) fn take(&mut self, second: u64, response_us: u64, error: bool) {
        if second >= Self::MOST {
            return;
        }
        let index = second as usize;
        if self.list.len() <= index {
            let unsettled = self.list.len().saturating_sub(Self::SETTLED_AFTER);
            self.list.resize(index + 1, Second::default());
            let settles = self.list.len().saturating_sub(Self::SETTLED_AFTER);
            self.list[unsettled..settles].iter_mut().for_each(|second| second.times.settle());
        }
        let second = &mut self.list[index];
        second.requests += 1;
        second.errors += u64::from(error);
        second.times.record(response_us);
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn requests(&self, second: usize) -> u64 {
        self.list.get(second).map_or(0, |s| s.requests)
    }

    pub(super) fn times(&self, span: Range<usize>) -> Times {
        let mut times = Times::new();
        self.add_to(&mut times, span);
        times
    }

    /// Adds the times of these seconds to `times`.
    pub(super) fn add_to(&self, times: &mut Times, span: Range<usize>) {
        let end = span.end.min(self.list.len());
        for second in self.list.get(span.start.min(end)..end).unwrap_or_default() {
            second.times.buckets().for_each(|(us, count)| times.record_n(u64::from(us), u64::from(count)));
        }
    }

    pub(super) fn errors(&self, second: usize) -> u64 {
        self.list.get(second).map_or(0, |s| s.errors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Merged seconds have the percentiles of all their rows, to the histogram's three digits.
        #[test]
        fn merged_seconds_have_the_percentiles_of_all_rows(
            rows in prop::collection::vec((0u64..10, 1u64..5_000_000), 1..6000),
            quantile in 0.01f64..1.0,
        ) {
            let mut seconds = Seconds::default();
            rows.iter().for_each(|(second, us)| seconds.take(*second, *us, false));
            let mut exact: Vec<u64> = rows.iter().map(|(_, us)| *us).collect();
            exact.sort_unstable();
            let rank = ((quantile * exact.len() as f64).ceil() as usize).clamp(1, exact.len());
            let near: Vec<f64> = [rank.saturating_sub(2), rank - 1, rank.min(exact.len() - 1)]
                .iter().map(|r| exact[*r] as f64 / 1e3).collect();
            let found = seconds.times(0..10).quantile_ms(quantile);
            prop_assert!(found >= near[0] * 0.999 && found <= near[2] * 1.001 + 0.001, "{found} of {near:?}");
        }
    }
}
