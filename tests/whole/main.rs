//! Whole runs of the program, as a user would start it.

mod audit;
mod bad_days;
mod cluster;
mod comparing;
mod defects;
#[cfg(feature = "aws")]
mod dynamodb;
mod exit_codes;
mod faults;
mod formats;
mod named_store;
mod protocols;
mod suite;
mod support;
