use super::StoreFindings;
use crate::history::{FleetChange, Offset};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The figures of a run. Times are in milliseconds where the name says so, else microseconds of the run's clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Analysis {
    pub load_start_us: Offset,
    /// The load's end as its event says, else the last byte seen.
    pub load_end_us: Offset,
    pub requests: RequestFigures,
    pub steps: Vec<StepFigures>,
    /// By name.
    pub instances: Vec<InstanceFigures>,
    pub balance: BalanceFigures,
    /// None where the capacity of an instance, or how many there were, is not known.
    pub elasticity: Option<ElasticityFigures>,
    pub connections: ConnectionFigures,
    /// Requests by balancer address.
    pub addresses: BTreeMap<String, u64>,
    /// Requests by outcome, such as `ok` or `timeout`.
    pub outcomes: BTreeMap<String, u64>,
    /// Instances that went under load, in the order of time.
    pub departures: Vec<DepartureFigures>,
    /// Times in which requests failed and none was answered as expected, in order.
    #[serde(default)]
    pub unserved: Vec<UnservedFigures>,
    /// Actions that were carried out, by name.
    pub actions: BTreeMap<String, u64>,
    pub generator: GeneratorFigures,
    pub seconds: Vec<SecondFigures>,
    /// The same load in few enough parts to be drawn.
    pub columns: Columns,
    /// Response time of the whole run.
    pub distribution: Vec<DistributionPoint>,
    /// Response times (µs) by interval and by phase, step and instance: lines of an HdrHistogram interval log, which has
    /// a file of its own. Each request is in one line of each of the three families of tags.
    #[serde(skip)]
    pub interval_log: Vec<u8>,
    /// Before, during and after the first scale-out (or, with none, the first other change). None without a change.
    pub phases: Option<Phases>,
    /// A row for each new instance, in order of launch.
    pub stages: Vec<InstanceStages>,
    /// The first minute of each new instance, in the order of `stages`.
    pub warm_ups: Vec<WarmUpCourse>,
    /// None where no store was watched.
    pub store: Option<StoreFindings>,
    pub objectives: Vec<ObjectiveFigures>,
}

/// Instances that went together, and the requests that failed in the seconds around it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DepartureFigures {
    pub instances: Vec<String>,
    /// `drained`, `frozen`, `ended` (was asked to, without being drained) or `died`.
    pub manner: String,
    pub at_us: Offset,
    /// When the last of them had ended, and the balancer had missed it.
    pub until_us: Offset,
    /// Not as expected, under way when they went or sent within 3 s of it, and answered by no other instance.
    pub failed_requests: u64,
    /// The zone, where it was its outage that took them; `at_us` is the outage's begin then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dark_zone: Option<String>,
}

/// Figures of a set of requests.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RequestFigures {
    pub count: u64,
    /// Outcome other than `ok`.
    pub errors: u64,
    /// Intended start to last byte.
    pub response_time: TimeFigures,
    /// Sent to last byte.
    pub service_time: TimeFigures,
}

/// Quantiles of a histogram (1 µs to 1 h, three significant digits), in milliseconds. All zero when empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TimeFigures {
    pub count: u64,
    pub mean_ms: f64,
    pub p50_ms: f64,
    pub p90_ms: f64,
    pub p99_ms: f64,
    pub p999_ms: f64,
    pub max_ms: f64,
}

/// A time in which nobody was served, to a tenth of a second.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnservedFigures {
    pub from_us: Offset,
    pub seconds: f64,
    /// Whose last byte came, or which were given up, in it.
    pub failed_requests: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepFigures {
    pub scenario: String,
    pub step: String,
    #[serde(flatten)]
    pub requests: RequestFigures,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InstanceFigures {
    pub instance: String,
    pub zone: Option<String>,
    pub new: bool,
    #[serde(flatten)]
    pub requests: RequestFigures,
    /// Answered with a 5xx: it could not serve them.
    pub server_errors: u64,
    /// Responses in each second from the load's start.
    pub per_second: Vec<u32>,
}

/// How evenly requests were spread over the run; of nothing, 1 and 0.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BalanceFigures {
    /// Jain's index (Σx)²/(n·Σx²) over instances, of their mean rates while they served.
    pub instances_jain: f64,
    /// Standard deviation over mean.
    pub instances_cv: f64,
    pub zones_jain: f64,
    pub zones_cv: f64,
}

/// How closely the fleet followed the load, by the SPEC Research Group's metrics, normalised by demand. Demand is the
/// offered rate over the capacity of an instance, rounded up; supply the instances healthy at the balancer. Shares, from
/// 0 (never).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ElasticityFigures {
    /// Demand and supply are taken over intervals this long.
    pub interval_seconds: u32,
    /// Instances that were missing, over those needed: the mean over time.
    pub under_accuracy: f64,
    /// Instances that were there beyond those needed, over those needed: the mean over time.
    pub over_accuracy: f64,
    /// Share of the time in which instances were missing, and in which there were more than needed.
    pub under_timeshare: f64,
    pub over_timeshare: f64,
    /// Share of the steps from one interval to the next in which demand and supply did not move the same way.
    pub instability: f64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionFigures {
    pub kept: u64,
    pub opened: u64,
    pub reopened: u64,
}

/// Whether the generator kept to its plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GeneratorFigures {
    pub arrivals_due: u64,
    pub arrivals_owed: u64,
    /// Intended to actual start of requests on connections that were there already (opening one is the target's time as
    /// much as ours).
    pub scheduling_lag: TimeFigures,
    /// What of the lag the run is judged by: [`GeneratorFigures::BEYOND`] requests were later than this, and they are
    /// the share beyond this quantile. The 99th percentile where there are enough requests.
    #[serde(default)]
    pub lag_quantile: f64,
    #[serde(default)]
    pub lag_at_quantile_ms: f64,
    /// Share of the time that the load threads were busy: greatest of a second, and the mean.
    pub load_thread_busy_max: f64,
    pub load_thread_busy_mean: f64,
    /// Seconds sampled under load, and those of them in which the load threads were busy for over
    /// [`GeneratorFigures::BUSY`].
    pub seconds_sampled: u64,
    pub seconds_busy: u64,
    pub observations_lost: u64,
    pub sessions_in_flight_max: u64,
}

impl GeneratorFigures {
    /// Load threads busier than this have no room left to keep to the plan.
    pub const BUSY: f64 = 0.9;
    /// A quantile with fewer requests beyond it tells of one pause of the machine, and not of how the load was made.
    pub const BEYOND: u64 = 10;
}

/// A second by intended start, counted from the load's start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SecondFigures {
    pub second: u32,
    /// Due in this second: what was offered.
    pub requests: u64,
    pub errors: u64,
    /// Whose last byte came in this second, whenever they were due: what was achieved.
    pub completed: u64,
    pub p50_ms: f64,
    pub p90_ms: f64,
    pub p99_ms: f64,
    pub p999_ms: f64,
    pub max_ms: f64,
    /// As [`GeneratorFigures::scheduling_lag`].
    pub scheduling_lag_p99_ms: f64,
}

/// The run in parts of equal length, a few hundred at most. The percentiles of a part are those of all its requests,
/// never made from those of its seconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Columns {
    pub seconds_each: u32,
    pub list: Vec<ColumnFigures>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnFigures {
    /// Figures of all seconds of the part; `second` is its first.
    #[serde(flatten)]
    pub figures: SecondFigures,
    /// How its response times lie: bin and number of requests, for bins that have any, in order. Bin *n* holds times
    /// from [`ColumnFigures::bin_from_ms`]`(n)` to `(n + 1)`.
    pub bins: Vec<(u16, u64)>,
}

impl ColumnFigures {
    /// Bins are equally wide on a logarithmic scale.
    pub const BINS_PER_DECADE: u16 = 10;

    /// Lower edge of a bin; bin 0 begins at 1 µs.
    pub fn bin_from_ms(bin: u16) -> f64 {
        10_f64.powf(f64::from(bin) / f64::from(Self::BINS_PER_DECADE)) / 1e3
    }
}

/// A share of requests, and the response time that they do not exceed: HdrHistogram's percentile points.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DistributionPoint {
    /// From 0 to 1.
    pub quantile: f64,
    pub response_time_ms: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Phases {
    pub change: FleetChange,
    /// Seconds of the run at which `during` begins and ends. It ends at the last new instance's fair share, or 60 s
    /// after it began.
    pub during_from_second: u32,
    pub during_to_second: u32,
    pub before: TimeFigures,
    pub during: TimeFigures,
    pub after: TimeFigures,
    pub distribution: PhaseDistributions,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PhaseDistributions {
    pub before: Vec<DistributionPoint>,
    pub during: Vec<DistributionPoint>,
    pub after: Vec<DistributionPoint>,
}

/// When, by whom, and how exactly known; or why it is not known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Stamp {
    At { at_us: Offset, source: String, resolution_us: u64 },
    Unknown { reason: String },
}

impl Stamp {
    pub fn at(&self) -> Option<Offset> {
        match self {
            Stamp::At { at_us, .. } => Some(*at_us),
            Stamp::Unknown { .. } => None,
        }
    }
}

/// The way of one new instance from too much load to its fair share of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InstanceStages {
    pub instance: String,
    pub zone: Option<String>,
    pub t0_load_exceeds_capacity: Stamp,
    pub t1_objective_broken: Stamp,
    pub t2_alarm: Stamp,
    pub t3_activity: Stamp,
    pub t4_launched: Stamp,
    pub t5_in_service: Stamp,
    pub t6_healthy: Stamp,
    pub t7_first_response: Stamp,
    pub t8_first_adoption: Stamp,
    pub t9_fair_share: Stamp,
    pub t10_objective_holds: Stamp,
    /// Seconds from one stage to the next known one, such as `alarm → activity`, in order.
    pub steps: Vec<StageStep>,
    pub warm_up: Option<WarmUpPenalty>,
}

impl InstanceStages {
    /// All stages, in the order in which they are counted, by the names people know them by.
    pub fn named(&self) -> [(&'static str, &Stamp); 11] {
        [
            ("load exceeds capacity", &self.t0_load_exceeds_capacity),
            ("objective broken", &self.t1_objective_broken),
            ("alarm", &self.t2_alarm),
            ("activity", &self.t3_activity),
            ("launched", &self.t4_launched),
            ("in service", &self.t5_in_service),
            ("healthy", &self.t6_healthy),
            ("first response", &self.t7_first_response),
            ("first adoption", &self.t8_first_adoption),
            ("fair share", &self.t9_fair_share),
            ("objective holds again", &self.t10_objective_holds),
        ]
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageStep {
    pub from: String,
    pub to: String,
    pub seconds: f64,
}

/// The first seconds of a new instance beside its peers in the same seconds (service time).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct WarmUpPenalty {
    pub seconds: u32,
    pub requests: u64,
    pub p99_ms: f64,
    pub peers_requests: u64,
    pub peers_p99_ms: f64,
    /// p99 over the peers' p99.
    pub ratio: f64,
}

/// The first minute of a new instance, second by second, beside its peers in the same seconds (service time). Peers are
/// instances that are not in their own first minute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WarmUpCourse {
    pub instance: String,
    /// Second of the run, from the load's start, in which its first response was complete: the first of `seconds`.
    pub from_second: u32,
    pub seconds: Vec<WarmUpSecond>,
}

/// By last byte. Percentiles of nothing are absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WarmUpSecond {
    pub requests: u64,
    pub p50_ms: Option<f64>,
    pub p99_ms: Option<f64>,
    pub peers_requests: u64,
    pub peers_p50_ms: Option<f64>,
    pub peers_p99_ms: Option<f64>,
}

/// What was measured for an objective, window by window; in the order of [`crate::plan::Plan::objectives`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ObjectiveFigures {
    /// Empty when the event the window is anchored at never happened.
    pub windows: Vec<WindowFigures>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WindowFigures {
    pub from_us: Offset,
    pub to_us: Offset,
    /// The change the window is around.
    pub change_us: Option<Offset>,
    pub requests: u64,
    pub errors: u64,
    /// Requests answered (any status).
    pub answered: u64,
    /// At the objective's quantile, for response and service time objectives.
    pub quantile_ms: Option<f64>,
    /// Jain's index of requests over instances in the window.
    pub jain: Option<f64>,
    /// For recovery objectives: seconds from the change until the response time holds again (0: it never broke). None
    /// when it does not.
    pub recovery_seconds: Option<f64>,
}
