use super::args::{Cli, Command};
use super::exit::Exit;
use super::{app, audit, check, compare, guard, lab, relay, report, run, schema, suite, trend};
use crate::record::RecordError;
use clap::Parser as _;

/// Runs the command that the arguments name.
pub fn start() -> Exit {
    let ended = match Cli::parse().command {
        Command::Run(args) => run::run(&args),
        Command::Suite(args) => suite::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Trend(args) => trend::run(&args),
        Command::Audit(args) => audit::run(&args),
        #[cfg(feature = "aws")]
        Command::Aws(command) => super::aws::run(&command),
        Command::Schema => schema::run(),
        Command::Lab(command) => lab::run(&command),
        Command::App(args) => app::run(&args),
        Command::Guard => guard::run(),
        Command::Relay(args) => relay::run(&args),
    };
    ended.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        exit_of(&error)
    })
}

/// A run that was named and is not there, or that this version cannot read, is for the user to put right.
fn exit_of(error: &anyhow::Error) -> Exit {
    match error.downcast_ref() {
        Some(RecordError::NoRun { .. } | RecordError::NewerFormat { .. }) => Exit::Usage,
        _ => Exit::Internal,
    }
}
