//! What people and tools read, a file a format. Returns bytes, prints nothing.

mod charts;
mod comparison;
mod files;
mod histogram_log;
mod json;
mod sections;
mod subject;
mod terminal;
mod text;
mod trend;

#[cfg(feature = "png")]
pub use charts::Painter;
pub use charts::{Chart, Series, TimeAxis, charts};
pub use comparison::{comparison, comparison_files};
pub use files::files;
pub use json::json;
pub use subject::{ReportFile, Subject};
pub use terminal::terminal;
pub use text::Style;
pub use trend::{trend, trend_file};

#[cfg(test)]
mod tests;
