//! How a deployment on AWS is set up, against known good practice. It judges what AWS has told, and changes nothing.

mod balancer;
mod cache;
mod group;
mod judge;
mod table;
#[cfg(test)]
mod tests;

pub use judge::audit_aws;
