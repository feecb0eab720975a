//! A run's summary as one JSON object of its own: what pipelines may rely on, whatever the findings look like inside.

mod build;
mod model;

pub use build::{summary_json, summary_schema};
