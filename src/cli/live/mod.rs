//! A run as it happens: a panel on a terminal, a line each ten seconds elsewhere.

mod lines;
mod metrics;
mod panel;
mod screen;
mod show;
mod tally;
mod wording;

pub use metrics::{Endpoint, address};
pub use show::{Display, Show};
