use super::change_points::change_points;
use super::{ChangePoint, Finding, Series, Trend, TrendRun, Unit};
use crate::analysis::{Analysis, InstanceStages, Stamp};
use crate::plan::{CompareRules, Plan};

/// What a series takes of one run.
#[derive(Clone, Debug)]
pub struct RunFigures {
    pub run: TrendRun,
    figures: Vec<Figure>,
}

#[derive(Clone, Debug)]
struct Figure {
    what: String,
    unit: Unit,
    value: f64,
}

/// Fewer runs than a change can be told from chance by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a trend needs at least {} comparable runs, and there are {found}", Trend::FEWEST_RUNS)]
pub struct TooFewRuns {
    pub found: usize,
}

impl Trend {
    pub const FEWEST_RUNS: usize = 10;
}

impl RunFigures {
    pub fn new(run: TrendRun, analysis: &Analysis) -> RunFigures {
        let figure = |what: String, unit: Unit, value: f64| Figure { what, unit, value };
        let all = &analysis.requests;
        let times = &all.response_time;
        let mut figures = Vec::new();
        for (percentile, ms) in [("p50", times.p50_ms), ("p90", times.p90_ms), ("p99", times.p99_ms)] {
            figures.push(figure(format!("{percentile} of all requests"), Unit::Milliseconds, ms));
        }
        for step in &analysis.steps {
            let what = format!("p90 of {}/{}", step.scenario, step.step);
            figures.push(figure(what, Unit::Milliseconds, step.requests.response_time.p90_ms));
        }
        let share = all.errors as f64 / all.count.max(1) as f64;
        figures.push(figure("requests not as expected".to_owned(), Unit::Share, share));
        let slowest =
            |took: fn(&InstanceStages) -> Option<f64>| analysis.stages.iter().filter_map(took).reduce(f64::max);
        let boot = slowest(|s| between(&s.t4_launched, &s.t5_in_service));
        let share = slowest(|s| between(&s.t4_launched, &s.t9_fair_share));
        for (what, seconds) in [("launched → in service", boot), ("launched → fair share", share)] {
            figures.extend(seconds.map(|s| figure(format!("{what}, slowest instance"), Unit::Seconds, s)));
        }
        RunFigures { run, figures }
    }

    fn value(&self, what: &str) -> Option<f64> {
        self.figures.iter().find(|figure| figure.what == what).map(|figure| figure.value)
    }
}

fn between(from: &Stamp, to: &Stamp) -> Option<f64> {
    Some(to.at()?.as_secs_f64() - from.at()?.as_secs_f64())
}

/// Change points of every figure that all runs have. `runs`: in order of time, of plans that can be compared with `plan`,
/// the newest run's, whose rules say what is large. `left_out`: told as it is.
///
/// # Errors
/// [`TooFewRuns`].
pub fn trend(plan: &Plan, runs: &[RunFigures], left_out: Vec<String>) -> Result<Trend, TooFewRuns> {
    let newest = match runs.last() {
        Some(newest) if runs.len() >= Trend::FEWEST_RUNS => newest,
        _ => return Err(TooFewRuns { found: runs.len() }),
    };
    let whole = newest.figures.iter().filter_map(|figure| {
        let values: Option<Vec<f64>> = runs.iter().map(|run| run.value(&figure.what)).collect();
        Some((figure, values?))
    });
    let whole: Vec<(&Figure, Vec<f64>)> = whole.collect();
    // Bonferroni: as many series are looked through, so much rarer a chance find must be in each.
    let level = (1.0 - plan.compare.confidence) / whole.len().max(1) as f64;
    let series = whole.into_iter().map(|(figure, values)| Series {
        what: figure.what.clone(),
        unit: figure.unit,
        change_points: told(&values, figure.unit, runs, &plan.compare, level),
        values,
    });
    Ok(Trend {
        profile: plan.name.clone(),
        runs: runs.iter().map(|run| run.run.clone()).collect(),
        left_out,
        confidence: plan.compare.confidence,
        series: series.collect(),
    })
}

fn told(values: &[f64], unit: Unit, runs: &[RunFigures], rules: &CompareRules, level: f64) -> Vec<ChangePoint> {
    let found = change_points(values, level);
    let point = |(place, (index, p_value)): (usize, &(usize, f64))| {
        let from = place.checked_sub(1).map_or(0, |before| found[before].0);
        let to = found.get(place + 1).map_or(values.len(), |next| next.0);
        let (before, after) = (median(&values[from..*index]), median(&values[*index..to]));
        ChangePoint {
            index: *index,
            run_id: runs[*index].run.run_id.clone(),
            before,
            after,
            p_value: *p_value,
            finding: match (unit.is_large(before, after, rules), after > before) {
                (false, _) => Finding::Unchanged,
                (true, true) => Finding::Regression,
                (true, false) => Finding::Improvement,
            },
        }
    };
    found.iter().enumerate().map(point).collect()
}

/// The middle of the runs' figures. It stands for what the runs showed, not for all their requests together: those have a
/// percentile of their own.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[(sorted.len() - 1) / 2]
}
