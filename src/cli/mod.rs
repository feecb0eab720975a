//! The commands, a file each. The only place that prints.

mod app;
mod args;
mod audit;
#[cfg(feature = "aws")]
mod aws;
mod baseline;
mod check;
mod compare;
mod dry_run;
mod exit;
mod github;
mod guard;
mod judge;
mod lab;
mod live;
mod profile;
mod relay;
mod report;
mod run;
mod schema;
mod signals;
mod start;
mod suite;
mod trend;

pub use exit::Exit;
pub use start::start;
