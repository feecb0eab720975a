//! Response time, scale-out in stages, balance: a pure function of a run's rows, events and samples, fed one row at a
//! time. What it keeps grows with instances, steps and seconds, not with requests.

mod analyser;
mod balance;
mod columns;
mod compact;
mod departures;
mod elasticity;
mod findings;
mod interval_times;
mod objective;
mod seconds;
mod stages;
mod store;
mod times;
mod unserved;
mod warm_up;
mod warm_up_course;
mod windows;

pub use analyser::Analyser;
pub use compact::CompactTimes;
pub use findings::*;
pub use store::{StoreFindings, StoreOutage};

#[cfg(test)]
mod tests;
