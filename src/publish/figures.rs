use crate::analysis::TimeFigures;
use crate::report::Subject;
use crate::verdict::Outcome;

/// One number that a run came to. Its name is also that of the metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    pub name: &'static str,
    /// Of the run, for what is told by phase.
    pub phase: Option<&'static str>,
    pub value: f64,
    pub unit: Unit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Count,
    Milliseconds,
    Percent,
    Seconds,
    None,
}

/// What is published of a run. What is not known is left out, and never a zero.
pub fn figures(subject: &Subject) -> Vec<Figure> {
    let figure = |name, value, unit| Figure { name, phase: None, value, unit };
    let (analysis, sessions, verdict) = (subject.analysis, subject.sessions, subject.verdict);
    let mut figures = vec![
        figure("Passed", f64::from(u8::from(verdict.outcome == Outcome::Pass)), Unit::None),
        figure("ExitCode", f64::from(verdict.exit_code), Unit::None),
        figure("OwedArrivals", analysis.generator.arrivals_owed as f64, Unit::Count),
        figure("Relogins", sessions.sessions.asked_to_log_in_again as f64, Unit::Count),
    ];
    let requests = &analysis.requests;
    if requests.count > 0 {
        figures.push(figure("ErrorRate", 100.0 * requests.errors as f64 / requests.count as f64, Unit::Percent));
    }
    // Of several changes of the fleet, the one that came off worst: that is what an alarm is for.
    let survivals = sessions.cohorts.iter().filter_map(|cohort| Some(cohort.survival?.share));
    figures.extend(survivals.reduce(f64::min).map(|share| figure("Survival", 100.0 * share, Unit::Percent)));
    let curves = || sessions.cohorts.iter().filter_map(|cohort| Some(&cohort.adoption.as_ref()?.curve));
    let slowest = |times: &mut dyn Iterator<Item = Option<f64>>| times.flatten().reduce(f64::max);
    let adoption = [
        ("AdoptionTimeP50", slowest(&mut curves().map(|curve| curve.t50_seconds))),
        ("AdoptionTimeP90", slowest(&mut curves().map(|curve| curve.t90_seconds))),
    ];
    figures.extend(adoption.into_iter().filter_map(|(name, time)| Some(figure(name, time?, Unit::Seconds))));
    response_times(&mut figures, "whole run", &requests.response_time);
    if let Some(phases) = &analysis.phases {
        for (phase, times) in [("before", &phases.before), ("during", &phases.during), ("after", &phases.after)] {
            response_times(&mut figures, phase, times);
        }
    }
    figures
}

fn response_times(figures: &mut Vec<Figure>, phase: &'static str, times: &TimeFigures) {
    if times.count == 0 {
        return;
    }
    let quantiles =
        [("ResponseTimeP50", times.p50_ms), ("ResponseTimeP90", times.p90_ms), ("ResponseTimeP99", times.p99_ms)];
    figures.extend(quantiles.map(|(name, value)| Figure { name, phase: Some(phase), value, unit: Unit::Milliseconds }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::fixture::healthy;
    use crate::verdict::fixture::{Run, reject_on_new};

    fn told(run: &Run) -> String {
        let figures = run.told(figures);
        let line = |f: &Figure| {
            let phase = f.phase.map_or(String::new(), |phase| format!(" ({phase})"));
            format!("{}{phase}: {:.3} {:?}", f.name, f.value, f.unit)
        };
        figures.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn of_a_pass() {
        let mut run = Run::good();
        run.events.push(healthy(12.4, "new", "z2"));
        insta::assert_snapshot!(told(&run));
    }

    #[test]
    fn of_lost_sessions() {
        let mut run = Run::good();
        reject_on_new(&mut run);
        let told = told(&run);
        for line in ["Passed: 0.000 None", "ExitCode: 4.000 None", "Survival: 0.000 Percent"] {
            assert!(told.contains(line), "{told}");
        }
    }

    #[test]
    fn what_is_not_known_is_not_there() {
        let mut run = Run::good();
        (run.rows, run.events) = (Vec::new(), Vec::new());
        let told = told(&run);
        for name in ["Survival", "AdoptionTime", "ResponseTime", "ErrorRate"] {
            assert!(!told.contains(name), "{told}");
        }
    }
}
