use super::exit::Exit;
use crate::app::{AppConfig, serve};
use anyhow::Context as _;
use std::io::BufRead as _;
use std::path::{Path, PathBuf};

/// Run one instance of the reference application.
#[derive(Debug, clap::Args)]
pub struct AppArgs {
    /// Its configuration, JSON. `-` reads one line of it from standard input.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
}

/// Serves until told to end (SIGTERM, or the end of standard input where the configuration says so).
///
/// # Errors
/// The configuration cannot be read, or the instance cannot start.
pub fn run(args: &AppArgs) -> anyhow::Result<Exit> {
    let json = if args.config == Path::new("-") {
        let mut line = String::new();
        // A line and no more: what follows, or the end, is for the instance to watch.
        std::io::stdin().lock().read_line(&mut line).context("cannot read the configuration from standard input")?;
        line
    } else {
        std::fs::read_to_string(&args.config).with_context(|| format!("cannot read {}", args.config.display()))?
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(AppConfig::from_json(&json)?))?;
    Ok(Exit::Pass)
}
