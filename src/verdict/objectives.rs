use super::{Met, ObjectiveResult};
use crate::analysis::{Analysis, ObjectiveFigures, WindowFigures};
use crate::plan::{Limit, Metric, Objective, Plan, WindowAnchor};
use crate::session::{Cohort, SessionFindings};

/// What was measured in one window, or for one change.
enum Measured {
    Value(f64),
    /// It should have come about and did not: as bad as can be.
    Never,
    Unknown(String),
}

/// Each objective of the plan, in its order. Of several windows the worst counts, and one that is unknown makes it
/// unknown unless another misses it.
pub(super) fn objectives(plan: &Plan, analysis: &Analysis, sessions: &SessionFindings) -> Vec<ObjectiveResult> {
    let none = ObjectiveFigures { windows: Vec::new() };
    let result = |(index, objective): (usize, &Objective)| {
        let figures = analysis.objectives.get(index).unwrap_or(&none);
        judge(objective, measure(objective, figures, plan, analysis, sessions))
    };
    plan.objectives.iter().enumerate().map(result).collect()
}

fn judge(objective: &Objective, measured: Vec<Measured>) -> ObjectiveResult {
    let mut values = Vec::new();
    let mut never = false;
    let mut unknown_because = match &objective.window.anchor {
        WindowAnchor::Event(name) if measured.is_empty() => Some(format!("\"{name}\" never happened")),
        _ if measured.is_empty() => Some("nothing was measured".to_owned()),
        _ => None,
    };
    for one in measured {
        match one {
            Measured::Value(value) => values.push(value),
            Measured::Never => never = true,
            Measured::Unknown(why) => unknown_because = Some(why),
        }
    }
    let (worst, holds) = match objective.limit {
        Limit::AtMost(limit) => (values.iter().copied().reduce(f64::max), values.iter().all(|v| *v <= limit)),
        Limit::AtLeast(limit) => (values.iter().copied().reduce(f64::min), values.iter().all(|v| *v >= limit)),
    };
    let met = match (holds && !never, &unknown_because) {
        (false, _) => Met::Missed,
        (true, Some(_)) => Met::Unknown,
        (true, None) => Met::Met,
    };
    ObjectiveResult {
        text: objective.text.clone(),
        metric: objective.metric,
        limit: objective.limit,
        measured: if never { None } else { worst },
        met,
        unknown_because: unknown_because.filter(|_| met == Met::Unknown),
    }
}

fn measure(
    objective: &Objective,
    figures: &ObjectiveFigures,
    plan: &Plan,
    analysis: &Analysis,
    sessions: &SessionFindings,
) -> Vec<Measured> {
    let each = |measure: &dyn Fn(&WindowFigures) -> Measured| figures.windows.iter().map(measure).collect();
    let of_requests = |window: &WindowFigures, value: Option<f64>| match value {
        Some(value) if window.requests > 0 => Measured::Value(value),
        _ => Measured::Unknown("no request was due in its window and scope".to_owned()),
    };
    let cohorts = || sessions.cohorts.iter().filter(|c| concerns(objective, c));
    match objective.metric {
        Metric::ResponseTime { .. } | Metric::ServiceTime { .. } => {
            each(&|w| of_requests(w, w.quantile_ms.map(|ms| ms / 1e3)))
        }
        Metric::ErrorRate => each(&|w| of_requests(w, Some(w.errors as f64 / w.requests.max(1) as f64))),
        Metric::Throughput => each(&|w| {
            let seconds = w.to_us.since(w.from_us).as_secs_f64();
            of_requests(w, (seconds > 0.0).then(|| w.answered as f64 / seconds))
        }),
        Metric::Balance => each(&|w| of_requests(w, w.jain)),
        Metric::Recovery => {
            let watched = plan.objectives.iter().any(|o| matches!(o.metric, Metric::ResponseTime { .. }));
            each(&|w| match (w.recovery_seconds, w.change_us) {
                (Some(seconds), _) => Measured::Value(seconds),
                (None, Some(_)) if watched => Measured::Never,
                _ => Measured::Unknown("recovery needs an event and an objective for response time".to_owned()),
            })
        }
        Metric::Relogins => vec![Measured::Value(sessions.sessions.asked_to_log_in_again as f64)],
        Metric::OwedShare => {
            let generator = &analysis.generator;
            match generator.arrivals_due {
                0 => vec![Measured::Unknown("no arrivals were planned".to_owned())],
                due => vec![Measured::Value(generator.arrivals_owed as f64 / due as f64)],
            }
        }
        Metric::Survival => cohorts().map(survival).collect(),
        Metric::AdoptionTime { quantile } => cohorts().map(|c| adoption_time(c, quantile)).collect(),
        Metric::WarmUpPenalty => match analysis.stages.iter().filter_map(|s| Some(s.warm_up?.ratio)).reduce(f64::max) {
            Some(ratio) => vec![Measured::Value(ratio)],
            None => vec![Measured::Unknown("no new instance served enough beside its peers".to_owned())],
        },
    }
}

fn concerns(objective: &Objective, cohort: &Cohort) -> bool {
    match &objective.window.anchor {
        WindowAnchor::Start => true,
        WindowAnchor::Event(name) => cohort.change.is_named(name),
    }
}

fn survival(cohort: &Cohort) -> Measured {
    match cohort.survival {
        Some(survival) => Measured::Value(survival.share),
        None => Measured::Unknown("no session of the cohort tells".to_owned()),
    }
}

fn adoption_time(cohort: &Cohort, quantile: f64) -> Measured {
    match &cohort.adoption {
        None => Measured::Unknown("no new instance appeared".to_owned()),
        Some(adoption) if adoption.curve.eligible == 0 => {
            Measured::Unknown("no session of the cohort was left when a new instance answered".to_owned())
        }
        Some(adoption) => match if quantile <= 0.5 { adoption.curve.t50_seconds } else { adoption.curve.t90_seconds } {
            Some(seconds) => Measured::Value(seconds),
            None => Measured::Never,
        },
    }
}
