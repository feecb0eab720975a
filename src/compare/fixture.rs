//! Made-up runs for tests: a load whose response times wander, as those of a system with queues do.

use super::{Cells, Collector, Comparison, Side, compare};
use crate::analysis::{Analysis, InstanceStages, Stamp};
use crate::history::fixture::{origin, row};
use crate::history::{Names, Offset};
use crate::plan::fixture::{LOGIN, PAGE};
use crate::session::SessionFindings;
use crate::verdict::fixture::Run;
use crate::verdict::{Outcome, Verdict};
use rand::{Rng, RngExt as _, SeedableRng as _};
use rand_distr::StandardNormal;
use rand_pcg::Pcg64Mcg;
use std::time::Duration;

pub struct Made {
    pub run: Run,
    pub analysis: Analysis,
    pub sessions: SessionFindings,
    pub verdict: Verdict,
    pub cells: Cells,
}

/// How a run is made.
#[derive(Clone, Copy)]
pub struct Recipe {
    pub seed: u64,
    pub seconds: u32,
    /// All response times, times this.
    pub slower: f64,
    /// Those of the first of three instances, times this.
    pub first_instance: f64,
    /// Share of requests that go wrong.
    pub errors: f64,
    /// From launched to in service.
    pub boot_seconds: f64,
}

impl Recipe {
    pub const PLAIN: Recipe =
        Recipe { seed: 1, seconds: 120, slower: 1.0, first_instance: 1.0, errors: 0.0, boot_seconds: 3.0 };

    pub fn seed(seed: u64) -> Recipe {
        Recipe { seed, ..Recipe::PLAIN }
    }
}

pub fn made(recipe: Recipe) -> Made {
    let run = Run::good();
    let (mut analysis, sessions) = run.findings();
    analysis.stages = vec![stages("c", recipe.boot_seconds), stages("d", recipe.boot_seconds + 0.1)];
    analysis.phases = None;
    let verdict = Verdict { outcome: Outcome::Pass, exit_code: 0, ..run.verdict() };
    Made { cells: cells(&run, recipe), run, analysis, sessions, verdict }
}

/// Forty requests a second; the logarithm of the second's level is an autoregressive process (φ = 0.5).
fn cells(run: &Run, recipe: Recipe) -> Cells {
    let names = Names::default();
    let mut random = Pcg64Mcg::seed_from_u64(recipe.seed);
    let mut collector = Collector::new(&run.plan, &[]);
    let mut level = 0.0;
    for second in 0..recipe.seconds {
        level = 0.5 * level + 0.05 * normal(&mut random);
        for n in 0..40 {
            let place = ["a", "b", "c"][n % 3];
            let slower = recipe.slower * if n % 3 == 0 { recipe.first_instance } else { 1.0 };
            let ms = 50.0 * slower * (level + 0.3 * normal(&mut random)).exp();
            let due = f64::from(second) + n as f64 / 40.0;
            let step = if n % 4 == 0 { LOGIN } else { PAGE };
            let mut row = row(n as u64, step, due).on(place, &names).taking(Duration::from_secs_f64(ms / 1e3));
            if random.random::<f64>() < recipe.errors {
                row.outcome = crate::history::Outcome::Unexpected;
            }
            collector.observe(&row);
        }
    }
    collector.finish(&names)
}

fn normal(random: &mut impl Rng) -> f64 {
    random.sample(StandardNormal)
}

fn stages(instance: &str, boot_seconds: f64) -> InstanceStages {
    let at = |seconds: f64| Stamp::At {
        at_us: Offset::from_secs_f64(20.0 + seconds),
        source: "provider".to_owned(),
        resolution_us: 1000,
    };
    let unknown = || Stamp::Unknown { reason: "not told".to_owned() };
    InstanceStages {
        instance: instance.to_owned(),
        zone: None,
        t0_load_exceeds_capacity: unknown(),
        t1_objective_broken: unknown(),
        t2_alarm: unknown(),
        t3_activity: at(0.0),
        t4_launched: at(0.1),
        t5_in_service: at(0.1 + boot_seconds),
        t6_healthy: at(1.1 + boot_seconds),
        t7_first_response: at(1.2 + boot_seconds),
        t8_first_adoption: unknown(),
        t9_fair_share: unknown(),
        t10_objective_holds: unknown(),
        steps: Vec::new(),
        warm_up: None,
    }
}

pub fn compared(base: &Made, new: &Made) -> Comparison {
    let origin = origin();
    compare(&of(base, &origin, "results/fixture/base"), &of(new, &origin, "results/fixture/new")).expect("comparable")
}

pub fn of<'a>(made: &'a Made, origin: &'a crate::history::Origin, results: &'a str) -> Side<'a> {
    Side {
        origin,
        plan: &made.run.plan,
        analysis: &made.analysis,
        sessions: &made.sessions,
        verdict: &made.verdict,
        cells: &made.cells,
        results,
    }
}
