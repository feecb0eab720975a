use rand::{RngExt as _, SeedableRng};
use rand_pcg::Pcg64Mcg;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How much load, over time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Workload {
    pub model: Model,
    /// Arrivals per second (`sessions`, `arrivals`) or number of users (`users`).
    pub curve: Curve,
    pub arrivals: ArrivalPattern,
    pub seed: u64,
    /// Slots: sessions in flight at most. An arrival that finds none free is owed.
    pub max_sessions: u32,
    /// After the curve's end, sessions under way may go on for this long.
    pub grace: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Model {
    /// Sessions arrive by the curve whatever the system does; inside a session the user waits and thinks.
    Sessions,
    /// Requests arrive by the curve: each arrival is one request, taken in turn from the scenario's steps.
    Arrivals,
    /// As many users as the curve says, each beginning a new session when one ends.
    Users,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ArrivalPattern {
    Poisson,
    Even,
}

/// A rate (or number of users) that is linear between points. Two points at one time make a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    pub points: Vec<Point>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    pub at_seconds: f64,
    pub value: f64,
}

/// Which part of a run's arrivals and users is whose: those whose number is `index` modulo `of`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    pub index: u64,
    pub of: u64,
}

impl Share {
    pub const ALL: Share = Share { index: 0, of: 1 };

    pub fn has(&self, number: u64) -> bool {
        number % self.of == self.index
    }
}

impl Curve {
    pub fn duration(&self) -> Duration {
        Duration::from_secs_f64(self.points.last().map_or(0.0, |p| p.at_seconds))
    }

    pub fn peak(&self) -> f64 {
        self.points.iter().map(|p| p.value).fold(0.0, f64::max)
    }

    /// The value at a time; 0 outside the curve. At a step, the value after it.
    pub fn value_at(&self, seconds: f64) -> f64 {
        let next = self.points.partition_point(|p| p.at_seconds <= seconds);
        match (next.checked_sub(1).map(|i| self.points[i]), self.points.get(next)) {
            (Some(a), Some(b)) => {
                a.value + (b.value - a.value) * (seconds - a.at_seconds) / (b.at_seconds - a.at_seconds)
            }
            (Some(last), None) if last.at_seconds == seconds => last.value,
            _ => 0.0,
        }
    }

    /// The area under the whole curve: arrivals to be expected.
    pub fn total(&self) -> f64 {
        self.points.windows(2).map(|w| (w[1].at_seconds - w[0].at_seconds) * (w[0].value + w[1].value) / 2.0).sum()
    }

    /// The area under the curve up to a time, in seconds.
    pub fn area_until(&self, seconds: f64) -> f64 {
        let begun = self.points.windows(2).take_while(|w| w[0].at_seconds < seconds);
        let parts = begun.map(|w| {
            let (length, part) = (w[1].at_seconds - w[0].at_seconds, seconds.min(w[1].at_seconds) - w[0].at_seconds);
            let share = if length > 0.0 { part / length } else { 0.0 };
            part * (w[0].value + (w[1].value - w[0].value) * share / 2.0)
        });
        parts.sum()
    }

    /// The same shape, `factor` times as fast (`compress = 6` makes an hour ten minutes).
    pub fn compressed(&self, factor: f64) -> Curve {
        let points = self.points.iter().map(|p| Point { at_seconds: p.at_seconds / factor, value: p.value });
        Curve { points: points.collect() }
    }

    pub fn scaled(&self, factor: f64) -> Curve {
        let points = self.points.iter().map(|p| Point { at_seconds: p.at_seconds, value: p.value * factor });
        Curve { points: points.collect() }
    }
}

/// The instants at which arrivals are due, in order, numbered from 0. Every worker makes the whole sequence and
/// takes its [`Share`], so a run split over workers is the same run.
///
/// Arrival k is due where the area under the curve reaches k + ½ (even) or the sum of k + 1 unit exponentials
/// (Poisson: time-rescaling of a unit-rate process, e.g. Çinlar 1975, §4.7).
#[derive(Clone, Debug)]
pub struct Arrivals<'a> {
    curve: &'a Curve,
    pattern: ArrivalPattern,
    rng: Pcg64Mcg,
    /// The segment the last arrival fell in, and the area before it.
    segment: usize,
    area_before: f64,
    reached: f64,
    number: u64,
}

impl<'a> Arrivals<'a> {
    pub fn new(workload: &'a Workload) -> Arrivals<'a> {
        Arrivals {
            curve: &workload.curve,
            pattern: workload.arrivals,
            rng: Pcg64Mcg::seed_from_u64(workload.seed),
            segment: 0,
            area_before: 0.0,
            reached: 0.0,
            number: 0,
        }
    }
}

impl Iterator for Arrivals<'_> {
    /// Number and due time in seconds.
    type Item = (u64, f64);

    fn next(&mut self) -> Option<(u64, f64)> {
        self.reached = match self.pattern {
            ArrivalPattern::Even => self.number as f64 + 0.5,
            ArrivalPattern::Poisson => self.reached - (1.0 - self.rng.random::<f64>()).ln(),
        };
        loop {
            let (a, b) = (*self.curve.points.get(self.segment)?, *self.curve.points.get(self.segment + 1)?);
            let length = b.at_seconds - a.at_seconds;
            let area = length * (a.value + b.value) / 2.0;
            if self.reached >= self.area_before + area {
                self.area_before += area;
                self.segment += 1;
                continue;
            }
            let number = self.number;
            self.number += 1;
            return Some((
                number,
                a.at_seconds + time_to_area(self.reached - self.area_before, length, a.value, b.value),
            ));
        }
    }
}

/// The t in 0..=length where ∫₀ᵗ (from + (to−from)·x/length) dx = area, by the form of the quadratic's root that does
/// not cancel when the slope is small. That form is 0/0 where nothing is due of a segment that begins at nothing.
fn time_to_area(area: f64, length: f64, from: f64, to: f64) -> f64 {
    if area <= 0.0 {
        return 0.0;
    }
    let slope = (to - from) / length;
    let root = (from * from + 2.0 * slope * area).max(0.0).sqrt();
    (2.0 * area / (from + root)).min(length)
}
