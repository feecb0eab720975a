use super::Chart;
use super::axis::{Axis, milliseconds};
use super::palette::{BLUE, GREEN, ORANGE, PURPLE, VERMILLION};
use super::response_time::each;
use super::sheet::{Key, Sheet};
use super::time_frame::{TimeFrame, greatest, series};
use crate::analysis::GeneratorFigures;
use crate::history::Sample;
use crate::report::Subject;

/// Whether the generator itself could keep up: a place for doubt to look.
pub(super) fn chart(subject: &Subject) -> Option<Chart> {
    let frame = TimeFrame::new(subject);
    if frame.columns().is_empty() {
        return None;
    }
    let figures = &subject.analysis.generator;
    let lag: Vec<_> =
        frame.columns().iter().map(|c| Some(c.figures.scheduling_lag_p99_ms).filter(|ms| *ms > 0.0)).collect();
    let timer = frame.sampled(|s| Some(s.generator.timer_lag_us as f64 / 1e3).filter(|ms| *ms > 0.0));
    let busy = frame.sampled(|s| Some(s.generator.load_thread_busy));
    let cpu = frame.sampled(cpu_share(subject.samples));
    let waiting = frame.sampled(|s| Some(s.generator.arrivals_waiting as f64));
    let queue = frame.sampled(|s| s.fleet.as_ref().map(|f| f64::from(f.balancer_queue)));
    let lag_p99 = milliseconds(figures.scheduling_lag.p99_ms);
    let busiest = format!("{:.0} %", 100.0 * figures.load_thread_busy_max);
    let mut legend = vec![
        Key::line("scheduling lag, p99", BLUE),
        Key::line("timer lag, greatest", ORANGE),
        Key::line("load threads busy", GREEN),
        Key::line("CPU of the process, of one core", PURPLE),
        Key::line("arrivals waiting", VERMILLION),
        Key::line("balancer's queue", ORANGE),
    ];
    legend.extend(frame.key());
    let sheet = Sheet {
        name: "generator",
        title: format!(
            "The generator itself: requests left {lag_p99} late at p99, its threads were busy for {busiest} at most"
        ),
        description: format!(
            "How the load generator kept to its plan: delay from due to sent on open connections, p99 {lag_p99} and at \
             most {}; share of time its load threads were busy, {busiest} at most; queues. {} observations lost",
            milliseconds(figures.scheduling_lag.max_ms),
            figures.observations_lost
        ),
        height: frame.height(&[UPPER, MIDDLE, LOWER]),
        legend,
    };
    Some(sheet.draw(|area| {
        let lags = lag.iter().chain(&timer).flatten().copied();
        let load = 100.0 * greatest(busy.iter().chain(&cpu)).max(GeneratorFigures::BUSY);
        let percent = |values: &[Option<f64>]| values.iter().map(|v| v.map(|v| 100.0 * v)).collect::<Vec<_>>();
        let (busy, cpu) = (percent(&busy), percent(&cpu));
        let axes = vec![
            (Axis::milliseconds(format!("lag in {}", each(&frame)), lags), UPPER),
            (Axis::amounts("% of the time", load), MIDDLE),
            (Axis::counts("waiting", greatest(waiting.iter().chain(&queue))), LOWER),
        ];
        let plots = frame.plots(area, axes);
        plots[0].0.line(&frame.points(&timer), ORANGE, 1);
        plots[0].0.line(&frame.points(&lag), BLUE, 2);
        plots[1].0.line(&frame.points(&cpu), PURPLE, 2);
        plots[1].0.line(&frame.points(&busy), GREEN, 2);
        plots[2].0.line(&frame.points(&queue), ORANGE, 3);
        plots[2].0.line(&frame.points(&waiting), VERMILLION, 2);
        let told = vec![
            series("scheduling lag p99", "ms", lag),
            series("timer lag", "ms", timer),
            series("load threads busy", "%", busy),
            series("CPU", "%", cpu),
            series("arrivals waiting", "", waiting),
            series("balancer's queue", "", queue),
        ];
        frame.time_axis(&plots, told)
    }))
}

const UPPER: i32 = 170;
const MIDDLE: i32 = 140;
const LOWER: i32 = 140;

/// CPU time since the sample before, over the time since then.
fn cpu_share(samples: &[Sample]) -> impl Fn(&Sample) -> Option<f64> + '_ {
    move |sample| {
        let before = samples[..samples.partition_point(|s| s.at_us < sample.at_us)].last()?;
        let seconds = (sample.at_us.0 - before.at_us.0) as f64 / 1e6;
        // The last sample comes when the load ends: over a moment, a share would say nothing.
        (seconds > 0.5).then(|| (sample.generator.cpu_seconds - before.generator.cpu_seconds).max(0.0) / seconds)
    }
}
