//! The fleet (instances, balancer, store) as one thing that can be watched and changed. Providers tell what happens
//! through a channel of [`crate::history::Notice`]s and never judge.

#[cfg(feature = "aws")]
pub mod aws;
mod observe;
mod provider;

pub use observe::Observed;
pub use provider::{BoxFuture, Fleet, FleetError, NoticeSender};
