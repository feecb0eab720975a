//! The run directory: raw observations first, everything derived can be rebuilt from them.

mod manifest;

pub use manifest::{Ending, FORMAT_VERSION, Machine, Manifest};
