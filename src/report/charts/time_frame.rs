use super::TimeAxis;
use super::axis::Axis;
use super::marks::Marks;
use super::palette::Colour;
use super::plot::{Plot, XLabels};
use super::sheet::{Area, Key};
use super::{Series, marks};
use crate::analysis::ColumnFigures;
use crate::history::Offset;
use crate::report::Subject;
use std::time::Duration;

/// What charts over the run's time have in common: the time axis, marks of events, plots below each other.
pub(super) struct TimeFrame<'s> {
    subject: &'s Subject<'s>,
    marks: Marks,
    until: f64,
}

impl<'s> TimeFrame<'s> {
    pub(super) fn new(subject: &'s Subject<'s>) -> TimeFrame<'s> {
        let columns = &subject.analysis.columns;
        let until = (columns.list.len() as f64 * f64::from(columns.seconds_each)).max(1.0);
        TimeFrame { subject, marks: marks::Marks::new(subject, until), until }
    }

    pub(super) fn until(&self) -> f64 {
        self.until
    }

    pub(super) fn key(&self) -> Option<Key> {
        self.marks.key(self.subject)
    }

    /// The height that plots of these heights come to.
    pub(super) fn height(&self, plots: &[i32]) -> i32 {
        self.marks.height() + plots.iter().sum::<i32>()
    }

    /// Plots below each other, from the axes and heights given, with events marked behind the data.
    pub(super) fn plots<'a>(&self, area: &Area<'a>, axes: Vec<(Axis, i32)>) -> Vec<(Plot<'a>, Area<'a>)> {
        let (strip, mut rest) = area.split_vertically(self.marks.height());
        self.marks.write(&strip);
        let count = axes.len();
        let mut plots = Vec::new();
        for (index, (y, height)) in axes.into_iter().enumerate() {
            let (here, below) = rest.split_vertically(height);
            rest = below;
            let labels = if index + 1 == count { XLabels::Shown } else { XLabels::Left };
            let plot = Plot::new(&here, Axis::time(0.0, self.until), y, labels);
            self.marks.draw(&plot);
            plots.push((plot, here));
        }
        plots
    }

    pub(super) fn time_axis(&self, plots: &[(Plot, Area)], series: Vec<Series>) -> Option<TimeAxis> {
        let (first, last) = (plots.first()?.0.pixels(), plots.last()?.0.pixels());
        Some(TimeAxis {
            plot_left: first.0.start,
            plot_right: first.0.end,
            plot_top: first.1.start,
            plot_bottom: last.1.end,
            from_second: 0.0,
            to_second: self.until,
            column_seconds: self.subject.analysis.columns.seconds_each,
            series,
        })
    }

    pub(super) fn columns(&self) -> &'s [ColumnFigures] {
        &self.subject.analysis.columns.list
    }

    pub(super) fn seconds_each(&self) -> f64 {
        f64::from(self.subject.analysis.columns.seconds_each)
    }

    /// A value of each column, at its middle.
    pub(super) fn points(&self, values: &[Option<f64>]) -> Vec<(f64, Option<f64>)> {
        values.iter().enumerate().map(|(index, value)| ((index as f64 + 0.5) * self.seconds_each(), *value)).collect()
    }

    /// What is known of the moment in the middle of each column.
    pub(super) fn values_at(&self, value: impl Fn(Offset) -> Option<f64>) -> Vec<Option<f64>> {
        let start = self.subject.analysis.load_start_us;
        let middle = |column: usize| start + Duration::from_secs_f64((column as f64 + 0.5) * self.seconds_each());
        (0..self.columns().len()).map(|column| value(middle(column))).collect()
    }

    /// What was counted in each second, summed up by column, as a rate.
    pub(super) fn rates(&self, by_second: impl Iterator<Item = u64>) -> Vec<f64> {
        let each = self.seconds_each() as usize;
        let mut sums = vec![0_u64; self.columns().len()];
        by_second.enumerate().for_each(|(second, count)| {
            if let Some(sum) = sums.get_mut(second / each) {
                *sum += count;
            }
        });
        sums.into_iter().map(|sum| sum as f64 / self.seconds_each()).collect()
    }

    /// Bars of each column on top of each other, from the bottom up.
    pub(super) fn stack(&self, plot: &Plot, layers: &[(Colour, f64, &[f64])]) {
        let mut floor = vec![0.0; self.columns().len()];
        for (colour, opacity, rates) in layers {
            let ceiling: Vec<f64> = floor.iter().zip(*rates).map(|(low, rate)| low + rate).collect();
            plot.field(&self.corners(&floor), &self.corners(&ceiling), *colour, *opacity);
            floor = ceiling;
        }
    }

    fn corners(&self, values: &[f64]) -> Vec<(f64, f64)> {
        let each = self.seconds_each();
        let bar = |(i, v): (usize, &f64)| [(i as f64 * each, *v), ((i + 1) as f64 * each, *v)];
        values.iter().enumerate().flat_map(bar).collect()
    }

    /// The greatest of the samples in each column.
    pub(super) fn sampled(&self, value: impl Fn(&crate::history::Sample) -> Option<f64>) -> Vec<Option<f64>> {
        let mut most: Vec<Option<f64>> = vec![None; self.columns().len()];
        for sample in self.subject.samples {
            // A sample tells of the second before it.
            let at = (sample.at_us.0 - self.subject.analysis.load_start_us.0) as f64 / 1e6 - 0.5;
            let column = (at >= 0.0).then(|| (at / self.seconds_each()) as usize);
            if let Some(most) = column.and_then(|column| most.get_mut(column))
                && let Some(value) = value(sample)
            {
                *most = Some(most.map_or(value, |most| most.max(value)));
            }
        }
        most
    }
}

pub(super) fn series(name: impl Into<String>, unit: &'static str, values: Vec<Option<f64>>) -> Series {
    Series { name: name.into(), unit, values }
}

pub(super) fn greatest<'v>(values: impl IntoIterator<Item = &'v Option<f64>>) -> f64 {
    values.into_iter().flatten().copied().fold(0.0, f64::max)
}
