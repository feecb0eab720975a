//! From what is on disk to a verdict: read the raw files, ask the oracle and the analysis, decide, write what was found.

use crate::analysis::{Analyser, Analysis};
use crate::history::Names;
use crate::plan::Plan;
use crate::record::{Ending, RecordedRun, RunDirectory, write_whole};
use crate::session::{Oracle, SessionFindings};
use crate::verdict::{RunFacts, Verdict, decide};
use anyhow::Context as _;
use serde::Serialize;
use std::path::Path;

/// A run and everything derived from it.
pub struct Judged {
    pub directory: RunDirectory,
    pub plan: Plan,
    pub analysis: Analysis,
    pub sessions: SessionFindings,
    pub verdict: Verdict,
    /// What could not be read or written, for the user to know.
    pub trouble: Vec<String>,
}

/// Judges the run at `path` and writes `analysis.json` and `verdict.json` beside its raw files. The same raw files
/// give the same bytes. `ending`: how the run ended, where the manifest may not say.
pub fn judge(path: &Path, ending: Option<Ending>) -> anyhow::Result<Judged> {
    let run = RecordedRun::open(path)?;
    let names = Names::default();
    let plan = &run.manifest.plan;
    let mut oracle = Oracle::new(plan, &run.events);
    let mut analyser = Analyser::new(plan, &run.events, &run.samples);
    let reading = run.for_each(&names, |row| {
        oracle.observe(row, &names);
        analyser.observe(row, &names);
    });
    let sessions = oracle.finish(&names);
    let analysis = analyser.finish(&names, &sessions.first_adoptions());
    let ending = ending.or(run.manifest.ending.clone());
    let facts = RunFacts {
        ended: ending.is_some(),
        interrupted: ending.as_ref().is_some_and(|ending| ending.interrupted),
        failure: ending.as_ref().and_then(|ending| ending.failure.clone()),
        record_error: ending.as_ref().and_then(|ending| ending.record_error.clone()),
        observations_produced: ending.as_ref().map_or(reading.rows, |ending: &Ending| ending.observations),
        observations_read: reading.rows,
        unreadable_parts: (run.unfinished_parts + reading.damaged.len()) as u64,
    };
    let verdict = decide(plan, &analysis, &sessions, &facts);
    let derived = Derived { sessions: &sessions, analysis: &analysis };
    // A verdict that cannot be written down is a verdict all the same.
    let unwritten = [write_json(&run.directory.analysis(), &derived), write_json(&run.directory.verdict(), &verdict)];
    let mut trouble: Vec<String> =
        unwritten.into_iter().filter_map(|written| Some(format!("{:#}", written.err()?))).collect();
    trouble.extend(reading.damaged.iter().map(|part| format!("{}: {}", part.file.display(), part.reason)));
    if run.unfinished_parts > 0 {
        trouble.push(format!(
            "{} unfinished part(s) of requests/: the run was killed, or is still going on",
            run.unfinished_parts
        ));
    }
    if run.skipped_lines > 0 {
        trouble.push(format!("{} torn line(s) of events.jsonl and samples.jsonl", run.skipped_lines));
    }
    Ok(Judged { plan: run.manifest.plan, directory: run.directory, analysis, sessions, verdict, trouble })
}

/// `analysis.json`.
#[derive(Serialize)]
struct Derived<'a> {
    sessions: &'a SessionFindings,
    analysis: &'a Analysis,
}

fn write_json(path: &Path, value: &impl Serialize) -> anyhow::Result<()> {
    let mut bytes = serde_json::to_vec_pretty(value).context("what was found could not be written as JSON")?;
    bytes.push(b'\n');
    Ok(write_whole(path, &bytes)?)
}
