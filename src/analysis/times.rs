use super::{DistributionPoint, RequestFigures, TimeFigures};
use crate::history::Observation;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriter, Tag};
use std::time::Duration;

pub(super) type LogWriter<'a, 'b> = IntervalLogWriter<'a, 'b, Vec<u8>, V2DeflateSerializer>;

/// Response or service times: microseconds from 1 to one hour, three significant digits. Percentiles of several of
/// these are those of their sum, never a mean of percentiles.
#[derive(Clone, Debug)]
pub(super) struct Times {
    histogram: Histogram<u64>,
}

impl Times {
    pub(super) const LONGEST_US: u64 = 3_600_000_000;

    pub(super) fn new() -> Times {
        // It grows to the longest time met, so that a fast step costs little memory.
        let mut histogram = Histogram::new(3).expect("three digits are within the limits");
        histogram.auto(true);
        Times { histogram }
    }

    pub(super) fn record(&mut self, microseconds: u64) {
        self.record_n(microseconds, 1);
    }

    pub(super) fn record_n(&mut self, microseconds: u64, count: u64) {
        let value = microseconds.clamp(1, Self::LONGEST_US);
        self.histogram.record_n(value, count).expect("it grows as needed");
    }

    pub(super) fn add(&mut self, other: &Times) {
        self.histogram.add(&other.histogram).expect("it grows as needed");
    }

    /// Forgets what was recorded and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.histogram.reset();
    }

    pub(super) fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// At a quantile between 0 and 1; 0 when empty.
    pub(super) fn quantile_ms(&self, quantile: f64) -> f64 {
        self.histogram.value_at_quantile(quantile) as f64 / 1e3
    }

    pub(super) fn max_ms(&self) -> f64 {
        self.histogram.max() as f64 / 1e3
    }

    /// Each distinct time, in microseconds and to the histogram's digits, with how often it was met; in order.
    pub(super) fn recorded(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.histogram.iter_recorded().map(|v| (v.value_iterated_to(), v.count_at_value()))
    }

    /// The points HdrHistogram prints: five between each two halvings of what is left to 1.
    pub(super) fn distribution(&self) -> Vec<DistributionPoint> {
        let point = |v: hdrhistogram::iterators::IterationValue<u64>| DistributionPoint {
            quantile: v.quantile_iterated_to(),
            response_time_ms: v.value_iterated_to() as f64 / 1e3,
        };
        self.histogram.iter_quantiles(5).map(point).collect()
    }

    /// As a line of an interval log.
    pub(super) fn write(&self, log: &mut LogWriter, from: Duration, lasting: Duration, tag: Tag) {
        log.write_histogram(&self.histogram, from, lasting, Some(tag)).expect("a Vec takes all bytes");
    }

    pub(super) fn figures(&self) -> TimeFigures {
        if self.histogram.is_empty() {
            return TimeFigures::default();
        }
        TimeFigures {
            count: self.histogram.len(),
            mean_ms: self.histogram.mean().round() / 1e3,
            p50_ms: self.quantile_ms(0.5),
            p90_ms: self.quantile_ms(0.9),
            p99_ms: self.quantile_ms(0.99),
            p999_ms: self.quantile_ms(0.999),
            max_ms: self.max_ms(),
        }
    }
}

/// Both times of a set of requests, and how many went wrong.
#[derive(Clone, Debug)]
pub(super) struct Requests {
    response: Times,
    service: Times,
    errors: u64,
}

impl Requests {
    pub(super) fn new() -> Requests {
        Requests { response: Times::new(), service: Times::new(), errors: 0 }
    }

    pub(super) fn take(&mut self, row: &Observation) {
        self.response.record(row.response_time().as_micros() as u64);
        self.service.record(row.service_time().as_micros() as u64);
        self.errors += u64::from(row.outcome.is_error());
    }

    pub(super) fn distribution(&self) -> Vec<DistributionPoint> {
        self.response.distribution()
    }

    pub(super) fn add(&mut self, other: &Requests) {
        self.response.add(&other.response);
        self.service.add(&other.service);
        self.errors += other.errors;
    }

    pub(super) fn figures(&self) -> RequestFigures {
        RequestFigures {
            count: self.response.count(),
            errors: self.errors,
            response_time: self.response.figures(),
            service_time: self.service.figures(),
        }
    }
}
