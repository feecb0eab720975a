//! Objectives, validity and session fates to one verdict: a pure function.

mod continuity;
mod decide;
mod findings;
#[cfg(test)]
pub mod fixture;
mod objectives;
mod symptoms;
mod validity;

pub use decide::decide;
pub use findings::*;

#[cfg(test)]
mod tests;
