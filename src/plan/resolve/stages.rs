//! A curve from its text: stages, or rows of CSV.

use crate::plan::{Curve, Model, Point};
use crate::profile::{Rate, Span, plain_number};

/// A year.
const LONGEST_SECONDS: f64 = 366.0 * 86_400.0;
/// More than any machine can send.
const HIGHEST_RATE: f64 = 1e9;

/// A stretch of the curve: linear from one value to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Stage {
    pub from: f64,
    pub to: f64,
    pub seconds: f64,
}

pub(super) fn help(model: Model) -> &'static str {
    match model {
        Model::Users => "write `0 -> 50 over 10s` or `50 for 2m`",
        Model::Sessions | Model::Arrivals => "write `5/s -> 40/s over 60s` or `40/s for 2m`",
    }
}

/// Reads `A -> B over TIME` or `A for TIME`.
pub(super) fn parse(text: &str, model: Model) -> Result<Stage, String> {
    let text = text.replace('→', "->");
    let (values, time) = match text.split_once(" over ").or_else(|| text.split_once(" for ")) {
        Some((values, time)) => (values, time),
        None => return Err("the stage does not say how long it lasts".to_owned()),
    };
    let seconds = time.parse::<Span>().map_err(|e| e.to_string())?.0.as_secs_f64();
    if seconds == 0.0 {
        return Err("the stage lasts no time".to_owned());
    }
    let ramp = text.contains(" over ");
    match (values.split_once("->"), ramp) {
        (Some((from, to)), true) => Ok(Stage { from: value(from, model)?, to: value(to, model)?, seconds }),
        (None, false) => value(values, model).map(|value| Stage { from: value, to: value, seconds }),
        (Some(_), false) => Err("a ramp goes `over` a time".to_owned()),
        (None, true) => Err("a plateau holds `for` a time".to_owned()),
    }
}

fn value(text: &str, model: Model) -> Result<f64, String> {
    match model {
        Model::Sessions | Model::Arrivals => match text.parse::<Rate>() {
            Ok(rate) if rate.0 <= HIGHEST_RATE => Ok(rate.0),
            Ok(_) => Err(format!("`{}` is more than any machine can send", text.trim())),
            Err(error) => Err(error.to_string()),
        },
        Model::Users => match plain_number(text) {
            Some(number) if (0.0..=HIGHEST_RATE).contains(&number) && number.fract() == 0.0 => Ok(number),
            Some(_) => Err(format!("`{}` is not a number of users", text.trim())),
            None if text.contains('/') => {
                Err(format!("`{}` is a rate; the model `users` has numbers of users", text.trim()))
            }
            None => Err(format!("`{}` is not a number of users", text.trim())),
        },
    }
}

/// Stages one after the other. Where one does not begin at the value at which the one before ended, the curve steps.
pub(super) fn curve(stages: &[Stage]) -> Curve {
    let mut points: Vec<Point> = Vec::new();
    let mut at_seconds = 0.0;
    for stage in stages {
        if points.last().is_none_or(|last| last.value != stage.from) {
            points.push(Point { at_seconds, value: stage.from });
        }
        at_seconds += stage.seconds;
        points.push(Point { at_seconds, value: stage.to });
    }
    Curve { points }
}

/// A curve from CSV with a header row, its first row being time 0. An error names the line.
pub(super) fn from_csv(text: &str) -> Result<Curve, String> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).comment(Some(b'#')).from_reader(text.as_bytes());
    let headers = reader.headers().map_err(|e| e.to_string())?.clone();
    let column = |names: [&str; 2]| headers.iter().position(|h| names.contains(&h));
    let (Some(time), Some(rate)) = (column(["seconds", "time"]), column(["rate", "users"])) else {
        return Err("the header row must name the columns `seconds` (or `time`) and `rate`".to_owned());
    };
    let mut points: Vec<Point> = Vec::new();
    for row in reader.records() {
        let row = row.map_err(|e| e.to_string())?;
        let line = row.position().map_or(0, |p| p.line());
        let cell = |at: usize| row.get(at).unwrap_or_default();
        let at_seconds =
            time_of_day(cell(time)).ok_or_else(|| format!("line {line}: `{}` is not a time", cell(time)))?;
        let value = plain_number(cell(rate))
            .filter(|value| (0.0..=HIGHEST_RATE).contains(value))
            .ok_or_else(|| format!("line {line}: `{}` is not a rate", cell(rate)))?;
        if points.last().is_some_and(|last| last.at_seconds > at_seconds) {
            return Err(format!("line {line}: the time goes back"));
        }
        points.push(Point { at_seconds, value });
    }
    let start = points.first().map_or(0.0, |first| first.at_seconds);
    points.iter_mut().for_each(|point| point.at_seconds -= start);
    Ok(Curve { points })
}

/// Seconds: a plain number, `HH:MM` or `HH:MM:SS`.
fn time_of_day(text: &str) -> Option<f64> {
    let parts: Option<Vec<f64>> = text.split(':').map(|part| plain_number(part).filter(|n| *n >= 0.0)).collect();
    let seconds = match parts?.as_slice() {
        [seconds] => *seconds,
        [hours, minutes] => hours * 3600.0 + minutes * 60.0,
        [hours, minutes, seconds] => hours * 3600.0 + minutes * 60.0 + seconds,
        _ => return None,
    };
    Some(seconds).filter(|seconds| *seconds <= LONGEST_SECONDS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{ArrivalPattern, Arrivals, Workload};
    use proptest::prelude::*;
    use std::time::Duration;

    #[test]
    fn stages_are_read() {
        let table = [
            ("5/s -> 40/s over 60s", Model::Sessions, (5.0, 40.0, 60.0)),
            ("5/s → 40/s over 1m", Model::Sessions, (5.0, 40.0, 60.0)),
            ("120/min for 5m", Model::Arrivals, (2.0, 2.0, 300.0)),
            ("0 -> 50 over 10s", Model::Users, (0.0, 50.0, 10.0)),
            ("50 for 250ms", Model::Users, (50.0, 50.0, 0.25)),
        ];
        for (text, model, (from, to, seconds)) in table {
            assert_eq!(parse(text, model), Ok(Stage { from, to, seconds }), "{text}");
        }
    }

    #[test]
    fn impossible_stages_are_refused() {
        let table = [
            ("40/s", Model::Sessions, "how long"),
            ("40/s for 0s", Model::Sessions, "no time"),
            ("-4/s for 5s", Model::Sessions, "negative"),
            ("4 for 5s", Model::Sessions, "not a rate"),
            ("4/s -> 5/s for 5s", Model::Sessions, "`over`"),
            ("4/s over 5s", Model::Sessions, "`for`"),
            ("4/s for ever", Model::Sessions, "not a time"),
            ("99999999999/s for 5s", Model::Sessions, "more than any machine"),
            ("4/s for 5s", Model::Users, "is a rate"),
            ("1.5 for 5s", Model::Users, "not a number of users"),
        ];
        for (text, model, message) in table {
            let error = parse(text, model).unwrap_err();
            assert!(error.contains(message), "{text}: {error}");
        }
    }

    #[test]
    fn a_production_day_is_read() {
        let curve = from_csv("time,rate\n# night\n18:00,2\n18:30, 4.5\n19:00:30,0\n").unwrap();
        let points: Vec<(f64, f64)> = curve.points.iter().map(|p| (p.at_seconds, p.value)).collect();
        assert_eq!(points, [(0.0, 2.0), (1800.0, 4.5), (3630.0, 0.0)]);
        for (text, message) in [
            ("a,b\n1,2\n", "header row"),
            ("seconds,rate\n1,x\n", "line 2: `x`"),
            ("seconds,rate\n1,1\n0,1\n", "line 3: the time goes back"),
            ("seconds,rate\n1,-1\n", "line 2"),
            ("seconds,rate\nsoon,1\n", "not a time"),
            ("seconds,rate\n99999999999999999999999,1\n", "not a time"),
        ] {
            assert!(from_csv(text).unwrap_err().contains(message), "{text}");
        }
    }

    fn stages() -> impl Strategy<Value = Vec<Stage>> {
        let stage = (0u32..200, 0u32..200, 1u32..120, any::<bool>()).prop_map(|(from, to, seconds, flat)| Stage {
            from: f64::from(from),
            to: f64::from(if flat { from } else { to }),
            seconds: f64::from(seconds),
        });
        prop::collection::vec(stage, 1..6)
    }

    fn workload(curve: Curve, arrivals: ArrivalPattern, seed: u64) -> Workload {
        let (model, grace) = (Model::Sessions, Duration::ZERO);
        Workload { model, curve, arrivals, seed, max_sessions: 1, grace }
    }

    #[test]
    fn an_arrival_due_at_a_step_down_to_nothing_is_due_at_the_step() {
        let falling = Stage { from: 137.0, to: 8.0, seconds: 15.0 };
        let anew = Stage { from: 0.0, to: 1.0, seconds: 1.0 };
        let workload = workload(curve(&[falling, anew]), ArrivalPattern::Even, 1);
        assert_eq!(Arrivals::new(&workload).last(), Some((1087, 15.0)));
    }

    proptest! {
        #[test]
        fn a_stage_is_read_as_it_is_written(from in 0u32..1000, to in 0u32..1000, seconds in 1u32..100_000) {
            let text = format!("{from}/s -> {to}/s over {seconds}s");
            let stage = Stage { from: f64::from(from), to: f64::from(to), seconds: f64::from(seconds) };
            prop_assert_eq!(parse(&text, Model::Sessions), Ok(stage));
        }

        #[test]
        fn a_curve_has_the_area_and_length_of_its_stages(stages in stages()) {
            let curve = curve(&stages);
            let area: f64 = stages.iter().map(|s| (s.from + s.to) / 2.0 * s.seconds).sum();
            prop_assert!((curve.total() - area).abs() < 1e-6 * area.max(1.0));
            let seconds: f64 = stages.iter().map(|s| s.seconds).sum();
            prop_assert!((curve.duration().as_secs_f64() - seconds).abs() < 1e-6);
            prop_assert!(curve.points.windows(2).all(|w| w[0].at_seconds <= w[1].at_seconds));
        }

        /// Arrival k of even spacing is due where the area before it is k + ½: the inverse of the area.
        #[test]
        fn even_arrivals_invert_the_area(stages in stages()) {
            let workload = workload(curve(&stages), ArrivalPattern::Even, 1);
            let mut last = 0.0;
            let mut count = 0u64;
            for (number, at) in Arrivals::new(&workload) {
                prop_assert_eq!(number, count);
                prop_assert!(at >= last);
                prop_assert!((workload.curve.area_until(at) - (number as f64 + 0.5)).abs() < 1e-5);
                (last, count) = (at, count + 1);
            }
            prop_assert!((count as f64 - workload.curve.total()).abs() <= 0.5 + 1e-6);
        }

        /// A Poisson count lies within 6 standard deviations of its mean but once in 10⁹.
        #[test]
        fn poisson_arrivals_number_about_the_area(stages in stages(), seed in any::<u64>()) {
            let workload = workload(curve(&stages), ArrivalPattern::Poisson, seed);
            let due: Vec<f64> = Arrivals::new(&workload).map(|(_, at)| at).collect();
            let mean = workload.curve.total();
            prop_assert!((due.len() as f64 - mean).abs() <= 6.0 * mean.sqrt() + 12.0);
            prop_assert!(due.windows(2).all(|w| w[0] <= w[1]));
        }

        #[test]
        fn compressing_keeps_values_and_shrinks_time(stages in stages(), factor in 1u32..20) {
            let curve = curve(&stages);
            let fast = curve.compressed(f64::from(factor));
            prop_assert_eq!(fast.peak(), curve.peak());
            let want = curve.total() / f64::from(factor);
            prop_assert!((fast.total() - want).abs() < 1e-6 * want.max(1.0));
        }
    }
}
