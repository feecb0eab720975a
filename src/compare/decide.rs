use super::cells::Cells;
use super::response_time::{FEWEST_BLOCKS, Times};
use super::{
    ComparedRun, Comparison, ComparisonOutcome, Difference, Finding, Incomparable, Kind, Method, Unit,
    bootstrap::Draws, comparable, counts, holm, stages,
};
use crate::analysis::Analysis;
use crate::history::Origin;
use crate::plan::{CompareRules, Metric, Plan};
use crate::session::SessionFindings;
use crate::verdict::{Met, Outcome, Verdict};

/// One of the two runs, with all that was found of it.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    pub origin: &'a Origin,
    pub plan: &'a Plan,
    pub analysis: &'a Analysis,
    pub sessions: &'a SessionFindings,
    pub verdict: &'a Verdict,
    pub cells: &'a Cells,
    /// Where the run is, as it is to be shown.
    pub results: &'a str,
}

/// What changed, by the rules of the new run's profile. A difference is a regression when it is both large and unlikely to
/// be chance.
///
/// # Errors
/// [`Incomparable`] when the runs were not of the same load, journeys and fleet.
pub fn compare(base: &Side, new: &Side) -> Result<Comparison, Incomparable> {
    let mut notes = comparable(base.plan, new.plan)?;
    notes.extend(surroundings(base.origin, new.origin));
    let rules = &new.plan.compare;
    let times = Times::new(base.cells, new.cells, rules);
    let blocks = times.as_ref().map_or(0, Times::blocks);
    let mut differences = objectives(base.verdict, new.verdict, rules);
    differences.extend(counts::sessions(base.sessions, new.sessions));
    if let Some(times) = &times {
        differences.extend(times.of_steps(new.plan));
        differences.extend(times.of_phases(base.analysis.phases.as_ref()));
        differences.extend(times.of_instances());
        differences.extend(times.errors());
    }
    differences.extend(stages::stages(&base.analysis.stages, &new.analysis.stages, rules));
    let tests = judge(&mut differences, 1.0 - rules.confidence);
    let doubts = doubts(base, new, blocks, times.as_ref().map_or(rules.block_seconds, Times::block_seconds));
    let outcome = outcome(&differences, &doubts);
    Ok(Comparison {
        outcome,
        exit_code: outcome.exit_code(),
        base: compared(base),
        new: compared(new),
        doubts,
        notes,
        method: Method {
            block_seconds: times.as_ref().map_or(rules.block_seconds, Times::block_seconds),
            blocks: blocks as u32,
            resamples: Draws::RESAMPLES as u32,
            confidence: rules.confidence,
            tests: tests as u32,
        },
        differences,
    })
}

/// Settles what was tested, once it is known how much was. Gives the number of tests.
fn judge(differences: &mut [Difference], level: f64) -> usize {
    let p_values: Vec<f64> = differences.iter().filter_map(|d| d.p_value).collect();
    let adjusted = holm::adjusted(&p_values);
    let tested = differences.iter_mut().filter(|d| d.p_value.is_some());
    for (difference, p_adjusted) in tested.zip(adjusted) {
        difference.p_adjusted = Some(p_adjusted);
        // Any session lost is large.
        let large = difference.large || difference.kind == Kind::Sessions;
        if large && p_adjusted < level && difference.finding == Finding::Unchanged {
            let grown = difference.new > difference.base;
            difference.finding = if grown { Finding::Regression } else { Finding::Improvement };
        }
    }
    p_values.len()
}

/// What was met and is missed now is a regression, unless it went over its limit by a small step: the next run of the same
/// may well stay below. The run's own verdict fails on it all the same.
fn objectives(base: &Verdict, new: &Verdict, rules: &CompareRules) -> Vec<Difference> {
    let both = new.objectives.iter().filter_map(|now| {
        let before = base.objectives.iter().find(|before| before.text == now.text)?;
        let (unit, per) = unit(now.metric);
        let told = |measured: Option<f64>| measured.map(|value| value * per);
        Some((before, now, unit, told(before.measured), told(now.measured)))
    });
    both.map(|(before, now, unit, was, is)| {
        let large = was.zip(is).is_some_and(|(was, is)| unit.is_large(was, is, rules));
        Difference {
            base: was,
            new: is,
            remark: Some(format!("{} → {}", met(before.met), met(now.met))),
            large,
            finding: match (before.met, now.met) {
                (Met::Unknown, _) | (_, Met::Unknown) => Finding::NotJudged,
                (Met::Met, Met::Missed) if large => Finding::Regression,
                (Met::Missed, Met::Met) if large => Finding::Improvement,
                _ => Finding::Unchanged,
            },
            ..Difference::new(Kind::Objective, now.text.clone(), unit)
        }
    })
    .collect()
}

/// What a metric is told in, and how many of it make one of the metric's own.
fn unit(metric: Metric) -> (Unit, f64) {
    match metric {
        Metric::ResponseTime { .. } | Metric::ServiceTime { .. } => (Unit::Milliseconds, 1e3),
        Metric::AdoptionTime { .. } | Metric::Recovery => (Unit::Seconds, 1.0),
        Metric::ErrorRate | Metric::Survival | Metric::OwedShare => (Unit::Share, 1.0),
        Metric::Throughput => (Unit::PerSecond, 1.0),
        Metric::Relogins => (Unit::Count, 1.0),
        Metric::Balance | Metric::WarmUpPenalty => (Unit::Ratio, 1.0),
    }
}

fn met(met: Met) -> &'static str {
    match met {
        Met::Met => "met",
        Met::Missed => "missed",
        Met::Unknown => "unknown",
    }
}

fn doubts(base: &Side, new: &Side, blocks: usize, block_seconds: f64) -> Vec<String> {
    let mut doubts = Vec::new();
    for (which, side) in [("base", base), ("new", new)] {
        if side.verdict.interrupted {
            doubts.push(format!("the {which} run was interrupted"));
        } else if side.verdict.outcome == Outcome::Inconclusive {
            let why = side.verdict.reasons.first().map_or(String::new(), |reason| format!(": {}", reason.text));
            doubts.push(format!("the {which} run is inconclusive{why}"));
        }
    }
    if blocks < FEWEST_BLOCKS {
        doubts.push(format!(
            "the runs are too short: {blocks} blocks of {block_seconds} s, and {FEWEST_BLOCKS} are needed; run longer"
        ));
    }
    doubts
}

/// A loss that was seen stands whatever else is in doubt.
fn outcome(differences: &[Difference], doubts: &[String]) -> ComparisonOutcome {
    let mut regressions = differences.iter().filter(|d| d.finding == Finding::Regression);
    match doubts.is_empty() {
        true if regressions.next().is_some() => ComparisonOutcome::Regression,
        true => ComparisonOutcome::NoRegression,
        false if regressions.any(|d| d.kind == Kind::Sessions) => ComparisonOutcome::Regression,
        false => ComparisonOutcome::CannotTell,
    }
}

fn compared(side: &Side) -> ComparedRun {
    ComparedRun {
        profile: side.plan.name.clone(),
        run_id: side.origin.run_id.clone(),
        zero_at: side.origin.zero_at.clone(),
        results: side.results.to_owned(),
        verdict: side.verdict.outcome,
    }
}

/// Where the runs were made, if not in the same way.
fn surroundings(base: &Origin, new: &Origin) -> Vec<String> {
    let machine = |o: &Origin| format!("{}, {} CPUs, {}", o.machine.hostname, o.machine.cpus, o.machine.os);
    let told = [
        ("rushhour", base.tool_version.clone(), new.tool_version.clone()),
        ("machine", machine(base), machine(new)),
        ("load threads", base.load_threads.to_string(), new.load_threads.to_string()),
        ("pacer", base.pacer.clone(), new.pacer.clone()),
    ];
    let differ = told.into_iter().filter(|(_, before, now)| before != now);
    differ.map(|(what, before, now)| format!("{what} ({before} → {now})")).collect()
}
