//! Whole runs of the program, as a user would start it.

#[cfg(feature = "aws")]
mod access_logs;
mod app;
mod audit;
#[cfg(feature = "aws")]
mod aws_fleet;
mod bad_days;
mod comparing;
mod defects;
#[cfg(feature = "aws")]
mod dynamodb;
mod exit_codes;
mod faults;
mod formats;
mod named_store;
mod protocols;
mod store;
mod suite;
mod support;
