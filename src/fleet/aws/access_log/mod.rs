//! Who served, from the access logs of an Application Load Balancer: read from S3 after the run and found again by each
//! request's trace id.

mod key;
mod line;
mod logs;
mod source;

pub use key::Span;
pub use logs::AccessLogs;
pub use source::LogSource;
