use super::exit;
use clap::{Parser, Subcommand};

/// Load tests for stateless, session-heavy applications while their fleet changes.
///
/// Drives authenticated sessions through a load balancer, changes the fleet behind it, and tells with evidence whether
/// new instances serve existing sessions without a new login, what the change does to response time, and how long each
/// stage of a scale-out takes.
#[derive(Parser)]
#[command(name = "rushhour", version, after_help = exit::TABLE, max_term_width = 110)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Run a profile: bring up its fleet, make the load, judge what was seen.
    Run(super::run::RunArgs),
    /// Run a folder of profiles, one after the other, and tell which of their promises held.
    Suite(super::suite::SuiteArgs),
    /// Validate a profile and explain it: load curve, sessions, requests, sockets. Sends nothing.
    Check(super::check::CheckArgs),
    /// Judge a recorded run again and rebuild everything derived from its raw files.
    Report(super::report::ReportArgs),
    /// Tell what changed from one run to another, and whether it is a regression.
    Compare(super::compare::CompareArgs),
    /// Find where the figures of a series of runs changed.
    Trend(super::trend::TrendArgs),
    /// Check a profile's deployment against good practice: zones, failover, access to the store, sessions, routing.
    Audit(super::audit::AuditArgs),
    /// What a fleet on AWS needs beside a run.
    #[cfg(feature = "aws")]
    #[command(subcommand)]
    Aws(super::aws::AwsCommand),
    /// Print the JSON Schema of profiles, for editors.
    Schema,
    /// The fleet on this machine.
    #[command(subcommand)]
    Lab(super::lab::LabCommand),
    /// Run one instance of the reference application.
    App(super::app::AppArgs),
    /// Watches over a lab's processes; started by the lab.
    #[command(hide = true)]
    Guard,
    /// The network of one of the lab's store nodes; started by the lab.
    #[command(hide = true)]
    Relay(super::relay::RelayArgs),
}
