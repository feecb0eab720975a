//! Whole runs of the program, as a user would start it.

mod audit;
mod bad_days;
mod comparing;
mod defects;
mod exit_codes;
mod formats;
mod protocols;
mod store;
mod support;
