use super::Chart;
use super::axis::{Axis, amount};
use super::palette::CYCLE;
use super::sheet::{Key, Sheet, label};
use super::time_frame::{TimeFrame, greatest, series};
use crate::history::{MetricOf, MetricSeries};
use crate::report::Subject;

/// Lines in one plot: as many as can be told apart.
const MOST_LINES: usize = CYCLE.len();
const HEIGHT: i32 = 150;

/// What CloudWatch has of a part of the fleet. Drawn by the minute, as it is known, and beside the run's own figures.
pub(super) fn chart(subject: &Subject, of: MetricOf) -> Option<Chart> {
    let frame = TimeFrame::new(subject);
    let mut lines: Vec<Line> =
        subject.cloudwatch?.series.iter().filter(|s| s.of == of).filter_map(|s| Line::new(&frame, s)).collect();
    if lines.is_empty() || frame.columns().is_empty() {
        return None;
    }
    // There may be more than can be told apart, and what went wrong must not be among those left out.
    lines.sort_by_key(|line| !line.is_error);
    let plots: Vec<(Shown, Vec<&Line>)> = Shown::ALL
        .into_iter()
        .map(|shown| (shown, lines.iter().filter(|line| line.shown == shown).take(MOST_LINES).collect::<Vec<_>>()))
        .filter(|(_, lines)| !lines.is_empty())
        .collect();
    let shown: usize = plots.iter().map(|(_, lines)| lines.len()).sum();
    let drawn = || plots.iter().flat_map(|(_, lines)| lines.iter().zip(CYCLE));
    let mut legend: Vec<Key> = drawn().map(|(line, colour)| Key::line(line.name.clone(), colour)).collect();
    legend.push(Key::remark("by CloudWatch's own measure, a value a minute; its percentiles are not the run's"));
    if shown < lines.len() {
        legend.push(Key::remark(format!("{shown} of {} series are shown, errors first", lines.len())));
    }
    if lines.iter().any(|line| line.partial) {
        legend.push(Key::remark("partial: CloudWatch had not all values yet when it was asked"));
    }
    legend.extend(frame.key());
    let (name, part) = match of {
        MetricOf::Balancer => ("cloudwatch-balancer", "the balancer"),
        MetricOf::Group => ("cloudwatch-group", "the Auto Scaling group"),
        MetricOf::Store => ("cloudwatch-store", "the store"),
    };
    let told: Vec<String> =
        drawn().map(|(line, _)| format!("{} at most {}", line.name, amount(greatest(&line.values)))).collect();
    let sheet = Sheet {
        name,
        title: format!("CloudWatch on {part}"),
        description: format!("What CloudWatch has of {part} over the run, a value a minute: {}", told.join(", ")),
        height: frame.height(&vec![HEIGHT; plots.len()]),
        legend,
    };
    Some(sheet.draw(|area| {
        let most = |lines: &[&Line]| lines.iter().map(|line| greatest(&line.values)).fold(0.0, f64::max);
        let axes = plots.iter().map(|(shown, lines)| (Axis::amounts(shown.words(), most(lines)), HEIGHT)).collect();
        let areas = frame.plots(area, axes);
        for ((plot, _), (_, lines)) in areas.iter().zip(&plots) {
            for (line, colour) in lines.iter().zip(CYCLE) {
                plot.line(&frame.points(&line.values), colour, 2);
            }
        }
        frame.time_axis(
            &areas,
            drawn().map(|(line, _)| series(line.name.clone(), line.shown.unit(), line.values.clone())).collect(),
        )
    }))
}

/// Units that values are shown in, each with a plot of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    PerSecond,
    Milliseconds,
    Percent,
    Number,
}

impl Shown {
    const ALL: [Shown; 4] = [Shown::PerSecond, Shown::Milliseconds, Shown::Percent, Shown::Number];

    fn words(self) -> &'static str {
        match self {
            Shown::PerSecond => "per second",
            Shown::Milliseconds => "ms",
            Shown::Percent => "%",
            Shown::Number => "number",
        }
    }

    fn unit(self) -> &'static str {
        match self {
            Shown::PerSecond => "/s",
            Shown::Number => "",
            other => other.words(),
        }
    }

    /// How a series is shown, and what its values are multiplied by for it.
    fn of(series: &MetricSeries) -> (Shown, f64) {
        match (series.statistic.as_str(), series.unit.as_str()) {
            ("Sum", _) => (Shown::PerSecond, 1.0 / f64::from(series.period_seconds.max(1))),
            (_, "Seconds") => (Shown::Milliseconds, 1e3),
            (_, "Milliseconds") => (Shown::Milliseconds, 1.0),
            (_, "Percent") => (Shown::Percent, 1.0),
            _ => (Shown::Number, 1.0),
        }
    }
}

struct Line {
    name: String,
    shown: Shown,
    is_error: bool,
    partial: bool,
    /// Of each column.
    values: Vec<Option<f64>>,
}

impl Line {
    /// None where there is nothing to see: no value in the run's time, or zero throughout for what is counted.
    fn new(frame: &TimeFrame, series: &MetricSeries) -> Option<Line> {
        let (shown, factor) = Shown::of(series);
        let values = frame.values_at(|at| {
            let after = series.points.partition_point(|point| point.at_us <= at);
            let point = series.points[..after].last()?;
            let within = at.since(point.at_us).as_secs() < u64::from(series.period_seconds);
            within.then_some(point.value * factor).filter(|value| value.is_finite())
        });
        let seen = values.iter().flatten().any(|value| shown != Shown::PerSecond || *value > 0.0);
        let resource = series.resource.rsplit('/').nth(1).unwrap_or(&series.resource);
        let partial = if series.complete { "" } else { " (partial)" };
        let name = format!("{} {} of {}{partial}", plain(&series.metric), plain(&series.statistic), label(resource));
        let is_error = ERRORS.iter().any(|part| series.metric.contains(part));
        seen.then_some(Line { name, shown, is_error, partial: !series.complete, values })
    }
}

/// What the names of metrics have in them that count what went wrong.
const ERRORS: [&str; 6] = ["5XX", "4XX", "Error", "Rejected", "UnHealthy", "Throttle"];

/// A name of CloudWatch's, which is not to be cut short.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_graphic).collect()
}
