use super::Chart;
use super::axis::{Axis, milliseconds};
use super::palette::{BLUE, Colour, GREEN, VERMILLION};
use super::plot::{Plot, XLabels};
use super::sheet::{Key, Sheet, label};
use crate::analysis::{DistributionPoint, TimeFigures};
use crate::report::Subject;

struct Phase<'a> {
    name: String,
    colour: Colour,
    figures: TimeFigures,
    points: &'a [DistributionPoint],
}

/// Response time by phase on a percentile axis, as HdrHistogram users know it.
pub(super) fn chart(subject: &Subject) -> Option<Chart> {
    let analysis = subject.analysis;
    let phases: Vec<Phase> = match &analysis.phases {
        Some(p) => {
            let change = label(&p.change.name);
            let phase = |name: String, colour, figures, points| Phase { name, colour, figures, points };
            vec![
                phase(format!("before {change}"), BLUE, p.before, &p.distribution.before),
                phase(
                    format!("during ({}–{} s)", p.during_from_second, p.during_to_second),
                    VERMILLION,
                    p.during,
                    &p.distribution.during,
                ),
                phase("after".to_owned(), GREEN, p.after, &p.distribution.after),
            ]
        }
        None => vec![Phase {
            name: "whole run".to_owned(),
            colour: BLUE,
            figures: analysis.requests.response_time,
            points: &analysis.distribution,
        }],
    };
    let phases: Vec<Phase> = phases.into_iter().filter(|p| p.figures.count > 0).collect();
    let most = phases.iter().map(|p| p.figures.count).max()?;
    let told = |p: &Phase| {
        format!(
            "{}: {} requests, p50 {}, p99 {}",
            p.name,
            p.figures.count,
            milliseconds(p.figures.p50_ms),
            milliseconds(p.figures.p99_ms)
        )
    };
    let title = match &analysis.phases {
        Some(p) => format!("Response time before, during and after {}, by percentile", label(&p.change.name)),
        None => "Response time of the whole run, by percentile".to_owned(),
    };
    let sheet = Sheet {
        name: "distribution",
        title,
        description: format!(
            "Response time by percentile, each further nine as far from the one before. {}",
            phases.iter().map(told).collect::<Vec<_>>().join("; ")
        ),
        height: PLOT,
        legend: phases.iter().map(|p| Key::line(told(p), p.colour)).collect(),
    };
    Some(sheet.draw(|area| {
        let times = phases.iter().flat_map(|p| p.points).map(|point| point.response_time_ms);
        let x = Axis::percentiles("share of requests that were no slower", most);
        let y = Axis::milliseconds("response time", times);
        let plot = Plot::new(area, x, y, XLabels::Shown);
        for phase in &phases {
            // A phase's line ends at the rank of its slowest request: beyond it nothing is known.
            let last = 1.0 - 0.5 / phase.figures.count as f64;
            let points: Vec<_> =
                phase.points.iter().map(|p| (p.quantile.min(last), Some(p.response_time_ms))).collect();
            plot.line(&points, phase.colour, 2);
        }
        None
    }))
}

const PLOT: i32 = 360;
