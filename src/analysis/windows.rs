use super::balance::jain;
use super::times::Times;
use super::{ObjectiveFigures, WindowFigures};
use crate::history::{FleetChange, NameId, Observation, Offset, Outcome};
use crate::plan::{Metric, Objective, Plan, Scope, WindowAnchor};
use std::collections::BTreeMap;

/// Measures each objective in each of its windows. The windows are known before the first row is.
#[derive(Debug)]
pub(super) struct Windows {
    objectives: Vec<Watched>,
}

#[derive(Debug)]
struct Watched {
    metric: Metric,
    /// Which steps are in scope, by [`crate::history::StepId`].
    steps: Vec<bool>,
    instance: Option<String>,
    windows: Vec<Tally>,
}

#[derive(Debug)]
struct Tally {
    from: Offset,
    to: Offset,
    change: Option<Offset>,
    requests: u64,
    errors: u64,
    answered: u64,
    times: Times,
    instances: BTreeMap<NameId, u64>,
}

impl Windows {
    pub(super) fn new(plan: &Plan, changes: &[FleetChange], start: Offset) -> Windows {
        let watch = |objective: &Objective| Watched {
            metric: objective.metric,
            steps: steps_in(plan, &objective.scope),
            instance: objective.scope.instance.clone(),
            windows: spans(objective, changes, start),
        };
        Windows { objectives: plan.objectives.iter().map(watch).collect() }
    }

    /// `instance`: the name of the row's instance.
    pub(super) fn take(&mut self, row: &Observation, instance: Option<&str>) {
        for watched in &mut self.objectives {
            let in_scope = watched.steps.get(usize::from(row.step.0)).copied().unwrap_or(false)
                && watched.instance.as_deref().is_none_or(|wanted| instance == Some(wanted));
            if !in_scope {
                continue;
            }
            for window in &mut watched.windows {
                if window.from <= row.intended && row.intended < window.to {
                    window.take(row, watched.metric);
                }
            }
        }
    }

    /// `recovery`: seconds from a change until the response time holds again, by the change's time.
    pub(super) fn finish(
        self,
        load_end: Offset,
        recovery: impl Fn(Offset, Offset) -> Option<f64>,
    ) -> Vec<ObjectiveFigures> {
        let figures = |metric: Metric, window: Tally| {
            let to = window.to.min(load_end.max(window.from));
            let counts: Vec<f64> = window.instances.values().map(|n| *n as f64).collect();
            let quantile = match metric {
                Metric::ResponseTime { quantile } | Metric::ServiceTime { quantile } if window.times.count() > 0 => {
                    Some(window.times.quantile_ms(quantile))
                }
                _ => None,
            };
            WindowFigures {
                from_us: window.from,
                to_us: to,
                change_us: window.change,
                requests: window.requests,
                errors: window.errors,
                answered: window.answered,
                quantile_ms: quantile,
                jain: (!counts.is_empty()).then(|| jain(&counts)),
                recovery_seconds: match metric {
                    Metric::Recovery => window.change.and_then(|change| recovery(change, to)),
                    _ => None,
                },
            }
        };
        let objective = |watched: Watched| ObjectiveFigures {
            windows: watched.windows.into_iter().map(|window| figures(watched.metric, window)).collect(),
        };
        self.objectives.into_iter().map(objective).collect()
    }
}

impl Tally {
    fn take(&mut self, row: &Observation, metric: Metric) {
        self.requests += 1;
        self.errors += u64::from(row.outcome.is_error());
        self.answered += u64::from(!matches!(row.outcome, Outcome::Failed(_)));
        match metric {
            Metric::ResponseTime { .. } => self.times.record(row.response_time().as_micros() as u64),
            Metric::ServiceTime { .. } => self.times.record(row.service_time().as_micros() as u64),
            Metric::Balance => {
                if let Some(instance) = row.instance {
                    *self.instances.entry(instance).or_default() += 1;
                }
            }
            _ => {}
        }
    }
}

fn steps_in(plan: &Plan, scope: &Scope) -> Vec<bool> {
    let scenario = |index: u16| plan.scenarios.get(usize::from(index)).map(|s| s.name.as_str());
    let within = |step: &crate::plan::Step| {
        scope.step.as_ref().is_none_or(|name| *name == step.name)
            && scope.scenario.as_deref().is_none_or(|name| scenario(step.scenario) == Some(name))
    };
    plan.steps.iter().map(within).collect()
}

fn spans(objective: &Objective, changes: &[FleetChange], start: Offset) -> Vec<Tally> {
    let window = &objective.window;
    let anchors: Vec<(Offset, Option<Offset>)> = match &window.anchor {
        WindowAnchor::Start => vec![(start, None)],
        WindowAnchor::Event(name) => {
            changes.iter().filter(|c| c.is_named(name)).map(|c| (c.at_us, Some(c.at_us))).collect()
        }
    };
    let from_anchor = |anchor: Offset, seconds: f64| Offset(anchor.0.saturating_add(Offset::from_secs_f64(seconds).0));
    let span = |(anchor, change): (Offset, Option<Offset>)| Tally {
        from: from_anchor(anchor, window.from_seconds),
        to: window.to_seconds.map_or(Offset(i64::MAX), |to| from_anchor(anchor, to)),
        change,
        requests: 0,
        errors: 0,
        answered: 0,
        times: Times::new(),
        instances: BTreeMap::new(),
    };
    anchors.into_iter().map(span).collect()
}
