//! Whole runs of the program, as a user would start it.

mod audit;
mod bad_days;
mod comparing;
mod defects;
mod exit_codes;
mod formats;
mod named_store;
mod protocols;
mod suite;
mod support;
