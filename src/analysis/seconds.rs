use super::times::Times;
use std::ops::Range;

/// Requests by the second of their intended start, counted from the load's start. A second keeps the response times
/// it has, a bucket each (three significant digits), so that any span of seconds has true percentiles, and rows may
/// come late.
#[derive(Debug, Default)]
pub(super) struct Seconds {
    list: Vec<Second>,
}

#[derive(Clone, Debug, Default)]
struct Second {
    requests: u64,
    errors: u64,
    /// Microseconds, as they came; moved to `sorted` now and then.
    fresh: Vec<u32>,
    /// Rounded to three digits, with how often; in order.
    sorted: Vec<(u32, u32)>,
}

impl Seconds {
    /// A row intended later than this after the start is not believed (eleven days).
    pub(super) const MOST: u64 = 1_000_000;
    const FRESH: usize = 2048;

    pub(super) fn take(&mut self, second: u64, response_us: u64, error: bool) {
        if second >= Self::MOST {
            return;
        }
        let index = second as usize;
        if self.list.len() <= index {
            self.list.resize(index + 1, Second::default());
        }
        let second = &mut self.list[index];
        second.requests += 1;
        second.errors += u64::from(error);
        second.fresh.push(response_us.clamp(1, Times::LONGEST_US) as u32);
        if second.fresh.len() >= Self::FRESH {
            second.sort();
        }
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn requests(&self, second: usize) -> u64 {
        self.list.get(second).map_or(0, |s| s.requests)
    }

    pub(super) fn times(&self, span: Range<usize>) -> Times {
        let mut times = Times::new();
        let end = span.end.min(self.list.len());
        for second in self.list.get(span.start.min(end)..end).unwrap_or_default() {
            second.fresh.iter().for_each(|us| times.record(u64::from(*us)));
            second.sorted.iter().for_each(|(us, count)| times.record_n(u64::from(*us), u64::from(*count)));
        }
        times
    }

    pub(super) fn errors(&self, second: usize) -> u64 {
        self.list.get(second).map_or(0, |s| s.errors)
    }
}

impl Second {
    fn sort(&mut self) {
        let mut all = std::mem::take(&mut self.sorted);
        all.extend(self.fresh.drain(..).map(|us| (rounded(us), 1)));
        all.sort_unstable_by_key(|(us, _)| *us);
        all.dedup_by(|later, kept| {
            let same = later.0 == kept.0;
            if same {
                kept.1 += later.1;
            }
            same
        });
        self.sorted = all;
    }
}

/// The least value of the histogram bucket that `us` falls into: 2048 steps to each power of two, as three significant
/// digits need (HdrHistogram).
fn rounded(us: u32) -> u32 {
    let shift = (32 - us.leading_zeros()).saturating_sub(11);
    us >> shift << shift
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn rounding_stays_in_the_bucket(us in 1u32..3_600_000_000) {
            let histogram = hdrhistogram::Histogram::<u64>::new_with_bounds(1, Times::LONGEST_US, 3).unwrap();
            prop_assert!(histogram.equivalent(u64::from(us), u64::from(rounded(us))));
        }

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

    #[test]
    fn a_busy_second_is_kept_in_little() {
        let mut seconds = Seconds::default();
        (0..100_000u64).for_each(|n| seconds.take(0, 1000 + n % 500, n % 10 == 0));
        assert!(seconds.list[0].sorted.len() <= 1500 && seconds.list[0].fresh.len() < Seconds::FRESH);
        assert_eq!((seconds.times(0..1).count(), seconds.list[0].errors), (100_000, 10_000));
    }
}
