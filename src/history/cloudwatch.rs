use super::Offset;
use serde::{Deserialize, Serialize};

/// What Amazon CloudWatch has of the run's time: `cloudwatch.json`. Its own measurements, by its own clock and over its own
/// minutes, so they stand beside those of the run and are never mixed with them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CloudWatchMetrics {
    pub series: Vec<MetricSeries>,
    /// What could not be had, with what to do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trouble: Vec<String>,
}

/// One statistic of one metric of one resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricSeries {
    pub of: MetricOf,
    /// By CloudWatch's names, such as `AWS/ApplicationELB`, `TargetResponseTime`, `p99`, `Seconds`.
    pub namespace: String,
    pub metric: String,
    pub statistic: String,
    pub unit: String,
    /// What the metric is of: a balancer, a node of the store, …
    pub resource: String,
    pub period_seconds: u32,
    /// False: values of the run's time may still be missing.
    pub complete: bool,
    /// In order of time. A period without a value has none: for some metrics it means zero, for others that it is not known.
    pub points: Vec<MetricPoint>,
}

/// The value of the period that begins then.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricPoint {
    pub at_us: Offset,
    pub value: f64,
}

/// Which part of the fleet a metric is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MetricOf {
    Balancer,
    Group,
    Store,
}
