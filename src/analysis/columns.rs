use super::seconds::Seconds;
use super::times::Times;
use super::{ColumnFigures, Columns, SecondFigures};
use crate::history::{ConnectionUse, Observation, Offset};
use std::ops::Range;

/// What of a run's pace response times do not tell, second by second: the achieved rate and the scheduling lag. With
/// [`Seconds`] it makes the figures of seconds and columns.
#[derive(Debug)]
pub(super) struct Pace {
    start: Offset,
    completed: Vec<u32>,
    lag: Seconds,
}

impl Pace {
    /// Rows that end later than this after the start are not counted (eleven days).
    const MOST_SECONDS: usize = 1_000_000;
    /// As many as a chart has room for.
    const MOST_COLUMNS: usize = 400;
    /// Lengths of a column that a reader can reckon with.
    const SECONDS_EACH: [usize; 14] = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200];

    pub(super) fn new(start: Offset) -> Pace {
        Pace { start, completed: Vec::new(), lag: Seconds::default() }
    }

    pub(super) fn take(&mut self, row: &Observation) {
        let second = row.last_byte.since(self.start).as_secs() as usize;
        if row.last_byte >= self.start && second < Self::MOST_SECONDS {
            if self.completed.len() <= second {
                self.completed.resize(second + 1, 0);
            }
            self.completed[second] += 1;
        }
        if row.connection == ConnectionUse::Kept && row.intended >= self.start {
            let lag_us = row.started.since(row.intended).as_micros() as u64;
            self.lag.take(row.intended.since(self.start).as_secs(), lag_us, false);
        }
    }

    fn len(&self, seconds: &Seconds) -> usize {
        seconds.len().max(self.completed.len())
    }

    pub(super) fn seconds(&self, seconds: &Seconds) -> Vec<SecondFigures> {
        let second = |second| self.figures(second..second + 1, seconds, &seconds.times(second..second + 1));
        (0..self.len(seconds)).map(second).collect()
    }

    pub(super) fn columns(&self, seconds: &Seconds) -> Columns {
        let len = self.len(seconds);
        let fits = |each: &&usize| len.div_ceil(**each) <= Self::MOST_COLUMNS;
        let each = *Self::SECONDS_EACH.iter().find(fits).unwrap_or(&len.div_ceil(Self::MOST_COLUMNS));
        let column = |from: usize| {
            let span = from..(from + each).min(len);
            let times = seconds.times(span.clone());
            ColumnFigures { figures: self.figures(span, seconds, &times), bins: bins(&times) }
        };
        Columns { seconds_each: each as u32, list: (0..len).step_by(each).map(column).collect() }
    }

    /// `times`: the response times of the span.
    fn figures(&self, span: Range<usize>, seconds: &Seconds, times: &Times) -> SecondFigures {
        let completed = |second: usize| u64::from(self.completed.get(second).copied().unwrap_or(0));
        SecondFigures {
            second: span.start as u32,
            requests: times.count(),
            errors: span.clone().map(|second| seconds.errors(second)).sum(),
            completed: span.clone().map(completed).sum(),
            p50_ms: times.quantile_ms(0.5),
            p90_ms: times.quantile_ms(0.9),
            p99_ms: times.quantile_ms(0.99),
            p999_ms: times.quantile_ms(0.999),
            max_ms: times.max_ms(),
            scheduling_lag_p99_ms: self.lag.times(span).quantile_ms(0.99),
        }
    }
}

/// Equally wide on a logarithmic scale, from 1 µs.
fn bins(times: &Times) -> Vec<(u16, u64)> {
    let mut bins: Vec<(u16, u64)> = Vec::new();
    for (us, count) in times.recorded() {
        let bin = ((us.max(1) as f64).log10() * f64::from(ColumnFigures::BINS_PER_DECADE)) as u16;
        match bins.last_mut() {
            Some((last, sum)) if *last == bin => *sum += count,
            _ => bins.push((bin, count)),
        }
    }
    bins
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::fixture::{at, row};
    use crate::plan::fixture::PAGE;
    use std::time::Duration;

    fn seen(rows: impl IntoIterator<Item = Observation>) -> (Pace, Seconds) {
        let (mut pace, mut seconds) = (Pace::new(at(0.0)), Seconds::default());
        for row in rows {
            pace.take(&row);
            seconds.take(row.intended.0 as u64 / 1_000_000, row.response_time().as_micros() as u64, false);
        }
        (pace, seconds)
    }

    #[test]
    fn what_is_offered_in_a_second_may_be_achieved_in_a_later_one() {
        let late = |n: u32| row(1, PAGE, f64::from(n) * 0.1).taking(Duration::from_millis(1500));
        let (pace, seconds) = seen((0..10).map(late));
        let told = pace.seconds(&seconds);
        assert_eq!(told.iter().map(|s| s.requests).collect::<Vec<_>>(), [10, 0, 0]);
        assert_eq!(told.iter().map(|s| s.completed).collect::<Vec<_>>(), [0, 5, 5]);
    }

    #[test]
    fn lag_is_told_for_connections_that_were_there() {
        let late = |connection, ms: u64| {
            let mut row = row(1, PAGE, 0.5);
            row.started = row.intended + Duration::from_millis(ms);
            row.connection = connection;
            row
        };
        let (pace, seconds) = seen([late(ConnectionUse::Kept, 3), late(ConnectionUse::Opened, 300)]);
        assert_eq!(pace.seconds(&seconds)[0].scheduling_lag_p99_ms.round(), 3.0);
    }

    /// One slow request in each second's hundred: the p99 of seconds is a fast one or the slow one by rounding, the p999
    /// of a column of ten seconds is that of its thousand.
    #[test]
    fn a_column_has_the_percentiles_of_all_its_requests() {
        let rows = (0..1000u32).flat_map(|second| {
            (0..20u32).map(move |n| {
                let time = if second % 10 == 0 && n == 0 { 900 } else { 10 };
                row(1, PAGE, f64::from(second) + f64::from(n) * 0.05).taking(Duration::from_millis(time))
            })
        });
        let (pace, seconds) = seen(rows);
        let columns = pace.columns(&seconds);
        assert_eq!((columns.seconds_each, columns.list.len()), (5, 200), "1001 seconds at most");
        let first = &columns.list[0];
        assert_eq!(
            (first.figures.requests, first.figures.p99_ms.round(), first.figures.p50_ms.round()),
            (100, 10.0, 10.0)
        );
        assert_eq!(first.figures.max_ms.round(), 900.0);
        let of = |ms: f64| {
            move |bin: &&(u16, u64)| {
                ColumnFigures::bin_from_ms(bin.0) <= ms && ms < ColumnFigures::bin_from_ms(bin.0 + 1)
            }
        };
        assert_eq!(first.bins.iter().find(of(900.0)).map(|b| b.1), Some(1));
        assert_eq!(first.bins.iter().map(|b| b.1).sum::<u64>(), 100);
    }

    #[test]
    fn a_run_of_any_length_has_few_columns() {
        for last in [0.0, 399.0, 400.0, 86_400.0] {
            let (pace, seconds) = seen([row(1, PAGE, 0.0), row(1, PAGE, last)]);
            let columns = pace.columns(&seconds);
            assert!(columns.list.len() <= Pace::MOST_COLUMNS, "{last}: {}", columns.list.len());
            let requests: u64 = columns.list.iter().map(|c| c.figures.requests).sum();
            assert_eq!(requests, 2, "{last}");
        }
        assert_eq!(Pace::new(at(0.0)).columns(&Seconds::default()), Columns { seconds_each: 1, list: Vec::new() });
    }
}
