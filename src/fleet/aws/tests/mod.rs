//! The AWS fleet against a control plane under the SDK, on virtual time.

mod acting;
mod answers;
mod bad_days;
mod control_plane;
mod fixture;
mod request;
mod setup;
mod watching;
