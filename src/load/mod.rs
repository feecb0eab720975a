//! Makes the load and observes every request. Goose drives the users, hyper sends, and nothing is judged here.
//!
//! A run is made by a few load threads, each with a current-thread runtime, a goose attack of its own and a
//! [`crate::plan::Share`] of the arrivals and slots. What a thread touches for every request lives in its
//! `shard`, a thread-local, so that the hot path takes no lock.

mod answer;
mod attack;
mod compiled;
mod connection;
mod cookies;
mod exchange;
mod extract;
mod gauges;
mod html;
mod journey;
#[cfg(test)]
mod journey_tests;
mod notes;
mod nudge;
mod pacer;
mod perform;
mod pointer;
mod quiet;
mod render;
mod running;
mod shard;
mod tags;
mod target;
#[cfg(test)]
mod tests;
mod timer;
mod tls;
mod visit;

pub use gauges::LoadGauges;
pub use pacer::pacer_name;
pub use running::{Load, LoadError, LoadOptions, ObservationSink};
pub use target::{TargetError, probe};
pub use visit::{Answered, CookieHeld, Visit, Visits};
