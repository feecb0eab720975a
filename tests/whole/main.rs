//! Whole runs of the program, as a user would start it.

#[cfg(feature = "aws")]
mod access_logs;
mod audit;
#[cfg(feature = "aws")]
mod aws_fleet;
mod bad_days;
mod comparing;
mod defects;
mod exit_codes;
mod formats;
mod protocols;
mod support;
