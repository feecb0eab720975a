use super::times::Times;

/// Times in microseconds, kept as the buckets of a histogram of three significant digits that are not empty: small where
/// few requests are, and the sum of several has the percentiles of all their requests.
#[derive(Clone, Debug, Default)]
pub struct CompactTimes {
    /// As they came; moved to `sorted` now and then.
    fresh: Vec<u32>,
    /// Highest value of a bucket, with how often; in order.
    sorted: Vec<(u32, u32)>,
}

impl CompactTimes {
    const FRESH: usize = 2048;

    pub fn record(&mut self, microseconds: u64) {
        self.fresh.push(microseconds.clamp(1, Times::LONGEST_US) as u32);
        if self.fresh.len() >= Self::FRESH {
            self.sort();
        }
    }

    /// The highest value of each bucket, with how often; a bucket may be met more than once.
    pub fn buckets(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.fresh.iter().map(|us| (highest(*us), 1)).chain(self.sorted.iter().copied())
    }

    /// Takes no more room than it needs. More may still be recorded, at the price of doing this again.
    pub fn settle(&mut self) {
        if !self.fresh.is_empty() {
            self.sort();
        }
        self.fresh.shrink_to_fit();
        self.sorted.shrink_to_fit();
    }

    fn sort(&mut self) {
        let mut all = std::mem::take(&mut self.sorted);
        all.extend(self.fresh.drain(..).map(|us| (highest(us), 1)));
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

/// The highest value of the histogram bucket that `us` falls into: 2048 steps to each power of two, as three significant
/// digits need (HdrHistogram).
fn highest(us: u32) -> u32 {
    let shift = (32 - us.leading_zeros()).saturating_sub(11);
    us | ((1 << shift) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn rounding_stays_in_the_bucket(us in 1u32..3_600_000_000) {
            let histogram = hdrhistogram::Histogram::<u64>::new_with_bounds(1, Times::LONGEST_US, 3).unwrap();
            prop_assert_eq!(histogram.highest_equivalent(u64::from(us)), u64::from(highest(us)));
        }
    }

    #[test]
    fn many_times_are_kept_in_little() {
        let mut times = CompactTimes::default();
        (0..100_000u64).for_each(|n| times.record(1000 + n % 500));
        assert!(times.sorted.len() <= 1500 && times.fresh.len() < CompactTimes::FRESH);
        times.settle();
        assert_eq!((times.fresh.capacity(), times.sorted.capacity()), (0, 500));
        assert_eq!(times.buckets().map(|(_, count)| u64::from(count)).sum::<u64>(), 100_000);
    }
}
