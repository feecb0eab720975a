use super::Curve;
use crate::profile::Span;
use std::fmt::Write as _;
use std::time::Duration;

const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const COLUMNS: usize = 60;
const ROWS: usize = 6;

impl Curve {
    /// The curve drawn with block characters, its peak at the left edge and its length below. `unit` follows the peak
    /// (`/s`, ` users`).
    pub fn picture(&self, unit: &str) -> String {
        let (end, peak) = (self.duration().as_secs_f64(), self.peak());
        let top = format!("{}{unit}", short(peak));
        let margin = top.chars().count().max(1);
        let mut drawn = String::new();
        for row in (0..ROWS).rev() {
            let label = match row {
                _ if row == ROWS - 1 => top.as_str(),
                0 => "0",
                _ => "",
            };
            let _ = write!(drawn, "{label:>margin$} │");
            let line: String = (0..COLUMNS).map(|column| BLOCKS[self.eighths(column, row, end, peak)]).collect();
            let _ = writeln!(drawn, "{}", line.trim_end());
        }
        let length = Span(Duration::from_secs(end.round() as u64)).to_string();
        let _ = writeln!(drawn, "{:>margin$} └{}", "", "─".repeat(COLUMNS));
        let _ = writeln!(drawn, "{:>margin$}  0s{length:>width$}", "", width = COLUMNS - 2);
        drawn
    }

    /// How much of a character cell lies below the curve, in eighths.
    fn eighths(&self, column: usize, row: usize, end: f64, peak: f64) -> usize {
        let at = end * (column as f64 + 0.5) / COLUMNS as f64;
        let height = self.value_at(at) / peak.max(f64::MIN_POSITIVE) * (ROWS * 8) as f64;
        (height.round() as usize).saturating_sub(row * 8).min(8)
    }
}

/// A number without digits nobody needs.
fn short(number: f64) -> String {
    if number >= 100.0 || number.fract() == 0.0 { format!("{number:.0}") } else { format!("{number:.1}") }
}

#[cfg(test)]
mod tests {
    use crate::plan::{Curve, Point};

    #[test]
    fn a_ramp_and_a_plateau_look_like_it() {
        let points = [(0.0, 0.0), (30.0, 12.0), (60.0, 12.0), (90.0, 3.0)];
        let points = points.iter().map(|&(at_seconds, value)| Point { at_seconds, value }).collect();
        insta::assert_snapshot!(Curve { points }.picture("/s"));
    }
}
