use super::Chart;
use super::axis::Axis;
use super::palette::{BLUE, FAINT, GREEN, VERMILLION};
use super::plot::{Plot, XLabels};
use super::sheet::{Key, Sheet, label};
use crate::compare::{Finding, Series, Trend, Unit};

/// Series shown: those that changed first.
const MOST: usize = 8;
const PLOT: i32 = 150;

/// Figures over the runs of a series, and where they changed.
pub(in crate::report) fn trend(trend: &Trend) -> Chart {
    let mut shown: Vec<&Series> = trend.series.iter().collect();
    shown.sort_by_key(|series| series.change_points.is_empty());
    let all = shown.len();
    shown.truncate(MOST);
    let mut legend = vec![
        Key::dot("figure of a run", BLUE),
        Key::line("changed for the worse", VERMILLION),
        Key::line("changed for the better", GREEN),
        Key::line("level on either side", FAINT),
    ];
    if all > MOST {
        legend.push(Key::remark(format!("{MOST} of {all} series are shown")));
    }
    let told = |series: &&Series| format!("{}: {} change points", label(&series.what), series.change_points.len());
    let sheet = Sheet {
        name: "trend",
        title: format!("{}: {} runs and where they changed", label(&trend.profile), trend.runs.len()),
        description: shown.iter().map(told).collect::<Vec<_>>().join("; "),
        height: PLOT * shown.len().max(1) as i32,
        legend,
    };
    sheet.draw(|area| {
        for (index, (series, place)) in shown.iter().zip(area.split_evenly((shown.len().max(1), 1))).enumerate() {
            let unit = match series.unit {
                Unit::Milliseconds => "ms",
                Unit::Seconds => "s",
                _ => "share",
            };
            // Room above for what it is.
            let most = 1.25 * series.values.iter().copied().fold(0.0, f64::max);
            let labels = if index + 1 == shown.len() { XLabels::Shown } else { XLabels::Left };
            let plot = Plot::new(&place, Axis::runs(series.values.len()), Axis::amounts(unit, most), labels);
            draw(&plot, series);
            plot.corner(&place, &series.what.split(' ').map(label).collect::<Vec<_>>().join(" "));
        }
        None
    })
}

fn draw(plot: &Plot, series: &Series) {
    let mut from = -0.5;
    for (place, point) in series.change_points.iter().enumerate() {
        let at = point.index as f64 - 0.5;
        let (colour, opacity) = match point.finding {
            Finding::Regression => (VERMILLION, 1.0),
            Finding::Improvement => (GREEN, 1.0),
            Finding::Unchanged | Finding::NotJudged => (FAINT, 0.6),
        };
        plot.upright(at, colour, opacity);
        plot.line(&[(from, Some(point.before)), (at, Some(point.before))], FAINT, 2);
        if place + 1 == series.change_points.len() {
            plot.line(&[(at, Some(point.after)), (series.values.len() as f64 - 0.5, Some(point.after))], FAINT, 2);
        }
        from = at;
    }
    for (run, value) in series.values.iter().enumerate() {
        plot.dot(run as f64, *value, BLUE);
    }
}
