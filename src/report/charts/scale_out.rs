use super::Chart;
use super::axis::{Axis, milliseconds};
use super::palette::{BACKGROUND, BLUE, Colour, FAINT, GREEN, INK, ORANGE, PURPLE, SHADE, SKY, VERMILLION};
use super::plot::{Plot, XLabels};
use super::sheet::{Area, Key, Sheet, drawn, label, left, text_width, write};
use crate::analysis::{InstanceStages, Stamp};
use crate::history::Offset;
use crate::report::Subject;
use plotters::prelude::*;
use std::collections::BTreeMap;

type Stage = (&'static str, &'static str, Colour, fn(&InstanceStages) -> &Stamp);

/// From each to the next known one goes a bar, in the colour of the one it ends at.
const STAGES: [Stage; 9] = [
    ("t0", "load exceeds capacity", SHADE, |s| &s.t0_load_exceeds_capacity),
    ("t2", "alarm", VERMILLION, |s| &s.t2_alarm),
    ("t3", "activity", ORANGE, |s| &s.t3_activity),
    ("t4", "launched", PURPLE, |s| &s.t4_launched),
    ("t5", "in service", SKY, |s| &s.t5_in_service),
    ("t6", "healthy", BLUE, |s| &s.t6_healthy),
    ("t7", "first response", GREEN, |s| &s.t7_first_response),
    ("t8", "first adoption", INK, |s| &s.t8_first_adoption),
    ("t9", "fair share", SHADE, |s| &s.t9_fair_share),
];

/// Told by diamonds below the bars: they are of the whole fleet.
const OBJECTIVE: [Stage; 2] = [
    ("t1", "objective first broken", VERMILLION, |s| &s.t1_objective_broken),
    ("t10", "objective holds again", GREEN, |s| &s.t10_objective_holds),
];

const MOST: usize = 16;
const ROW: i32 = 50;

/// The way of each new instance from too much load to its share of it.
pub(super) fn chart(subject: &Subject) -> Option<Chart> {
    let all = &subject.analysis.stages;
    let shown = &all[..all.len().min(MOST)];
    let start = subject.analysis.load_start_us;
    let second = |at: Offset| (at.0 - start.0) as f64 / 1e6;
    let stamps = |s: &InstanceStages| -> Vec<f64> {
        STAGES.iter().chain(&OBJECTIVE).filter_map(|(.., of)| Some(second(of(s).at()?))).collect()
    };
    let times: Vec<f64> = shown.iter().flat_map(stamps).collect();
    let first = times.iter().copied().reduce(f64::min)?;
    let last = times.iter().copied().fold(first, f64::max);
    let legend = STAGES.iter().chain(&OBJECTIVE).map(|stage| key(stage, shown)).collect();
    let took: Vec<f64> =
        shown.iter().filter_map(|s| Some(second(s.t7_first_response.at()?) - second(s.t4_launched.at()?))).collect();
    let took = took.iter().copied().fold(None, |most: Option<f64>, t| Some(most.map_or(t, |m| m.max(t))));
    let took = took.map_or(String::new(), |t| format!(", first response at most {t:.1} s after launch"));
    let sheet = Sheet {
        name: "scale-out",
        title: format!(
            "Scale-out in stages: {} new {}{took}",
            all.len(),
            if all.len() == 1 { "instance" } else { "instances" }
        ),
        description: format!(
            "A bar for each new instance over the run's time, from stage to stage. {}",
            told(shown, second)
        ),
        height: ROW * shown.len() as i32 + 56,
        legend: [legend, remarks(all.len())].concat(),
    };
    Some(sheet.draw(|area| {
        let margin = ((last - first) * 0.04).max(0.5);
        // Rows are counted from the top; the axis counts from the bottom.
        let rows = Axis::rows(shown.len());
        let plot = Plot::new(area, Axis::time(first - margin, last + margin), rows, XLabels::Shown);
        for (index, stages) in shown.iter().enumerate() {
            draw_row(&plot, area, stages, (shown.len() - index) as f64 - 0.5, &second);
        }
        None
    }))
}

fn remarks(count: usize) -> Vec<Key> {
    if count > MOST { vec![Key::remark(format!("the first {MOST} of {count} are shown"))] } else { Vec::new() }
}

/// The stage, and who says when it was, how exactly; or that nobody does.
fn key((number, name, colour, of): &Stage, shown: &[InstanceStages]) -> Key {
    let mut sources: BTreeMap<&str, u64> = BTreeMap::new();
    for stages in shown {
        if let Stamp::At { source, resolution_us, .. } = of(stages) {
            // What is told from rows names its objective, too.
            let source = source.split(':').next().unwrap_or_default();
            let coarsest = sources.entry(source).or_default();
            *coarsest = (*coarsest).max(*resolution_us);
        }
    }
    let told = |(source, us): (&&str, &u64)| match us {
        0..1000 => label(source),
        us => format!("{} ±{}", label(source), milliseconds(*us as f64 / 1e3)),
    };
    let told: Vec<String> = sources.iter().map(told).collect();
    match told.is_empty() {
        true => Key::remark(format!("{number} {name}: not known")),
        false => Key::dot(format!("{number} {name} ({})", told.join(", ")), *colour),
    }
}

fn draw_row(plot: &Plot, area: &Area, stages: &InstanceStages, middle: f64, second: &impl Fn(Offset) -> f64) {
    let known: Vec<(&Stage, f64)> =
        STAGES.iter().filter_map(|stage| Some((stage, second(stage.3(stages).at()?)))).collect();
    for pair in known.windows(2) {
        let ((_, from), (to, until)) = (pair[0], pair[1]);
        if until > from {
            plot.rectangle(from..until, middle - 0.14..middle + 0.14, to.2, 0.35);
            let took = format!("{:.1} s", until - from);
            if plot.pixel(until, middle).0 - plot.pixel(from, middle).0 > text_width(&took, 11) + 8 {
                plot.note(area, &took, (from + until) / 2.0, middle, 11, if to.2 == INK { BACKGROUND } else { INK });
            }
        }
    }
    let base = area.get_base_pixel();
    let at = |x: f64, y: f64| {
        let (px, py) = plot.pixel(x, y);
        (px - base.0, py - base.1)
    };
    let name = label(&stages.instance);
    let (_, y) = at(0.0, middle);
    let short: String = if name.chars().count() > 11 { name.chars().take(10).chain(['…']).collect() } else { name };
    write(area, &short, (8, y), left(11, INK));
    for ((_, _, colour, _), time) in &known {
        let (x, y) = at(*time, middle);
        drawn(area.draw(&Rectangle::new([(x - 1, y - 9), (x + 1, y + 9)], colour.filled())));
    }
    let ticks: Vec<(&'static str, i32)> =
        known.iter().map(|((number, ..), time)| (*number, at(*time, middle).0)).collect();
    for (text, x) in tick_labels(ticks) {
        write(area, &text, (x, y - 16), left(10, FAINT));
    }
    for (number, _, colour, of) in &OBJECTIVE {
        if let Some(time) = of(stages).at() {
            let (x, y) = at(second(time), middle);
            let diamond = vec![(x, y + 10), (x + 5, y + 15), (x, y + 20), (x - 5, y + 15)];
            drawn(area.draw(&Polygon::new(diamond, colour.mix(1.0))));
            write(area, number, (x + 8, y + 15), left(10, FAINT));
        }
    }
}

/// Stages so near to each other that their labels would touch are labelled as one, `t6–t9`.
fn tick_labels(mut ticks: Vec<(&'static str, i32)>) -> Vec<(String, i32)> {
    ticks.sort_by_key(|(_, x)| *x);
    let mut groups: Vec<(i32, Vec<&str>)> = Vec::new();
    for (number, x) in ticks {
        match groups.last_mut() {
            Some((from, group)) if x < *from + text_width("t0–t0", 10) + 4 => group.push(number),
            _ => groups.push((x, vec![number])),
        }
    }
    let text = |(x, group): (i32, Vec<&str>)| match group[..] {
        [one] => (one.to_owned(), x - 4),
        [first, .., last] => (format!("{first}–{last}"), x - 4),
        [] => (String::new(), x),
    };
    groups.into_iter().map(text).collect()
}

fn told(shown: &[InstanceStages], second: impl Fn(Offset) -> f64) -> String {
    let row = |s: &InstanceStages| {
        let stages = STAGES.iter().filter_map(|(_, name, _, of)| Some(format!("{name} {:.1} s", second(of(s).at()?))));
        format!("{}: {}", label(&s.instance), stages.collect::<Vec<_>>().join(", "))
    };
    shown.iter().map(row).collect::<Vec<_>>().join("; ")
}
