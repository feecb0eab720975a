use super::Chart;
use super::axis::amount;
use super::palette::{BACKGROUND, BLUE, FAINT, GRID, INK, LOSS};
use super::sheet::{Area, Key, Sheet, WIDTH, centred, drawn, label, right, text_width, write};
use crate::report::Subject;
use crate::session::HandoffCell;
use plotters::prelude::*;
use std::collections::BTreeMap;

/// More instances than this are shown by zone, if there are zones; else those that served most.
const MOST: usize = 24;

#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    requests: u64,
    lost: u64,
}

struct Matrix {
    what: &'static str,
    names: Vec<String>,
    new: Vec<bool>,
    cells: BTreeMap<(usize, usize), Cell>,
    left_out: usize,
}

/// Who served a session's request, by who had served the one before it.
pub(super) fn chart(subject: &Subject) -> Option<Chart> {
    let handoffs = &subject.sessions.handoffs;
    if handoffs.cells.is_empty() {
        return None;
    }
    let matrix = Matrix::of(subject);
    let lost: u64 = handoffs.cells.iter().map(loss).sum();
    let lost_text =
        if lost == 0 { "nothing was lost in any".to_owned() } else { format!("{lost} requests lost something") };
    let share = 100.0 * handoffs.sessions_handed_off as f64 / handoffs.sessions_placed.max(1) as f64;
    let mut legend = vec![
        Key::field("requests by who served before and after: the stronger, the more of its row", BLUE, 0.45),
        Key::field("something was lost", LOSS, 1.0),
    ];
    if matrix.left_out > 0 {
        legend.push(Key::remark(format!("{} instances that served less are left out", matrix.left_out)));
    }
    let sheet = Sheet {
        name: "handoffs",
        title: format!(
            "Handoffs from {what} to {what}: {} between instances; {lost_text}",
            amount(handoffs.handoffs as f64),
            what = matrix.what
        ),
        description: format!(
            "A matrix of consecutive requests of one session: rows are who served the first, columns who served the \
             next. {} handoffs between instances, {share:.0} % of sessions were served by more than one; {lost_text}",
            handoffs.handoffs
        ),
        height: matrix.height(),
        legend,
    };
    Some(sheet.draw(|area| {
        matrix.draw(area);
        None
    }))
}

fn loss(cell: &HandoffCell) -> u64 {
    cell.relogins + cell.state_lost + cell.wrong_user
}

impl Matrix {
    const LEFT: i32 = 190;
    const TOP: i32 = 44;
    const BOTTOM: i32 = 16;

    fn of(subject: &Subject) -> Matrix {
        let (instances, cells) = (&subject.analysis.instances, &subject.sessions.handoffs.cells);
        let zone_of: BTreeMap<&str, Option<&str>> =
            instances.iter().map(|i| (i.instance.as_str(), i.zone.as_deref())).collect();
        let mut served: BTreeMap<&str, u64> = BTreeMap::new();
        for cell in cells {
            *served.entry(&cell.from).or_default() += cell.requests;
            *served.entry(&cell.to).or_default() += cell.requests;
        }
        let by_zone = served.len() > MOST && served.keys().all(|i| matches!(zone_of.get(i), Some(Some(_))));
        let place = |instance: &str| match zone_of.get(instance) {
            Some(Some(zone)) if by_zone => (*zone).to_owned(),
            _ => instance.to_owned(),
        };
        let mut most: Vec<(u64, String)> = served.iter().map(|(name, n)| (*n, place(name))).collect();
        most.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        let mut names: Vec<String> = Vec::new();
        for (_, name) in most {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let left_out = names.len().saturating_sub(MOST);
        names.truncate(MOST);
        let new = |name: &String| instances.iter().any(|i| i.new && i.instance == *name);
        // Old ones first: what they hand to new ones is then in one corner.
        names.sort_by(|a, b| (new(a), a).cmp(&(new(b), b)));
        let mut sums: BTreeMap<(usize, usize), Cell> = BTreeMap::new();
        for cell in cells {
            let index = |instance: &str| names.iter().position(|name| *name == place(instance));
            if let (Some(from), Some(to)) = (index(&cell.from), index(&cell.to)) {
                let sum = sums.entry((from, to)).or_default();
                sum.requests += cell.requests;
                sum.lost += loss(cell);
            }
        }
        let what = if by_zone { "zone" } else { "instance" };
        Matrix { what, new: names.iter().map(new).collect(), names, cells: sums, left_out }
    }

    /// Width and height of a cell.
    fn cell(&self) -> (i32, i32) {
        let count = self.names.len() as i32;
        ((WIDTH as i32 - Self::LEFT - 20) / count, (480 / count).clamp(20, 64))
    }

    fn height(&self) -> i32 {
        Self::TOP + self.cell().1 * self.names.len() as i32 + Self::BOTTOM
    }

    fn draw(&self, area: &Area) {
        let (width, height) = self.cell();
        let size = if self.names.len() > 12 { 10 } else { 12 };
        let room = (width as usize / 7).max(3);
        write(area, "from ↓   to →", (Self::LEFT - 10, Self::TOP - 12), right(11, FAINT));
        for (index, name) in self.names.iter().enumerate() {
            let name = if self.new[index] { format!("{} (new)", label(name)) } else { label(name) };
            let short: String = if name.chars().count() > room {
                name.chars().take(room - 1).chain(['…']).collect()
            } else {
                name.clone()
            };
            let along = index as i32;
            write(area, &short, (Self::LEFT + along * width + width / 2, Self::TOP - 12), centred(size, INK));
            write(area, &name, (Self::LEFT - 10, Self::TOP + along * height + height / 2), right(size, INK));
        }
        for from in 0..self.names.len() {
            let row: u64 = (0..self.names.len()).map(|to| self.at(from, to).requests).sum();
            for to in 0..self.names.len() {
                let share = self.at(from, to).requests as f64 / row.max(1) as f64;
                let corner = (Self::LEFT + to as i32 * width, Self::TOP + from as i32 * height);
                self.draw_cell(area, self.at(from, to), share, (corner, (width, height), size));
            }
        }
    }

    fn at(&self, from: usize, to: usize) -> Cell {
        self.cells.get(&(from, to)).copied().unwrap_or_default()
    }

    fn draw_cell(&self, area: &Area, cell: Cell, share: f64, place: ((i32, i32), (i32, i32), u32)) {
        let ((x, y), (width, height), size) = place;
        let corners = [(x + 1, y + 1), (x + width - 1, y + height - 1)];
        let (fill, ink) = match cell {
            Cell { lost: 0, .. } => (BLUE.mix(0.04 + 0.5 * share.sqrt()), INK),
            _ => (LOSS.mix(1.0), BACKGROUND),
        };
        drawn(area.draw(&Rectangle::new(corners, fill.filled())));
        drawn(area.draw(&Rectangle::new(corners, GRID.stroke_width(1))));
        let requests = if cell.requests == 0 { "–".to_owned() } else { amount(cell.requests as f64) };
        let (cx, cy) = (x + width / 2, y + height / 2);
        let lost =
            format!("{} lost ({:.1} %)", amount(cell.lost as f64), 100.0 * cell.lost as f64 / cell.requests as f64);
        // In a small cell its colour has to say it.
        if cell.lost > 0 && height >= 36 && text_width(&lost, size as i32) <= width {
            write(area, &requests, (cx, cy - 8), centred(size, ink));
            write(area, &lost, (cx, cy + 9), centred(size, ink));
        } else {
            write(area, &requests, (cx, cy), centred(size, if cell.requests == 0 { FAINT } else { ink }));
        }
    }
}
