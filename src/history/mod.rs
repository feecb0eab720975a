//! What a run saw, as plain data. Producers (`load`, `fleet`, `lab`) fill these in; the oracle and the
//! analysis read them back from disk.

mod appearance;
mod change;
mod clock;
mod cloudwatch;
mod event;
mod fingerprint;
#[cfg(test)]
pub mod fixture;
mod names;
mod observation;
mod origin;
mod sample;
mod served_by;
mod trace;

pub use appearance::{Appearance, Appearances};
pub use change::{FleetChange, INSTANCE_GONE, SCALE_IN, SCALE_OUT, UNCHANGING, caused_by, load_start};
pub use clock::{Offset, RunClock};
pub use cloudwatch::{CloudWatchMetrics, MetricOf, MetricPoint, MetricSeries};
pub use event::{Event, EventKind, EventSource, Notice};
pub use fingerprint::Fingerprinter;
pub use names::{NameId, Names};
pub use observation::{ConnectionUse, Failure, Identity, Observation, Outcome, SessionNumber, StateOp, StepId};
pub use origin::{Machine, Origin};
pub use sample::{
    CanaryGauges, FleetGauges, GeneratorGauges, PrimaryGauges, Sample, SessionKeyGauges, StoreGauges, StoreNodeGauges,
    StoreRole, TableGauges,
};
pub use served_by::{Served, ServedBy};
pub use trace::{RequestKey, TraceRoot};
