use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, ValueFormatter};
use plotters::prelude::Ranged;
use std::ops::Range;

/// Values along one side of a plot: their scale, and where it is labelled.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    pub title: String,
    scale: Scale,
    from: f64,
    to: f64,
    ticks: Vec<f64>,
    label: fn(f64) -> String,
}

#[derive(Clone, Copy, Debug)]
enum Scale {
    Linear,
    Logarithmic,
    /// Of shares up to 1, so that each further nine is as far from the one before.
    Nines,
}

impl Axis {
    /// Seconds since the load's start.
    pub(super) fn time(from: f64, to: f64) -> Axis {
        let to = to.max(from + 1.0);
        let steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 43_200, 86_400];
        let fits = |step: &&i32| (to - from) / f64::from(**step) <= 12.0;
        let step = steps.iter().find(fits).map_or(((to - from) / 10.0).ceil(), |step| f64::from(*step));
        let label = match step {
            s if s >= 3600.0 => |s: f64| format!("{} h", rounded(s / 3600.0)),
            s if s >= 60.0 => |s: f64| format!("{} min", rounded(s / 60.0)),
            _ => |s: f64| format!("{} s", rounded(s)),
        };
        let title = "time since the load began".to_owned();
        Axis { title, scale: Scale::Linear, from, to, ticks: multiples(step, from, to), label }
    }

    /// From 0 to a little over `most`.
    pub(super) fn amounts(title: impl Into<String>, most: f64) -> Axis {
        Axis::up_to(title, if most > 0.0 { most } else { 1.0 }, 0.0)
    }

    /// The same for what can be counted: no tick lies between whole numbers.
    pub(super) fn counts(title: impl Into<String>, most: f64) -> Axis {
        Axis::up_to(title, most.max(1.0), 1.0)
    }

    /// Shares from none to all, in per cent.
    pub(super) fn shares(title: impl Into<String>) -> Axis {
        let ticks = vec![0.0, 0.25, 0.5, 0.75, 1.0];
        let label = |share: f64| format!("{} %", rounded(100.0 * share));
        Axis { title: title.into(), scale: Scale::Linear, from: 0.0, to: 1.02, ticks, label }
    }

    /// Of rows that have names of their own.
    pub(super) fn rows(count: usize) -> Axis {
        let label = |_| String::new();
        Axis { title: String::new(), scale: Scale::Linear, from: 0.0, to: count as f64, ticks: Vec::new(), label }
    }

    /// Relative changes, in per cent, as far to one side as to the other.
    pub(super) fn changes(title: impl Into<String>, most: f64) -> Axis {
        let to = most.max(0.05) * 1.06;
        let step = [0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0].into_iter().find(|step| to / step <= 5.0).unwrap_or(to / 4.0);
        let label = |change: f64| format!("{}{} %", if change > 0.0 { "+" } else { "" }, rounded(100.0 * change));
        Axis { title: title.into(), scale: Scale::Linear, from: -to, to, ticks: multiples(step, -to, to), label }
    }

    /// Runs of a series, from the first to the last of `count`.
    pub(super) fn runs(count: usize) -> Axis {
        let to = count as f64 - 0.5;
        let step = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0].into_iter().find(|step| to / step <= 12.0).unwrap_or(to);
        let label = |run: f64| format!("{}", run as i64 + 1);
        let title = "run, in order of time".to_owned();
        Axis { title, scale: Scale::Linear, from: -0.5, to, ticks: multiples(step, 0.0, to), label }
    }

    fn up_to(title: impl Into<String>, most: f64, least_step: f64) -> Axis {
        let rough = most / 5.0;
        let decade = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|m| m * decade).into_iter().find(|step| *step >= rough).unwrap_or(rough);
        let step = step.max(least_step);
        let to = most * 1.06;
        Axis {
            title: title.into(),
            scale: Scale::Linear,
            from: 0.0,
            to,
            ticks: multiples(step, 0.0, to),
            label: amount,
        }
    }

    /// Milliseconds on a logarithmic scale that has room for all of `values`.
    pub(super) fn milliseconds(title: impl Into<String>, values: impl Iterator<Item = f64>) -> Axis {
        let (mut least, mut most) = (f64::INFINITY, 0.0_f64);
        for value in values.filter(|v| *v > 0.0) {
            (least, most) = (least.min(value), most.max(value));
        }
        if most == 0.0 {
            (least, most) = (1.0, 10.0);
        }
        let (from, to) = (least * 0.8, most * 1.3);
        let decades = (to / from).log10();
        let within: &[f64] = if decades > 3.0 {
            &[1.0]
        } else if decades > 1.2 {
            &[1.0, 2.0, 5.0]
        } else {
            &[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0]
        };
        let decade = |n: i32| within.iter().map(move |m| m * 10_f64.powi(n));
        let ticks = (from.log10().floor() as i32..=to.log10().ceil() as i32).flat_map(decade);
        let ticks = ticks.filter(|tick| (from..=to).contains(tick)).collect();
        Axis { title: title.into(), scale: Scale::Logarithmic, from, to, ticks, label: milliseconds }
    }

    /// Percentiles as HdrHistogram's plots have them, up to that of the rarest of `count`.
    pub(super) fn percentiles(title: impl Into<String>, count: u64) -> Axis {
        let to = 1.0 - 0.5 / count.max(10) as f64;
        let ticks = [0.0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999_999, 0.999_999_9];
        let ticks = ticks.into_iter().filter(|q| *q <= to).collect();
        let label = |q: f64| match q {
            0.0 => "0".to_owned(),
            q => format!("p{}", rounded(100.0 * q)),
        };
        Axis { title: title.into(), scale: Scale::Nines, from: 0.0, to, ticks, label }
    }

    /// Where a value is, from 0 to 1 along the axis. What lies outside is at the end.
    fn place(&self, value: f64) -> f64 {
        let value = if value.is_finite() { value.clamp(self.from, self.to) } else { self.to };
        let along = |value: f64| match self.scale {
            Scale::Linear => value,
            Scale::Logarithmic => value.log10(),
            Scale::Nines => -(1.0 - value).log10(),
        };
        (along(value) - along(self.from)) / (along(self.to) - along(self.from))
    }
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, pixels: (i32, i32)) -> i32 {
        pixels.0 + (self.place(*value) * f64::from(pixels.1 - pixels.0)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() { Vec::new() } else { self.ticks.clone() }
    }

    fn range(&self) -> Range<f64> {
        self.from..self.to
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, value: &f64) -> String {
        (self.label)(*value)
    }
}

fn multiples(step: f64, from: f64, to: f64) -> Vec<f64> {
    let (first, last) = ((from / step).ceil() as i64, (to / step).floor() as i64);
    (first..=last).map(|n| n as f64 * step).collect()
}

/// As short as its digits allow.
fn rounded(value: f64) -> String {
    let text = format!("{value:.5}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// An amount with few digits: `12k`, `3.4M`.
pub(super) fn amount(value: f64) -> String {
    match value.abs() {
        v if v >= 1e9 => format!("{}G", rounded((value / 1e7).round() / 100.0)),
        v if v >= 1e6 => format!("{}M", rounded((value / 1e4).round() / 100.0)),
        v if v >= 1e4 => format!("{}k", rounded((value / 10.0).round() / 100.0)),
        v if v >= 100.0 => format!("{value:.0}"),
        _ => rounded((value * 100.0).round() / 100.0),
    }
}

/// A time in the unit that suits it, to three digits.
pub(super) fn milliseconds(ms: f64) -> String {
    let three = |value: f64| match value {
        v if v >= 100.0 => format!("{v:.0}"),
        v if v >= 10.0 => rounded((v * 10.0).round() / 10.0),
        v => rounded((v * 100.0).round() / 100.0),
    };
    match ms {
        ms if ms >= 999.5 => format!("{} s", three(ms / 1e3)),
        ms if ms >= 1.0 => format!("{} ms", three(ms)),
        ms => format!("{} µs", three(ms * 1e3)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<String> {
        axis.ticks.iter().map(|tick| axis.format_ext(tick)).collect()
    }

    #[test]
    fn ticks_are_those_a_reader_reckons_with() {
        assert_eq!(
            labels(&Axis::time(0.0, 95.0)),
            ["0 s", "10 s", "20 s", "30 s", "40 s", "50 s", "60 s", "70 s", "80 s", "90 s"]
        );
        assert_eq!(labels(&Axis::time(0.0, 3600.0)).last().unwrap(), "60 min");
        assert_eq!(labels(&Axis::time(0.0, 86_400.0))[1], "2 h");
        assert_eq!(labels(&Axis::amounts("", 83.0)), ["0", "20", "40", "60", "80"]);
        assert_eq!(labels(&Axis::amounts("", 0.0)), ["0", "0.2", "0.4", "0.6", "0.8", "1"]);
        assert_eq!(labels(&Axis::counts("", 3.0)), ["0", "1", "2", "3"]);
        assert_eq!(
            labels(&Axis::milliseconds("", [4.0, 1800.0].into_iter())),
            ["5 ms", "10 ms", "20 ms", "50 ms", "100 ms", "200 ms", "500 ms", "1 s", "2 s"]
        );
        assert_eq!(labels(&Axis::percentiles("", 3000)), ["0", "p50", "p90", "p99", "p99.9"]);
    }

    #[test]
    fn every_value_has_a_place_on_its_axis() {
        for axis in [
            Axis::time(0.0, 10.0),
            Axis::amounts("", 5.0),
            Axis::milliseconds("", [1.0, 2.0].into_iter()),
            Axis::percentiles("", 100),
        ] {
            for value in [0.0, 1.0, 1e12, f64::NAN, f64::INFINITY, -3.0] {
                let pixel = axis.map(&value, (10, 110));
                assert!((10..=110).contains(&pixel), "{value} at {pixel}");
            }
        }
    }

    #[test]
    fn times_are_told_in_the_unit_that_suits_them() {
        assert_eq!([0.25, 1.0, 42.34, 999.6, 61_000.0].map(milliseconds), ["250 µs", "1 ms", "42.3 ms", "1 s", "61 s"]);
    }
}
