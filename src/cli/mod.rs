//! One file a command; the only place that prints.

pub mod check;
pub mod schema;
