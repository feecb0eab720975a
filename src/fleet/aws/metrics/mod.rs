//! What CloudWatch has of a run's time: balancer, Auto Scaling group and store, read after the run.

mod fetch;
mod query;
mod resources;

pub use fetch::read_metrics;
pub use resources::Resources;
