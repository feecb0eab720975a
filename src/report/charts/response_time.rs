use super::Chart;
use super::axis::{Axis, milliseconds};
use super::palette::{BLUE, Colour, GREEN, ORANGE, SHADE, VERMILLION};
use super::plot::Plot;
use super::sheet::{Key, Sheet};
use super::time_frame::{TimeFrame, series};
use crate::analysis::{ColumnFigures, SecondFigures};
use crate::report::Subject;

type Quantile = (&'static str, Colour, fn(&SecondFigures) -> f64);

const QUANTILES: [Quantile; 4] = [
    ("p50", BLUE, |f| f.p50_ms),
    ("p90", GREEN, |f| f.p90_ms),
    ("p99", ORANGE, |f| f.p99_ms),
    ("p99.9", VERMILLION, |f| f.p999_ms),
];

/// Quantiles over a heat map of all requests.
pub(super) fn chart(subject: &Subject) -> Option<Chart> {
    let frame = TimeFrame::new(subject);
    let whole = subject.analysis.requests.response_time;
    if frame.columns().iter().all(|c| c.figures.requests == 0) {
        return None;
    }
    let lines = QUANTILES.map(|(name, colour, of)| {
        let value = |c: &ColumnFigures| (c.figures.requests > 0).then(|| of(&c.figures));
        (name, colour, frame.columns().iter().map(value).collect::<Vec<_>>())
    });
    let height = frame.height(&[PLOT]);
    let mut legend: Vec<Key> = lines.iter().map(|(name, colour, _)| Key::line(*name, *colour)).collect();
    legend.push(Key::field("all requests: the stronger, the more", SHADE, 0.5));
    legend.extend(frame.key());
    let sheet = Sheet {
        name: "response-time",
        title: format!(
            "Response time, from when each request was due: p50 {}, p99 {} over the run",
            milliseconds(whole.p50_ms),
            milliseconds(whole.p99_ms)
        ),
        description: format!(
            "Quantiles of response time over the run, on a logarithmic scale, above a heat map of all {} requests. \
             Whole run: p50 {}, p90 {}, p99 {}, p99.9 {}, slowest {}",
            whole.count,
            milliseconds(whole.p50_ms),
            milliseconds(whole.p90_ms),
            milliseconds(whole.p99_ms),
            milliseconds(whole.p999_ms),
            milliseconds(whole.max_ms)
        ),
        height,
        legend,
    };
    Some(sheet.draw(|area| {
        let edges = frame.columns().iter().flat_map(|c| {
            let (first, last) = (c.bins.first(), c.bins.last());
            [first.map(|b| ColumnFigures::bin_from_ms(b.0)), last.map(|b| ColumnFigures::bin_from_ms(b.0 + 1))]
        });
        let y = Axis::milliseconds(format!("response time in {}", each(&frame)), edges.flatten());
        let plots = frame.plots(area, vec![(y, PLOT)]);
        let plot = &plots[0].0;
        heat_map(plot, &frame);
        for (_, colour, values) in &lines {
            plot.line(&frame.points(values), *colour, 2);
        }
        let told = lines.map(|(name, _, values)| series(name, "ms", values)).to_vec();
        frame.time_axis(&plots, told)
    }))
}

const PLOT: i32 = 360;

/// What a point of a line stands for.
pub(super) fn each(frame: &TimeFrame) -> String {
    match frame.seconds_each() {
        1.0 => "each second".to_owned(),
        seconds if seconds % 60.0 == 0.0 && seconds > 60.0 => format!("each {} min", seconds / 60.0),
        seconds => format!("each {seconds} s"),
    }
}

/// Shades that are told apart; each stands for about three times as many requests as the one before.
const SHADES: [f64; 5] = [0.07, 0.14, 0.24, 0.38, 0.55];

fn heat_map(plot: &Plot, frame: &TimeFrame) {
    let most = frame.columns().iter().flat_map(|c| &c.bins).map(|b| b.1).max().unwrap_or(1) as f64;
    let shade = |count: u64| {
        let below = (most / count.max(1) as f64).log(3.0).floor() as usize;
        SHADES.len() - 1 - below.min(SHADES.len() - 1)
    };
    // Neighbours of one shade are drawn as one: a day's chart stays small.
    let mut open: std::collections::BTreeMap<u16, (f64, usize)> = std::collections::BTreeMap::new();
    let draw = |bin: u16, (from, shade): (f64, usize), to: f64| {
        let edges = ColumnFigures::bin_from_ms(bin)..ColumnFigures::bin_from_ms(bin + 1);
        plot.rectangle(from..to, edges, SHADE, SHADES[shade]);
    };
    for (index, column) in frame.columns().iter().enumerate() {
        let x = index as f64 * frame.seconds_each();
        let here: std::collections::BTreeMap<u16, usize> =
            column.bins.iter().map(|(bin, n)| (*bin, shade(*n))).collect();
        open.retain(|bin, run| {
            let goes_on = here.get(bin) == Some(&run.1);
            if !goes_on {
                draw(*bin, *run, x);
            }
            goes_on
        });
        for (bin, shade) in here {
            open.entry(bin).or_insert((x, shade));
        }
    }
    for (bin, run) in open {
        draw(bin, run, frame.until());
    }
}
