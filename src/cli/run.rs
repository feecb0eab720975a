use super::baseline::Baseline;
use super::compare::changed;
use super::exit::Exit;
use super::judge::assess;
use super::live::{Display, Endpoint, Show, address};
use super::profile::{Resolved, load_profile};
use super::{dry_run, report, signals};
use crate::run::{RunError, RunOptions, conduct};
use anyhow::Context as _;
use clap::Args;
use std::net::SocketAddr;
use std::path::PathBuf;

#[derive(Args)]
pub struct RunArgs {
    /// The profile to run, such as profiles/quickstart.toml.
    pub profile: PathBuf,
    /// Override a key of the profile: `--set workload.seed=7 --set 'objectives.0.at_most="300ms"'`.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Where run directories are kept.
    #[arg(long, value_name = "DIR", default_value = "results")]
    pub results: PathBuf,
    /// Print the timeline with what each action would do, and send nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Print the summary as one JSON object instead of text.
    #[arg(long)]
    pub json: bool,
    /// No live panel: one line each ten seconds, also on a terminal.
    #[arg(long, short)]
    pub quiet: bool,
    /// While the run goes on, answer `GET /metrics` at this address for Prometheus; a port alone is on the loopback.
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub metrics: Option<SocketAddr>,
    /// Threads that make the load. By default half of the machine's cores on the lab, which needs the others, and all
    /// of them against another fleet.
    #[arg(long, value_name = "N")]
    pub load_threads: Option<usize>,
    /// Compare with an earlier run and fail with 5 on a regression: a run directory, or `latest` for the latest earlier
    /// run of the profile that passed and was no regression. Where there is none yet, that is said and the run goes on.
    #[arg(long, value_name = "RUN|latest")]
    pub baseline: Option<Baseline>,
}

pub fn run(args: &RunArgs) -> anyhow::Result<Exit> {
    // Before anything of goose: its own handler would end the load and nothing else.
    let stop = signals::stop_signal()?;
    let Resolved { plan, unrecorded } = match load_profile(&args.profile, &args.set) {
        Ok(resolved) => resolved,
        Err(exit) => return Ok(exit),
    };
    if args.dry_run {
        dry_run::print(&plan)?;
        return Ok(Exit::Pass);
    }
    let base = match args.baseline.as_ref().map(|baseline| baseline.find(&args.results, &plan)).transpose() {
        Ok(base) => base,
        Err(error) => {
            eprintln!("error: {error:#}");
            return Ok(Exit::Usage);
        }
    };
    if let Some(None) = base {
        eprintln!(
            "no baseline: {} has no earlier run that passed and can be compared with this one",
            args.results.display()
        );
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("the runtime could not be started")?;
    let show = Show::start(Display::choose(args.quiet));
    let metrics = match runtime.block_on(open_metrics(&show, args.metrics)) {
        Ok(metrics) => metrics,
        Err(why) => {
            show.finish();
            eprintln!("error: {why}");
            return Ok(Exit::Usage);
        }
    };
    let options = RunOptions {
        load_threads: args.load_threads.unwrap_or_else(|| default_threads(&plan)),
        plan,
        unrecorded,
        results: args.results.clone(),
        program: std::env::current_exe().context("this program's own path could not be found")?,
        stop,
        watcher: show.watcher(),
    };
    let conducted = runtime.block_on(conduct(options));
    drop(metrics);
    show.finish();
    match conducted {
        Ok(conducted) => {
            let mut judged = assess(conducted.directory.path(), Some(conducted.ending))?;
            judged.comparison = base.flatten().map(|base| changed(&base, &judged)).transpose()?;
            judged.write();
            report::print(&judged, args.json)?;
            let exit = Exit::Verdict(judged.verdict.exit_code);
            Ok(judged.comparison.map_or(exit, |comparison| exit.with(comparison.outcome)))
        }
        Err(RunError::Interrupted) => {
            eprintln!("{}", RunError::Interrupted);
            Ok(Exit::Interrupted)
        }
        Err(error) => {
            eprintln!("error: {error}");
            Ok(Exit::Usage)
        }
    }
}

async fn open_metrics(show: &Show, address: Option<SocketAddr>) -> Result<Option<Endpoint>, String> {
    let Some(address) = address else { return Ok(None) };
    let opened = show.metrics(address).await;
    opened.map(Some).map_err(|error| format!("--metrics {address}: {error}; name an address that is free"))
}

fn default_threads(plan: &crate::plan::Plan) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    match plan.fleet {
        crate::plan::FleetPlan::Lab(_) => (cores / 2).max(1),
        crate::plan::FleetPlan::Observe { .. } => cores,
    }
}
