//! The lab's balancer: HAProxy, which learns of instances at run time through its control socket, without a reload.

mod config;
mod control;
mod haproxy;
mod stat;

pub(super) use control::{Control, FULL_WEIGHT};
pub(super) use haproxy::Haproxy;
pub(super) use stat::{Health, Stat};
