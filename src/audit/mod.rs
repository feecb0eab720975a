//! The audit: what can be seen of a deployment from outside, against known good practice. It looks and tries, and leaves
//! everything as it was.

mod application;
#[cfg(feature = "aws")]
mod aws;
mod check;
mod conduct;
mod routing;
mod sessions;
mod store;
#[cfg(feature = "aws")]
mod table;
mod timeouts;

#[cfg(feature = "aws")]
pub use aws::audit_aws;
pub use check::{Check, CheckResult, outcome};
pub use conduct::{Audited, Progress};
pub use timeouts::{TimeOuts, not_waited_for};
