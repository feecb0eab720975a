use super::bootstrap::{Cumulated, Draws, Estimate};
use super::cells::{Cell, Cells};
use super::{Difference, Finding, Kind, Unit};
use crate::analysis::Phases;
use crate::plan::{CompareRules, Plan};
use std::ops::Range;

/// Blocks below which chance cannot be told from change.
pub(super) const FEWEST_BLOCKS: usize = 8;
const QUANTILES: [f64; 3] = [0.5, 0.9, 0.99];
/// Requests beyond a quantile below which it is a matter of a few of them.
const BEYOND: f64 = 10.0;

/// Both runs' cells, and what is drawn of them.
pub(super) struct Times<'a> {
    base: &'a Cells,
    new: &'a Cells,
    rules: &'a CompareRules,
    cells: usize,
    cells_per_block: usize,
    draws: Draws,
}

impl<'a> Times<'a> {
    /// None when either run has no requests.
    pub(super) fn new(base: &'a Cells, new: &'a Cells, rules: &'a CompareRules) -> Option<Times<'a>> {
        // A run whose last request came earlier has nothing in the cells after it.
        let cells = base.len().max(new.len());
        let cells_per_block = ((rules.block_seconds / base.seconds).round() as usize).max(1);
        let whole = base.len() > 0 && new.len() > 0;
        whole.then(|| Times { base, new, rules, cells, cells_per_block, draws: Draws::new(cells, cells_per_block) })
    }

    pub(super) fn blocks(&self) -> usize {
        self.draws.blocks()
    }

    pub(super) fn block_seconds(&self) -> f64 {
        self.cells_per_block as f64 * self.base.seconds
    }

    /// All requests, then those of each step.
    pub(super) fn of_steps(&self, plan: &Plan) -> Vec<Difference> {
        let mut differences = self.quantiles("all requests", all(self.base), all(self.new), 0..self.cells, &self.draws);
        for (index, step) in plan.steps.iter().enumerate() {
            let scenario = plan.scenarios.get(usize::from(step.scenario)).map_or("", |s| s.name.as_str());
            let name = format!("{scenario}/{}", step.name);
            let (base, new) = (one(&self.base.steps, index), one(&self.new.steps, index));
            differences.extend(self.quantiles(&name, base, new, 0..self.cells, &self.draws));
        }
        differences
    }

    /// Before, during and after the base run's change, in the same seconds of both runs. A change that takes longer in
    /// the new run shows where it reaches beyond what it took before.
    pub(super) fn of_phases(&self, phases: Option<&Phases>) -> Vec<Difference> {
        let Some(phases) = phases else { return Vec::new() };
        let cell = |second: u32| ((f64::from(second) / self.base.seconds) as usize).min(self.cells);
        let (from, to) = (cell(phases.during_from_second), cell(phases.during_to_second));
        let spans = [("before", 0..from), ("during", from..to), ("after", to..self.cells)];
        let phase = |(word, span): (&str, Range<usize>)| {
            let draws = (!span.is_empty()).then(|| Draws::new(span.len(), self.cells_per_block));
            let name = format!("all requests {word} {}", phases.change.name);
            draws.map_or(Vec::new(), |draws| self.quantiles(&name, all(self.base), all(self.new), span, &draws))
        };
        spans.into_iter().flat_map(phase).collect()
    }

    /// The slowest instance of each run over its peers in the same cells. Instances have other names in each run, so they
    /// are not compared one by one; and in the mix of all a slow one can go unseen.
    pub(super) fn of_instances(&self) -> Vec<Difference> {
        let spread = |quantile: f64| {
            let (base, new) = (self.slowest(self.base, quantile)?, self.slowest(self.new, quantile)?);
            let ratio = |slowest: &Slowest, weights: &[u16]| {
                Some(slowest.own.quantile_ms(quantile, weights)? / slowest.peers.quantile_ms(quantile, weights)?)
            };
            let estimate = self
                .draws
                .estimate(self.rules.confidence, |weights| Some((ratio(&new, weights)? / ratio(&base, weights)?).ln()));
            let excess_ms = (new.ratio - 1.0) * new.peers.figure_ms(quantile)?;
            let before_ms = (base.ratio - 1.0) * base.peers.figure_ms(quantile)?;
            let difference = Difference {
                base: Some(base.ratio),
                new: Some(new.ratio),
                remark: Some(format!("slowest: {}, before: {}", new.name, base.name)),
                ..Difference::new(
                    Kind::InstanceSpread,
                    format!("{} of the slowest instance over its peers", percentile(quantile)),
                    Unit::Ratio,
                )
            };
            Some(self.told(difference, estimate, &self.draws, (excess_ms - before_ms).abs()))
        };
        [0.5, 0.9].into_iter().filter_map(spread).collect()
    }

    /// The share of requests that went wrong. They come in bursts, so they are drawn by block like everything else.
    pub(super) fn errors(&self) -> Option<Difference> {
        let counts = |cells: &Cells| {
            let cell = |index: usize| {
                let cells = cells.steps.iter().filter_map(|step| step.get(index));
                cells.fold((0, 0), |(n, bad), c| (n + u64::from(c.requests), bad + u64::from(c.errors)))
            };
            (0..self.cells).map(cell).collect::<Vec<_>>()
        };
        let share = |counts: &[(u64, u64)], weights: &[u16]| {
            let drawn = counts.iter().zip(weights).fold((0, 0), |(n, bad), ((requests, errors), weight)| {
                (n + requests * u64::from(*weight), bad + errors * u64::from(*weight))
            });
            (drawn.0 > 0).then(|| drawn.1 as f64 / drawn.0 as f64)
        };
        let (base, new) = (counts(self.base), counts(self.new));
        let whole = vec![1; self.cells];
        let (before, now) = (share(&base, &whole)?, share(&new, &whole)?);
        let estimate = self
            .draws
            .estimate(self.rules.confidence, |weights| Some(share(&new, weights)? - share(&base, weights)?))?;
        Some(Difference {
            base: Some(before),
            new: Some(now),
            change: Some(now - before),
            low: Some(estimate.low),
            high: Some(estimate.high),
            p_value: Some(estimate.p_value),
            large: (now - before).abs() > self.rules.error_rate,
            finding: Finding::Unchanged,
            ..Difference::new(Kind::Errors, "requests not as expected", Unit::Share)
        })
    }

    fn quantiles<'c>(
        &self,
        of: &str,
        base: impl IntoIterator<Item = &'c [Cell]>,
        new: impl IntoIterator<Item = &'c [Cell]>,
        span: Range<usize>,
        draws: &Draws,
    ) -> Vec<Difference> {
        let (base, new) = (Cumulated::of(base, span.clone()), Cumulated::of(new, span));
        let requests = base.requests().min(new.requests());
        let quantile = |quantile: &f64| {
            let (before, now) = (base.figure_ms(*quantile)?, new.figure_ms(*quantile)?);
            let estimate = draws.estimate(self.rules.confidence, |weights| {
                Some((new.quantile_ms(*quantile, weights)? / base.quantile_ms(*quantile, weights)?).ln())
            });
            let difference = Difference {
                base: Some(before),
                new: Some(now),
                ..Difference::new(Kind::ResponseTime, format!("{} of {of}", percentile(*quantile)), Unit::Milliseconds)
            };
            Some(self.told(difference, estimate, draws, (now - before).abs()))
        };
        QUANTILES.iter().filter(|quantile| enough(requests, **quantile)).filter_map(quantile).collect()
    }

    /// What the estimate of a logarithm's difference says of a difference between runs.
    fn told(&self, difference: Difference, estimate: Option<Estimate>, draws: &Draws, by_ms: f64) -> Difference {
        let Some(found) = estimate else { return difference };
        let large =
            found.difference.abs() > self.rules.response_time.ln_1p() && by_ms > self.rules.response_time_floor_ms;
        let tested = draws.blocks() >= FEWEST_BLOCKS;
        Difference {
            change: Some(found.difference.exp_m1()),
            low: Some(found.low.exp_m1()),
            high: Some(found.high.exp_m1()),
            p_value: tested.then_some(found.p_value),
            large,
            finding: if tested { Finding::Unchanged } else { Finding::NotJudged },
            remark: match tested {
                true => difference.remark,
                false => Some(format!("{} blocks are too few to judge by", draws.blocks())),
            },
            ..difference
        }
    }

    /// The instance farthest from what all instances took while it was there, beside its peers in the same cells.
    fn slowest(&self, cells: &Cells, quantile: f64) -> Option<Slowest> {
        let whole = 0..self.cells;
        let everyone = Cumulated::of(cells.instances.values().map(Vec::as_slice), whole.clone());
        let candidate = |(name, list): (&String, &Vec<Cell>)| {
            let served: Vec<u16> =
                whole.clone().map(|cell| u16::from(list.get(cell).is_some_and(|c| c.requests > 0))).collect();
            let own = Cumulated::of([list.as_slice()], whole.clone());
            let ratio = own.figure_ms(quantile)? / everyone.quantile_ms(quantile, &served)?;
            enough(own.requests(), quantile).then(|| (ratio, name.clone(), served, own))
        };
        let candidates = cells.instances.iter().filter_map(candidate);
        let (_, name, served, own) = candidates.max_by(|a, b| a.0.total_cmp(&b.0))?;
        let others = cells.instances.iter().filter(|(other, _)| **other != name).map(|(_, list)| list.as_slice());
        let peers = Cumulated::of_some(others, whole, |cell| served[cell] > 0);
        let ratio = own.figure_ms(quantile)? / peers.figure_ms(quantile)?;
        enough(peers.requests(), quantile).then_some(Slowest { name, own, peers, ratio })
    }
}

struct Slowest {
    name: String,
    own: Cumulated,
    peers: Cumulated,
    ratio: f64,
}

fn all(cells: &Cells) -> impl Iterator<Item = &[Cell]> {
    cells.steps.iter().map(Vec::as_slice)
}

fn one(steps: &[Vec<Cell>], index: usize) -> impl Iterator<Item = &[Cell]> {
    steps.get(index).map(Vec::as_slice).into_iter()
}

fn enough(requests: u64, quantile: f64) -> bool {
    (requests as f64 * (1.0 - quantile)).round() >= BEYOND
}

fn percentile(quantile: f64) -> String {
    format!("p{:.0}", quantile * 100.0)
}
