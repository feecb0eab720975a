use super::palette::{FAINT, SHADE};
use super::plot::{LEFT, Plot, RIGHT};
use super::sheet::{Area, Key, WIDTH, label, left, text_width, write};
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
    x: i32,
    row: i32,
    text: String,
}

impl Marks {
    const ROW: i32 = 15;
    const MOST_ROWS: usize = 4;
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

    pub(super) fn keys(&self, subject: &Subject) -> Option<Key> {
        let phases = subject.analysis.phases.as_ref()?;
        Some(Key::field(format!("during {}", label(&phases.change.name)), SHADE, 0.16))
    }

    pub(super) fn height(&self) -> i32 {
        self.placed().iter().map(|p| p.row + 1).max().unwrap_or(0) * Self::ROW
    }

    fn x_of(&self, second: f64) -> i32 {
        let room = f64::from(WIDTH as i32 - LEFT - RIGHT);
        LEFT + (second / self.until.max(1.0) * room).round() as i32
    }

    /// Each label right of its mark, in the first row in which it touches no other; left of it at the chart's end.
    fn placed(&self) -> Vec<Placed> {
        let mut rows: Vec<Vec<Range<i32>>> = vec![Vec::new(); Self::MOST_ROWS];
        let mut placed = Vec::new();
        for mark in &self.list {
            let width = text_width(&mark.text, 11) + 12;
            let at = self.x_of(mark.second);
            let x = if at + width > WIDTH as i32 { at - width } else { at };
            let free = |row: &Vec<Range<i32>>| row.iter().all(|taken| x + width <= taken.start || taken.end <= x);
            if let Some(row) = rows.iter().position(free) {
                rows[row].push(x..x + width);
                placed.push(Placed { x, row: row as i32, text: mark.text.clone() });
            }
        }
        placed
    }

    /// Into the strip above the plots.
    pub(super) fn write(&self, strip: &Area) {
        for placed in self.placed() {
            write(strip, &placed.text, (placed.x + 4, placed.row * Self::ROW + 7), left(11, FAINT));
        }
        for mark in &self.list {
            let x = self.x_of(mark.second);
            let line = PathElement::new([(x, 0), (x, self.height())], FAINT.mix(0.5).stroke_width(1));
            super::sheet::drawn(strip.draw(&line));
        }
    }

    pub(super) fn draw(&self, plot: &Plot) {
        if let Some(during) = &self.during {
            plot.shade(during.clone(), SHADE, 0.16);
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
