use rand::{SeedableRng as _, seq::SliceRandom as _};
use rand_pcg::Pcg64Mcg;
use std::ops::Range;

/// Where a series begins to be other than before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Candidate {
    /// The first value of what is other.
    pub index: usize,
    pub q: f64,
}

/// Orders of the same values that a candidate is held against.
pub(super) const PERMUTATIONS: u32 = 9_999;
const SEED: u64 = 0x7275_7368;

/// E-divisive means (D. Matteson and N. James, *JASA* 109, 2014), as MongoDB (D. Daly et al., ICPE 2020) and Apache Otava
/// look for changes in nightly results: split where the halves differ most, for as long as chance alone seldom finds a split
/// as good. Chance: the values of each part in random order, of which as many as `level` may do as well.
/// Gives change points in order, each with its p-value.
pub(super) fn change_points(series: &[f64], level: f64) -> Vec<(usize, f64)> {
    let mut random = Pcg64Mcg::seed_from_u64(SEED);
    let mut found: Vec<(usize, f64)> = Vec::new();
    loop {
        let parts = parts(&found, series.len());
        let Some(best) = best_split(series, &parts) else { break };
        match p_value(series, &parts, best.q, level, &mut random) {
            Some(p_value) => found.push((best.index, p_value)),
            None => break,
        }
        found.sort_by_key(|(index, _)| *index);
    }
    found
}

fn parts(found: &[(usize, f64)], length: usize) -> Vec<Range<usize>> {
    let ends = found.iter().map(|(index, _)| *index).chain([length]);
    let mut from = 0;
    ends.map(|end| std::mem::replace(&mut from, end)..end).collect()
}

/// The share of random orders that split as well; None as soon as it is above `level`.
fn p_value(series: &[f64], parts: &[Range<usize>], q: f64, level: f64, random: &mut Pcg64Mcg) -> Option<f64> {
    let most = (level * f64::from(PERMUTATIONS + 1)) as u32;
    let mut as_good = 1;
    let mut shuffled = series.to_vec();
    for _ in 0..PERMUTATIONS {
        parts.iter().for_each(|part| shuffled[part.clone()].shuffle(random));
        as_good += u32::from(best_split(&shuffled, parts).is_some_and(|split| split.q >= q));
        if as_good > most {
            return None;
        }
    }
    Some(f64::from(as_good) / f64::from(PERMUTATIONS + 1))
}

pub(super) fn best_split(series: &[f64], parts: &[Range<usize>]) -> Option<Candidate> {
    let best = parts.iter().filter_map(|part| {
        let split = best_split_of(&series[part.clone()])?;
        Some(Candidate { index: part.start + split.index, ..split })
    });
    best.reduce(|best, other| if other.q > best.q { other } else { best })
}

/// The split of `values[..τ]` from `values[τ..κ]` with the greatest energy statistic, for any κ, so that a level which lasts
/// for a while only is not hidden by what follows it. With n and m values on the two sides,
///
/// Q = 2/(n+m)·Σ|x−y| − 2m/((n+m)(n−1))·Σ|x−x′| − 2n/((n+m)(m−1))·Σ|y−y′|, each pair once; of one value the last is 0.
fn best_split_of(values: &[f64]) -> Option<Candidate> {
    let length = values.len();
    let mut best: Option<Candidate> = None;
    // Sums of distances from each value to all of `values[..τ]`, kept up while τ grows.
    let mut to_left = vec![0.0; length];
    let mut within_left = 0.0;
    for split in 1..length {
        let moved = values[split - 1];
        within_left += to_left[split - 1];
        to_left[split - 1..]
            .iter_mut()
            .zip(&values[split - 1..])
            .for_each(|(sum, value)| *sum += (value - moved).abs());
        let (mut between, mut within_right) = (0.0, 0.0);
        for end in split + 1..=length {
            let last = values[end - 1];
            between += to_left[end - 1];
            within_right += values[split..end - 1].iter().map(|value| (value - last).abs()).sum::<f64>();
            let (n, m) = (split as f64, (end - split) as f64);
            let mean_within = |sum: f64, count: f64, other: f64| {
                if count > 1.0 { 2.0 * other / (n + m) / (count - 1.0) * sum } else { 0.0 }
            };
            let q = 2.0 / (n + m) * between - mean_within(within_left, n, m) - mean_within(within_right, m, n);
            if best.is_none_or(|best| q > best.q) {
                best = Some(Candidate { index: split, q });
            }
        }
    }
    best
}
