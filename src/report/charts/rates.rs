use super::Chart;
use super::axis::{Axis, amount};
use super::palette::{BLUE, GREEN, ORANGE, VERMILLION};
use super::response_time::each;
use super::sheet::{Key, Sheet};
use super::time_frame::{TimeFrame, greatest, series};
use crate::report::Subject;

/// Offered against achieved rate; sessions in flight and arrivals that wait.
pub(super) fn chart(subject: &Subject) -> Option<Chart> {
    let frame = TimeFrame::new(subject);
    if frame.columns().is_empty() {
        return None;
    }
    let rate = |count: u64| Some(count as f64 / frame.seconds_each());
    let offered: Vec<_> = frame.columns().iter().map(|c| rate(c.figures.requests)).collect();
    let achieved: Vec<_> = frame.columns().iter().map(|c| rate(c.figures.completed)).collect();
    let in_flight = frame.sampled(|s| Some(s.generator.sessions_in_flight as f64));
    let waiting = frame.sampled(|s| Some(s.generator.arrivals_waiting as f64));
    let peak = greatest(&offered);
    let owed = subject.analysis.generator.arrivals_owed;
    let owed_text = if owed == 0 { "no arrival was owed".to_owned() } else { format!("{owed} arrivals were owed") };
    let mut legend = vec![
        Key::line("offered (due in that second)", BLUE),
        Key::line("achieved (answered in that second)", ORANGE),
        Key::line("sessions in flight", GREEN),
        Key::line("arrivals waiting for a free slot", VERMILLION),
    ];
    legend.extend(frame.key());
    let sheet = Sheet {
        name: "rates",
        title: format!("Offered and achieved rate: up to {} requests/s; {owed_text}", amount(peak)),
        description: format!(
            "Requests per second that were due and that were answered, over the run, with a peak of {} offered; below, \
             sessions in flight (at most {}) and arrivals waiting for a free slot: {owed_text} of {} due",
            amount(peak),
            amount(greatest(&in_flight)),
            subject.analysis.generator.arrivals_due
        ),
        height: frame.height(&[UPPER, LOWER]),
        legend,
    };
    Some(sheet.draw(|area| {
        let most = peak.max(greatest(&achieved));
        let axes = vec![
            (Axis::amounts(format!("requests/s in {}", each(&frame)), most), UPPER),
            (Axis::counts("sessions", greatest(in_flight.iter().chain(&waiting))), LOWER),
        ];
        let plots = frame.plots(area, axes);
        plots[0].0.line(&frame.points(&offered), BLUE, 3);
        plots[0].0.line(&frame.points(&achieved), ORANGE, 2);
        plots[1].0.line(&frame.points(&in_flight), GREEN, 2);
        plots[1].0.line(&frame.points(&waiting), VERMILLION, 2);
        let told = vec![
            series("offered", "requests/s", offered),
            series("achieved", "requests/s", achieved),
            series("sessions in flight", "", in_flight),
            series("arrivals waiting", "", waiting),
        ];
        frame.time_axis(&plots, told)
    }))
}

const UPPER: i32 = 220;
const LOWER: i32 = 170;
