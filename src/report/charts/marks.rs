use super::palette::{FAINT, ORANGE};
use super::plot::{LEFT, Plot, RIGHT};
use super::sheet::{Area, Key, WIDTH, drawn, label, left, text_width, write};
use crate::history::{EventKind, FleetChange, Offset};
use crate::report::Subject;
use plotters::prelude::PathElement;
use plotters::style::Color as _;
use std::ops::Range;

/// What happened while the load went on, and the window around the first change: shown in every chart over time.
pub(super) struct Marks {
    list: Vec<Mark>,
    during: Option<Range<f64>>,
    until: f64,
}

#[derive(Clone, Debug, PartialEq)]
struct Mark {
    second: f64,
    text: String,
}

/// A mark's label, where it has room.
#[derive(Clone, Debug, PartialEq)]
struct Placed {
    /// Of the mark, and of its label.
    at: i32,
    x: i32,
    row: i32,
    text: String,
}

impl Marks {
    const ROW: i32 = 14;
    const MOST_ROWS: usize = 6;
    /// Marks of one kind no further apart than this part of the chart are told as one.
    const TOGETHER: f64 = 0.02;
    const MOST: usize = 40;

    /// `until`: seconds of the run that the charts show.
    pub(super) fn new(subject: &Subject, until: f64) -> Marks {
        let second = |at: Offset| (at.0 - subject.analysis.load_start_us.0) as f64 / 1e6;
        let mut seen: Vec<(f64, String)> = Vec::new();
        for change in FleetChange::all(subject.events) {
            seen.push((second(change.at_us), change.name));
        }
        for event in subject.events {
            let text = match &event.kind {
                EventKind::AlarmRaised { .. } => "alarm",
                EventKind::InstanceHealthy { .. } => "healthy",
                EventKind::InstanceUnhealthy { .. } => "unhealthy",
                EventKind::InstanceGone { expected: true, .. } => "ended",
                EventKind::Interrupted => "interrupted",
                _ => continue,
            };
            seen.push((second(event.at_us), text.to_owned()));
        }
        seen.retain(|(second, _)| (0.0..=until).contains(second));
        seen.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(&b.1)));
        let during = subject.analysis.phases.as_ref();
        let during = during.map(|p| f64::from(p.during_from_second)..f64::from(p.during_to_second).min(until));
        Marks { list: together(&seen, until * Self::TOGETHER), during, until }
    }

    pub(super) fn key(&self, subject: &Subject) -> Option<Key> {
        let phases = subject.analysis.phases.as_ref()?;
        Some(Key::field(format!("during {}", label(&phases.change.name)), ORANGE, 0.13))
    }

    pub(super) fn height(&self) -> i32 {
        self.placed().iter().map(|p| p.row + 1).max().unwrap_or(0).min(Self::MOST_ROWS as i32) * Self::ROW
    }

    fn x_of(&self, second: f64) -> i32 {
        let room = f64::from(WIDTH as i32 - LEFT - RIGHT);
        LEFT + (second / self.until.max(1.0) * room).round() as i32
    }

    /// Each label right of its mark, below all labels that reach over it, so that no mark's line crosses a label; left of
    /// it at the chart's end. Marks for which there is no room have no label.
    fn placed(&self) -> Vec<Placed> {
        let mut rows: Vec<i32> = Vec::new();
        let place = |mark: &Mark| {
            let width = text_width(&mark.text, 11) + 12;
            let at = self.x_of(mark.second);
            let x = if at + width > WIDTH as i32 { at - width } else { at };
            let row = rows.iter().rposition(|taken_to| *taken_to > x).map_or(0, |above| above + 1);
            let fits = row < Self::MOST_ROWS;
            if fits {
                rows.resize(rows.len().max(row + 1), 0);
                rows[row] = at.max(x + width);
            }
            let (row, text) =
                if fits { (row as i32, mark.text.clone()) } else { (Self::MOST_ROWS as i32, String::new()) };
            Placed { at, x, row, text }
        };
        self.list.iter().map(place).collect()
    }

    /// Into the strip above the plots.
    pub(super) fn write(&self, strip: &Area) {
        let height = self.height();
        for placed in self.placed() {
            let y = placed.row * Self::ROW;
            drawn(strip.draw(&PathElement::new([(placed.at, y), (placed.at, height)], FAINT.mix(0.5).stroke_width(1))));
            write(strip, &placed.text, (placed.x + 4, y + 7), left(11, FAINT));
        }
    }

    pub(super) fn draw(&self, plot: &Plot) {
        if let Some(during) = &self.during {
            plot.shade(during.clone(), ORANGE, 0.13);
        }
        for mark in &self.list {
            plot.upright(mark.second, FAINT, 0.5);
        }
    }
}

/// Told as one: `3× healthy`.
fn together(seen: &[(f64, String)], within: f64) -> Vec<Mark> {
    let mut groups: Vec<(f64, f64, &str, usize)> = Vec::new();
    for (second, text) in seen {
        match groups.iter_mut().rev().find(|(_, last, name, _)| name == text && second - *last <= within) {
            Some(group) => (group.1, group.3) = (*second, group.3 + 1),
            None => groups.push((*second, *second, text, 1)),
        }
    }
    groups.truncate(Marks::MOST);
    let mark = |(second, _, text, count): (f64, f64, &str, usize)| {
        let text = label(text);
        Mark { second, text: if count > 1 { format!("{count}× {text}") } else { text } }
    };
    groups.into_iter().map(mark).collect()
}
