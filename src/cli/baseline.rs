//! Which earlier run a new one is held against.

use super::compare::same_format;
use super::judge::{Judged, assess, derived};
use crate::compare::{Comparison, ComparisonOutcome, comparable};
use crate::plan::Plan;
use crate::record::{FORMAT_VERSION, Manifest, RunDirectory};
use crate::verdict::{Outcome, Verdict};
use anyhow::Context as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// As `--baseline` has it.
#[derive(Clone, Debug)]
pub enum Baseline {
    /// The latest earlier run of the profile that was good.
    Latest,
    Run(PathBuf),
}

impl FromStr for Baseline {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Baseline, Self::Err> {
        Ok(if text == "latest" { Baseline::Latest } else { Baseline::Run(text.into()) })
    }
}

impl Baseline {
    /// Finds the run, before the new one begins. None when there is no good one yet: the first night must not fail.
    ///
    /// # Errors
    /// When the run that was named cannot be compared with what `plan` will do.
    pub fn find(&self, results: &Path, plan: &Plan) -> anyhow::Result<Option<Judged>> {
        match self {
            Baseline::Run(path) => {
                let base = assess(path, None).context("--baseline")?;
                alike(&base.run.manifest, plan).context("--baseline")?;
                Ok(Some(base))
            }
            Baseline::Latest => {
                let runs = RunDirectory::all(results, &plan.name).context("--baseline latest")?;
                let good = runs.into_iter().rev().find(|run| is_good(run, plan));
                good.map(|run| assess(run.path(), None)).transpose()
            }
        }
    }
}

/// It passed, was no regression itself, and can be compared.
fn is_good(run: &RunDirectory, plan: &Plan) -> bool {
    let passed = derived::<Verdict>(run, "verdict.json").is_some_and(|v| v.outcome == Outcome::Pass && !v.interrupted);
    let regressed =
        derived::<Comparison>(run, "comparison.json").is_some_and(|c| c.outcome == ComparisonOutcome::Regression);
    let alike = || Manifest::read(run).is_ok_and(|manifest| alike(&manifest, plan).is_ok());
    passed && !regressed && alike()
}

/// Whether a run that is made now can be compared with a recorded one.
fn alike(base: &Manifest, plan: &Plan) -> anyhow::Result<()> {
    same_format(base.format_version, FORMAT_VERSION)?;
    comparable(&base.plan, plan)?;
    Ok(())
}
