use super::cells::Cell;
use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;
use statrs::distribution::{ContinuousCDF as _, StudentsT};
use std::collections::BTreeMap;
use std::ops::Range;

/// How often each cell is drawn, once for each resample: blocks of consecutive cells, wrapped around at the end, until
/// there are as many cells as the run has (the circular block bootstrap of Politis and Romano, 1992, after Künsch, *Annals
/// of Statistics* 17, 1989). Requests close in time depend on each other, so they are drawn together.
#[derive(Debug)]
pub(super) struct Draws {
    cells: usize,
    /// Blocks that the cells make.
    blocks: usize,
    weights: Vec<Vec<u16>>,
}

/// A difference, how exactly it is known, and how likely one as large is by chance alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Estimate {
    pub difference: f64,
    pub low: f64,
    pub high: f64,
    /// Two-sided.
    pub p_value: f64,
}

impl Draws {
    pub(super) const RESAMPLES: usize = 999;
    /// Any will do, as long as it is the same: the same runs give the same answer.
    const SEED: u64 = 0x7275_7368;

    pub(super) fn new(cells: usize, cells_per_block: usize) -> Draws {
        let mut random = Pcg64Mcg::seed_from_u64(Self::SEED);
        let mut draw = || {
            let mut weights = vec![0; cells];
            let mut drawn = 0;
            while drawn < cells {
                let from = random.random_range(0..cells);
                let length = cells_per_block.min(cells - drawn);
                (from..from + length).for_each(|cell| weights[cell % cells] += 1);
                drawn += length;
            }
            weights
        };
        let weights = (0..Self::RESAMPLES).map(|_| draw()).collect();
        Draws { cells, blocks: cells / cells_per_block, weights }
    }

    pub(super) fn blocks(&self) -> usize {
        self.blocks
    }

    /// `difference`: of two runs, given how often each cell counts. The same cells are drawn of both runs, so that what the
    /// load curve does to both cancels out. The bootstrap gives the standard error; the difference over it is held against
    /// Student's t, which allows for few blocks. None where there is nothing to compare.
    pub(super) fn estimate(&self, confidence: f64, difference: impl Fn(&[u16]) -> Option<f64>) -> Option<Estimate> {
        let found = difference(&vec![1; self.cells])?;
        let drawn: Vec<f64> = self.weights.iter().filter_map(|weights| difference(weights)).collect();
        if self.blocks < 2 || drawn.len() < self.weights.len() * 9 / 10 {
            return None;
        }
        let mean = drawn.iter().sum::<f64>() / drawn.len() as f64;
        let variance = drawn.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / (drawn.len() - 1) as f64;
        // As a sample's variance is n/(n−1) times that of its resamples.
        let error = (variance * self.blocks as f64 / (self.blocks - 1) as f64).sqrt();
        let t = StudentsT::new(0.0, 1.0, (self.blocks - 1) as f64).expect("at least one degree of freedom");
        let p_value = match error > 0.0 {
            true => 2.0 * t.sf((found / error).abs()),
            false if found == 0.0 => 1.0,
            false => 0.0,
        };
        let reach = error * t.inverse_cdf(1.0 - (1.0 - confidence) / 2.0);
        Some(Estimate { difference: found, low: found - reach, high: found + reach, p_value })
    }
}

/// Times of some requests of a run, so that the quantiles of any draw of its cells are found quickly.
#[derive(Debug)]
pub(super) struct Cumulated {
    /// Microseconds, in order.
    values: Vec<u32>,
    cells: usize,
    /// For each value, how many requests of each cell took no longer.
    up_to: Vec<u32>,
}

impl Cumulated {
    /// `series`: cells by index, of which those from `cells.start` to `cells.end` count; several are merged.
    pub(super) fn of<'a>(series: impl IntoIterator<Item = &'a [Cell]>, cells: Range<usize>) -> Cumulated {
        Cumulated::of_some(series, cells, |_| true)
    }

    /// Only of those cells that count.
    pub(super) fn of_some<'a>(
        series: impl IntoIterator<Item = &'a [Cell]>,
        cells: Range<usize>,
        counts_cell: impl Fn(usize) -> bool,
    ) -> Cumulated {
        let mut counts: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for list in series {
            let end = cells.end.min(list.len());
            let seen = list[cells.start.min(end)..end].iter().enumerate();
            for (index, cell) in seen.filter(|(index, _)| counts_cell(cells.start + index)) {
                for (us, count) in cell.times.buckets() {
                    counts.entry(us).or_insert_with(|| vec![0; cells.len()])[index] += count;
                }
            }
        }
        let mut so_far = vec![0; cells.len()];
        let mut up_to = Vec::with_capacity(counts.len() * cells.len());
        for at_value in counts.values() {
            so_far.iter_mut().zip(at_value).for_each(|(sum, count)| *sum += count);
            up_to.extend_from_slice(&so_far);
        }
        Cumulated { values: counts.into_keys().collect(), cells: cells.len(), up_to }
    }

    pub(super) fn requests(&self) -> u64 {
        self.values.len().checked_sub(1).map_or(0, |last| self.drawn(last, None))
    }

    /// Requests no longer than a value.
    fn drawn(&self, value: usize, weights: Option<&[u16]>) -> u64 {
        let row = &self.up_to[value * self.cells..(value + 1) * self.cells];
        match weights {
            Some(weights) => row.iter().zip(weights).map(|(n, weight)| u64::from(*n) * u64::from(*weight)).sum(),
            None => row.iter().map(|n| u64::from(*n)).sum(),
        }
    }

    /// In milliseconds; None when no request was drawn.
    pub(super) fn quantile_ms(&self, quantile: f64, weights: &[u16]) -> Option<f64> {
        let last = self.values.len().checked_sub(1)?;
        let total = self.drawn(last, Some(weights));
        let rank = ((quantile * total as f64).ceil() as u64).clamp(1, total.max(1));
        let (mut low, mut high) = (0, last);
        while low < high {
            let middle = (low + high) / 2;
            if self.drawn(middle, Some(weights)) >= rank { high = middle } else { low = middle + 1 }
        }
        (total > 0).then(|| f64::from(self.values[low]) / 1e3)
    }

    /// Of all cells.
    pub(super) fn figure_ms(&self, quantile: f64) -> Option<f64> {
        self.quantile_ms(quantile, &vec![1; self.cells])
    }
}
