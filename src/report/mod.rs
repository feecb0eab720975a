//! What people and tools read, a file a format. Returns bytes, prints nothing.

mod aftermath;
mod annotations;
mod audit;
mod charts;
mod comparison;
mod exposition;
mod files;
mod histogram_log;
mod html;
mod junit;
mod markdown;
mod matrix;
mod prometheus;
mod seconds_csv;
mod sections;
mod subject;
mod summary;
mod terminal;
mod text;
mod trend;
mod wording;

pub use annotations::annotations;
pub use audit::{audit, audit_junit};
#[cfg(feature = "png")]
pub use charts::Painter;
pub use charts::{Chart, Series, TimeAxis, charts};
pub use comparison::{comparison, comparison_files};
pub use exposition::{Exposition, Kind};
pub use files::files;
pub use html::html;
pub use junit::junit;
pub use markdown::markdown;
pub use matrix::{SuiteResult, SuiteRow, matrix};
pub use prometheus::prometheus;
pub use seconds_csv::seconds_csv;
pub use subject::{ReportFile, Subject};
pub use summary::{summary_json, summary_schema};
pub use terminal::terminal;
pub use text::{Style, printable};
pub use trend::{trend, trend_file};

#[cfg(test)]
mod tests;
