use super::exit::Exit;
use super::judge::{Judged, assess, write_files};
use super::report::{WIDTH, print_text, style};
use crate::compare::{Cells, Collector, Comparison, Side, compare};
use crate::history::{Names, Observation};
use crate::report::{comparison, comparison_files};
use anyhow::ensure;
use clap::Args;
use std::path::PathBuf;

#[derive(Args)]
pub struct CompareArgs {
    /// The run to compare with: a run directory, or one that holds `latest`.
    pub base: PathBuf,
    /// The run to judge; what changed is written into its directory.
    pub new: PathBuf,
    /// Print what changed as one JSON object instead of text.
    #[arg(long)]
    pub json: bool,
}

pub fn run(args: &CompareArgs) -> anyhow::Result<Exit> {
    let sides = assess(&args.base, None).and_then(|base| Ok((base, assess(&args.new, None)?)));
    let changed = sides.and_then(|(base, new)| Ok((changed(&base, &new)?, new)));
    let (changed, new) = match changed {
        Ok(found) => found,
        Err(error) => {
            eprintln!("error: {error:#}");
            return Ok(Exit::Usage);
        }
    };
    for what in write_files(&new, comparison_files(&changed)) {
        eprintln!("warning: {what}");
    }
    let text = if args.json { serde_json::to_string_pretty(&changed)? } else { comparison(&changed, WIDTH, style()) };
    print_text(&text)?;
    Ok(Exit::Verdict(changed.exit_code))
}

/// What changed from one judged run to another. Reads the rows of both once more: a comparison needs them by time.
pub fn changed(base: &Judged, new: &Judged) -> anyhow::Result<Comparison> {
    same_format(base.run.manifest.format_version, new.run.manifest.format_version)?;
    let (base_cells, new_cells) = (cells(base), cells(new));
    Ok(compare(&side(base, &base_cells), &side(new, &new_cells))?)
}

/// Rows of another format may mean something else.
pub fn same_format(base: u32, new: u32) -> anyhow::Result<()> {
    ensure!(
        base == new,
        "the runs cannot be compared: they are in formats {base} and {new}; record both with one version"
    );
    Ok(())
}

fn cells(judged: &Judged) -> Cells {
    let names = Names::default();
    let mut collector = Collector::new(&judged.run.manifest.plan, &judged.run.events);
    judged.run.for_each(&names, [&mut |rows: &[Observation]| rows.iter().for_each(|row| collector.observe(row))]);
    collector.finish(&names)
}

fn side<'a>(judged: &'a Judged, cells: &'a Cells) -> Side<'a> {
    Side {
        origin: &judged.run.manifest.origin,
        plan: &judged.run.manifest.plan,
        analysis: &judged.analysis,
        sessions: &judged.sessions,
        verdict: &judged.verdict,
        cells,
        results: &judged.results,
    }
}
