//! What changed between two runs, or over a series of them: pure functions of what was found of each.
//! `docs/comparing-runs.md` has the method and its sources.

mod bootstrap;
mod cells;
mod change_points;
mod comparable;
mod counts;
mod decide;
mod findings;
#[cfg(test)]
pub mod fixture;
mod holm;
mod response_time;
mod stages;
mod trend;

pub use cells::{Cells, Collector};
pub use comparable::{Incomparable, comparable};
pub use decide::{Side, compare};
pub use findings::*;
pub use trend::{RunFigures, TooFewRuns, trend};

#[cfg(test)]
mod tests;
