//! A run's results to where a team's dashboards and alarms are. What cannot be published changes no verdict.

#[cfg(feature = "aws")]
mod cloudwatch;
mod figures;

#[cfg(feature = "aws")]
pub use cloudwatch::to_cloudwatch;
pub use figures::{Figure, Unit, figures};
