use super::Chart;
use super::axis::Axis;
use super::palette::{BLUE, Colour, FAINT, GREEN, INK, VERMILLION};
use super::plot::{Plot, XLabels};
use super::sheet::{Key, Sheet, label, left, write};
use crate::compare::{Comparison, Difference, Finding, Unit};

/// Changes shown: findings first, then those of all requests, then as they come.
const MOST: usize = 24;
const ROW: i32 = 24;
/// Room for what was compared, left of the plot's own labels.
const NAMES: i32 = 250;
/// What reaches farther is cut at the edge: one figure that is all chance must not make the others small.
const FARTHEST: f64 = 1.0;

/// What changed, in per cent, with how exactly that is known.
pub(in crate::report) fn comparison(comparison: &Comparison) -> Chart {
    let relative = |d: &&Difference| d.change.is_some() && d.unit != Unit::Share;
    let mut shown: Vec<&Difference> = comparison.differences.iter().filter(relative).collect();
    let found = |d: &Difference| matches!(d.finding, Finding::Regression | Finding::Improvement);
    shown.sort_by_key(|d| (!found(d), !d.what.ends_with(" of all requests")));
    let all = shown.len();
    shown.truncate(MOST);
    let ends = shown.iter().flat_map(|d| [d.change, d.low, d.high]).flatten();
    let most = ends.map(f64::abs).fold(0.05, f64::max).min(FARTHEST);
    let mut legend = vec![
        Key::dot("worse", VERMILLION),
        Key::dot("better", GREEN),
        Key::dot("no finding", BLUE),
        Key::line("interval", FAINT),
    ];
    if all > MOST {
        legend.push(Key::remark(format!("{MOST} of {all} are shown")));
    }
    let told = |d: &&Difference| format!("{} {:+.0} %", label(&d.what), 100.0 * d.change.unwrap_or_default());
    let sheet = Sheet {
        name: "comparison",
        title: format!("{}: change since {}", comparison.outcome.words(), label(&comparison.base.run_id)),
        description: shown.iter().map(told).collect::<Vec<_>>().join("; "),
        height: ROW * shown.len().max(1) as i32 + 56,
        legend,
    };
    sheet.draw(|area| {
        let x = Axis::changes("change since the base run", most);
        let (names, plots) = area.split_horizontally(NAMES);
        let plot = Plot::new(&plots, x, Axis::rows(shown.len().max(1)), XLabels::Shown);
        plot.upright(0.0, INK, 0.8);
        let base = names.get_base_pixel();
        for (index, difference) in shown.iter().enumerate() {
            let middle = (shown.len() - index) as f64 - 0.5;
            let within = |change: f64| change.clamp(-most, most);
            if let (Some(low), Some(high)) = (difference.low, difference.high) {
                plot.line(&[(within(low), Some(middle)), (within(high), Some(middle))], FAINT, 2);
            }
            plot.dot(within(difference.change.unwrap_or_default()), middle, colour(difference.finding));
            let (_, y) = plot.pixel(0.0, middle);
            write(&names, &name(difference), (16, y - base.1), left(11, INK));
        }
        None
    })
}

/// A longer name than elsewhere: it says what was compared.
fn name(difference: &Difference) -> String {
    difference.what.split(' ').map(label).collect::<Vec<_>>().join(" ").chars().take(48).collect()
}

fn colour(finding: Finding) -> Colour {
    match finding {
        Finding::Regression => VERMILLION,
        Finding::Improvement => GREEN,
        Finding::Unchanged | Finding::NotJudged => BLUE,
    }
}
