use super::Chart;
use super::axis::Axis;
use super::palette::{BLUE, ORANGE, SKY, VERMILLION};
use super::plot::{Plot, XLabels};
use super::sheet::{Area, Key, Sheet, label};
use crate::analysis::{WarmUpCourse, WarmUpSecond};
use crate::report::Subject;

/// Instances shown, the slowest against its peers first.
const MOST: usize = 6;
const PLOT: i32 = 250;

/// The first minute of new instances beside their peers in the same seconds.
pub(super) fn chart(subject: &Subject) -> Option<Chart> {
    let analysis = subject.analysis;
    let ratio = |course: &WarmUpCourse| {
        let stages = analysis.stages.iter().find(|s| s.instance == course.instance)?;
        Some(stages.warm_up?.ratio)
    };
    let mut courses: Vec<&WarmUpCourse> = analysis.warm_ups.iter().collect();
    if courses.is_empty() {
        return None;
    }
    let count = courses.len();
    courses.sort_by(|a, b| {
        ratio(b).unwrap_or(0.0).total_cmp(&ratio(a).unwrap_or(0.0)).then_with(|| a.instance.cmp(&b.instance))
    });
    courses.truncate(MOST);
    let told = |course: &&WarmUpCourse| match ratio(course) {
        Some(ratio) => format!("{}: p99 {ratio:.1}× that of its peers in the first 15 s", label(&course.instance)),
        None => format!("{}: too few requests to compare", label(&course.instance)),
    };
    let worst = courses.first().and_then(|c| ratio(c));
    let columns = if courses.len() > 1 { 2 } else { 1 };
    let rows = courses.len().div_ceil(columns);
    let mut legend = vec![
        Key::line("new instance p50", ORANGE),
        Key::line("new instance p99", VERMILLION),
        Key::line("its peers p50", SKY),
        Key::line("its peers p99", BLUE),
    ];
    if count > MOST {
        legend.push(Key::remark(format!("the {MOST} slowest of {count} are shown")));
    }
    let sheet = Sheet {
        name: "warm-up",
        title: match worst {
            Some(ratio) => format!(
                "Warm-up: service time of new instances in their first minute; p99 up to {ratio:.1}× that of peers"
            ),
            None => "Warm-up: service time of new instances in their first minute".to_owned(),
        },
        description: format!(
            "Service time in each of the first 60 seconds after the first response of a new instance, beside that of the \
             instances that were there, in the same seconds. {}",
            courses.iter().map(told).collect::<Vec<_>>().join("; ")
        ),
        height: PLOT * rows as i32,
        legend,
    };
    Some(sheet.draw(|area| {
        for (course, place) in courses.iter().zip(area.split_evenly((rows, columns))) {
            draw(&place, course, &courses);
        }
        None
    }))
}

fn draw(area: &Area, course: &WarmUpCourse, all: &[&WarmUpCourse]) {
    let values = |s: &WarmUpSecond| [s.p50_ms, s.p99_ms, s.peers_p50_ms, s.peers_p99_ms].into_iter().flatten();
    // One scale for all, so that they can be compared.
    let y = Axis::milliseconds("service time", all.iter().flat_map(|c| &c.seconds).flat_map(values));
    let mut x = Axis::time(0.0, 60.0);
    x.title = "time since its first response".to_owned();
    let plot = Plot::new(area, x, y, XLabels::Shown);
    let points = |of: fn(&WarmUpSecond) -> Option<f64>| -> Vec<(f64, Option<f64>)> {
        course.seconds.iter().enumerate().map(|(second, s)| (second as f64 + 0.5, of(s))).collect()
    };
    plot.line(&points(|s| s.peers_p99_ms), BLUE, 1);
    plot.line(&points(|s| s.peers_p50_ms), SKY, 2);
    plot.line(&points(|s| s.p99_ms), VERMILLION, 1);
    plot.line(&points(|s| s.p50_ms), ORANGE, 2);
    plot.corner(area, &label(&course.instance));
}
