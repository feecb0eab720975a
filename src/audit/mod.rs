//! The audit: what can be seen of a deployment from outside, against known good practice. It looks and tries, and leaves
//! everything as it was.

mod application;
mod check;
mod conduct;
mod routing;
mod sessions;
mod store;
mod timeouts;

pub use check::{Check, CheckResult, outcome};
pub use conduct::{Audited, Progress};
pub use timeouts::{TimeOuts, not_waited_for};
