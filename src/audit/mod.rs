//! The audit: what can be seen of a deployment from outside, against known good practice. It looks and tries, and leaves
//! everything as it was.

mod check;
mod conduct;
mod http;
mod routing;
mod sessions;
mod store;
#[cfg(feature = "aws")]
mod table;

pub use check::{Check, CheckResult, outcome};
pub use conduct::{Audited, audit};
