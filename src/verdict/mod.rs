//! Objectives, validity and session fates to one verdict: a pure function.

mod decide;
mod findings;

pub use decide::decide;
pub use findings::*;
