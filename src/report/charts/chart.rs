use super::{
    adoption, answers, cloudwatch, distribution, generator, handoffs, instances, rates, response_time, scale_out,
    warm_up,
};
use crate::history::MetricOf;
use crate::report::Subject;

/// A picture of one thing that a run shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// Stem of its file name.
    pub name: &'static str,
    pub title: String,
    /// What is to be seen, with its key figures, for those who do not see the picture.
    pub description: String,
    /// Complete in itself; follows the reader's colour scheme.
    pub svg: String,
    /// Where it is plotted over the run's time, for pages that show values under the pointer.
    pub time_axis: Option<TimeAxis>,
}

/// The plot of a chart over time, in units of the SVG's `viewBox`.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeAxis {
    pub plot_left: i32,
    pub plot_right: i32,
    pub plot_top: i32,
    pub plot_bottom: i32,
    /// Seconds since the load's start at its left and right.
    pub from_second: f64,
    pub to_second: f64,
    /// A value of a series stands for so many seconds; the first begins at the load's start.
    pub column_seconds: u32,
    pub series: Vec<Series>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    pub name: String,
    pub unit: &'static str,
    pub values: Vec<Option<f64>>,
}

/// All charts that have something to show, in the order to look at them.
pub fn charts(subject: &Subject) -> Vec<Chart> {
    let all = [
        response_time::chart(subject),
        rates::chart(subject),
        instances::chart(subject),
        handoffs::chart(subject),
        adoption::chart(subject),
        scale_out::chart(subject),
        warm_up::chart(subject),
        answers::chart(subject),
        distribution::chart(subject),
        generator::chart(subject),
        cloudwatch::chart(subject, MetricOf::Balancer),
        cloudwatch::chart(subject, MetricOf::Group),
        cloudwatch::chart(subject, MetricOf::Store),
    ];
    all.into_iter().flatten().collect()
}
