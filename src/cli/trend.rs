use super::exit::Exit;
use super::report::{WIDTH, print_text, style};
use crate::analysis::Analysis;
use crate::compare::{RunFigures, TrendRun, comparable, trend};
use crate::record::{Manifest, RunDirectory, write_whole};
use crate::report::{self, trend_file};
use crate::verdict::{Outcome, Verdict};
use clap::Args;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::fs;
use std::path::PathBuf;

#[derive(Args)]
pub struct TrendArgs {
    /// The directory of a profile's runs, such as results/nightly; `trend.svg` is drawn into it.
    pub directory: PathBuf,
    /// Print the series and their change points as one JSON object instead of text.
    #[arg(long)]
    pub json: bool,
}

pub fn run(args: &TrendArgs) -> anyhow::Result<Exit> {
    let runs = RunDirectory::all_in(&args.directory)?;
    let Some((newest, _)) = runs.iter().rev().find_map(|run| Some((Manifest::read(run).ok()?, run))) else {
        eprintln!(
            "error: {} holds no runs; give a profile's directory, such as results/nightly",
            args.directory.display()
        );
        return Ok(Exit::Usage);
    };
    let mut left_out = Vec::new();
    let mut figures = Vec::new();
    for run in &runs {
        match figures_of(run, &newest) {
            Ok(found) => figures.push(found),
            Err(why) => left_out.push(format!("{}: {why}", run.run_id())),
        }
    }
    let found = match trend(&newest.plan, &figures, left_out.clone()) {
        Ok(found) => found,
        Err(too_few) => {
            left_out.iter().for_each(|run| eprintln!("left out: {run}"));
            eprintln!("error: {}: {too_few}", args.directory.display());
            return Ok(Exit::Verdict(Outcome::Inconclusive.exit_code()));
        }
    };
    let file = trend_file(&found);
    write_whole(&args.directory.join(&file.path), &file.bytes)?;
    let text = if args.json { serde_json::to_string_pretty(&found)? } else { report::trend(&found, WIDTH, style()) };
    print_text(&text)?;
    Ok(Exit::Pass)
}

/// The figures that are on disk already: a series of nights is not judged again each time.
fn figures_of(run: &RunDirectory, newest: &Manifest) -> Result<RunFigures, String> {
    #[derive(Deserialize)]
    struct Derived {
        analysis: Analysis,
    }
    let manifest = Manifest::read(run).map_err(|error| error.to_string())?;
    comparable(&manifest.plan, &newest.plan).map_err(|error| error.to_string())?;
    let verdict: Verdict = read(run, "verdict.json")?;
    if verdict.interrupted || verdict.outcome == Outcome::Inconclusive {
        return Err("it is inconclusive".to_owned());
    }
    let Derived { analysis } = read(run, "analysis.json")?;
    let origin = manifest.origin;
    Ok(RunFigures::new(TrendRun { run_id: run.run_id(), zero_at: origin.zero_at }, &analysis))
}

fn read<T: DeserializeOwned>(run: &RunDirectory, file: &str) -> Result<T, String> {
    let bytes = fs::read(run.path().join(file)).map_err(|error| error.to_string());
    let read = bytes.and_then(|bytes| serde_json::from_slice(&bytes).map_err(|error| error.to_string()));
    read.map_err(|error| format!("{file} cannot be read ({error}); `rushhour report` makes it again"))
}
