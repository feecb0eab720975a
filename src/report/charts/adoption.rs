use super::Chart;
use super::axis::Axis;
use super::palette::{CYCLE, Colour, SHADE};
use super::plot::{Plot, XLabels};
use super::sheet::{Key, Sheet, label};
use crate::report::Subject;
use crate::session::CohortInstance;

/// More than this cannot be told apart by colour: all are grey.
const MOST_COLOURED: usize = CYCLE.len();

/// Share of the sessions that were there before it which a new instance has served, over the time since its launch.
pub(super) fn chart(subject: &Subject) -> Option<Chart> {
    let cohorts = subject.sessions.cohorts.iter().filter_map(|c| c.adoption.as_ref());
    let instances: Vec<&CohortInstance> = cohorts.flat_map(|a| &a.instances).filter(|i| i.curve.eligible > 0).collect();
    let last = instances.iter().map(|i| i.curve.share_by_second.len()).max()?;
    let coloured = instances.len() <= MOST_COLOURED;
    let after = |seconds: Option<f64>| seconds.map_or("not reached".to_owned(), |s| format!("{s:.1} s"));
    let told = |i: &CohortInstance| {
        let curve = &i.curve;
        format!(
            "{}: {} of {}, t50 {}, t90 {}",
            label(&i.instance),
            curve.adopted,
            curve.eligible,
            after(curve.t50_seconds),
            after(curve.t90_seconds)
        )
    };
    let colour = |index: usize| -> Colour { if coloured { CYCLE[index] } else { SHADE } };
    let legend = if coloured {
        let key = |(index, i): (usize, &&CohortInstance)| Key::line(told(i), colour(index));
        instances.iter().enumerate().map(key).collect()
    } else {
        vec![Key::line(format!("each of {} new instances", instances.len()), SHADE)]
    };
    let half = instances.iter().filter(|i| i.curve.t50_seconds.is_some()).count();
    let sheet = Sheet {
        name: "adoption",
        title: format!(
            "Adoption: {half} of {} new instances served half of the sessions older than themselves",
            instances.len()
        ),
        description: format!(
            "For each new instance, the share of its cohort (sessions that were there when the fleet changed, and still \
             were when it began to serve) that it has served, over the seconds since its launch. {}",
            instances.iter().take(MOST_COLOURED).map(|i| told(i)).collect::<Vec<_>>().join("; ")
        ),
        height: PLOT,
        legend: [legend, vec![Key::remark("dots: t50, t90")]].concat(),
    };
    Some(sheet.draw(|area| {
        let until = (last as f64 * 1.05).max(5.0);
        let mut x = Axis::time(0.0, until);
        x.title = "time since the instance was launched".to_owned();
        let plot = Plot::new(area, x, Axis::shares("share of the cohort served"), XLabels::Shown);
        for (index, instance) in instances.iter().enumerate() {
            draw(&plot, instance, colour(index), until, if coloured { 2 } else { 1 });
        }
        None
    }))
}

const PLOT: i32 = 340;

fn draw(plot: &Plot, instance: &CohortInstance, colour: Colour, until: f64, width: u32) {
    let curve = &instance.curve;
    let by_second = curve.share_by_second.iter().enumerate();
    let mut points = vec![(0.0, Some(0.0))];
    points.extend(by_second.map(|(second, share)| (second as f64 + 1.0, Some(*share))));
    points.push((until, curve.share_by_second.last().copied().or(Some(0.0))));
    plot.line(&points, colour, width);
    for (time, share) in [(curve.t50_seconds, 0.5), (curve.t90_seconds, 0.9)] {
        if let Some(time) = time {
            plot.dot(time, share, colour);
        }
    }
}
