use clap::{Parser, Subcommand};
use rushhour::cli::{app, guard, lab};
use std::process::ExitCode;
use std::sync::Arc;
use tokio::sync::Notify;

#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The fleet on this machine.
    #[command(subcommand)]
    Lab(LabCommand),
    #[command(hide = true)]
    App(app::AppArgs),
    #[command(hide = true)]
    Guard,
}

#[derive(Subcommand)]
enum LabCommand {
    Up(lab::LabArgs),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Guard => guard::run(),
        Command::App(args) => runtime().and_then(|runtime| runtime.block_on(app::run(&args))),
        Command::Lab(LabCommand::Up(args)) => runtime().and_then(|runtime| {
            let asked_to_stop = Arc::new(Notify::new());
            let stop = asked_to_stop.clone();
            ctrlc::set_handler(move || stop.notify_one())?;
            runtime.block_on(lab::run(&args, &lab::default_plan(), asked_to_stop.notified()))
        }),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}
