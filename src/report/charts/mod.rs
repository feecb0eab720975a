//! The charts, as SVG, a file each. What they share: the sheet (title, legend, the SVG around it), axes, plots with a
//! time axis, marks of events, colours.

mod adoption;
mod answers;
mod axis;
mod chart;
mod cloudwatch;
mod comparison;
mod distribution;
mod generator;
mod handoffs;
mod instances;
mod marks;
mod palette;
mod plot;
#[cfg(feature = "png")]
mod png;
mod rates;
mod response_time;
mod scale_out;
mod sheet;
mod time_frame;
mod trend;
mod warm_up;

pub use chart::{Chart, Series, TimeAxis, charts};
pub(super) use comparison::comparison;
pub(super) use palette::style_sheet;
#[cfg(feature = "png")]
pub use png::Painter;
pub(super) use trend::trend;

#[cfg(test)]
mod tests;
