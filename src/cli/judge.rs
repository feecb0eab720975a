//! From what is on disk to a verdict: read the raw files, ask the oracle and the analysis, decide, write what was found.

use crate::analysis::{Analyser, Analysis};
use crate::compare::Comparison;
use crate::history::{Names, Observation};
use crate::record::{Ending, RecordedRun, RunDirectory, write_whole};
use crate::report::{ReportFile, Subject, files};
use crate::session::{Oracle, SessionFindings};
use crate::verdict::{RunFacts, Verdict, decide};
use anyhow::Context as _;
use std::fs;
use std::path::Path;

/// A run and everything derived from it.
pub struct Judged {
    pub run: RecordedRun,
    pub results: String,
    pub analysis: Analysis,
    pub sessions: SessionFindings,
    pub verdict: Verdict,
    /// With its baseline, when it has one.
    pub comparison: Option<Comparison>,
    /// What could not be read or written, for the user to know.
    pub trouble: Vec<String>,
}

impl Judged {
    pub fn subject(&self) -> Subject<'_> {
        Subject {
            origin: &self.run.manifest.origin,
            plan: &self.run.manifest.plan,
            events: &self.run.events,
            samples: &self.run.samples,
            served_by: self.run.served_by.as_ref(),
            cloudwatch: self.run.cloudwatch.as_ref(),
            analysis: &self.analysis,
            sessions: &self.sessions,
            verdict: &self.verdict,
            comparison: self.comparison.as_ref(),
            results: &self.results,
        }
    }

    /// A verdict that cannot be written down is a verdict all the same.
    pub fn write(&mut self) {
        let unwritten = write_files(self, files(&self.subject()));
        self.trouble.extend(unwritten);
    }
}

/// Judges the run at `path` and writes what is derived from its raw files beside them. The same raw files
/// give the same bytes. A comparison that was made with the run stays what it was.
pub fn judge(path: &Path) -> anyhow::Result<Judged> {
    let mut judged = assess(path, None)?;
    judged.comparison = derived(&judged.run.directory, "comparison.json");
    judged.write();
    Ok(judged)
}

/// Judges the run at `path`. `ending`: how the run ended, where the manifest may not say.
pub fn assess(path: &Path, ending: Option<Ending>) -> anyhow::Result<Judged> {
    let run = RecordedRun::open(path)?;
    let names = Names::default();
    let plan = &run.manifest.plan;
    let mut oracle = Oracle::new(plan, &run.events, &run.samples);
    let mut analyser = Analyser::new(plan, &run.events, &run.samples);
    let mut to_oracle = |rows: &[Observation]| rows.iter().for_each(|row| oracle.observe(row, &names));
    let mut to_analyser = |rows: &[Observation]| rows.iter().for_each(|row| analyser.observe(row, &names));
    let reading = run.for_each(&names, [&mut to_oracle, &mut to_analyser]);
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
    let results = run.directory.path().display().to_string();
    let mut trouble: Vec<String> =
        reading.damaged.iter().map(|part| format!("{}: {}", part.file.display(), part.reason)).collect();
    if run.unfinished_parts > 0 {
        trouble.push(format!(
            "{} unfinished part(s) of requests/: the run was killed, or is still going on",
            run.unfinished_parts
        ));
    }
    if run.skipped_lines > 0 {
        trouble.push(format!("{} torn line(s) of events.jsonl and samples.jsonl", run.skipped_lines));
    }
    Ok(Judged { run, results, analysis, sessions, verdict, comparison: None, trouble })
}

/// A derived file of a run, read back; None when it is not there or not as this version writes it.
pub fn derived<T: serde::de::DeserializeOwned>(run: &RunDirectory, file: &str) -> Option<T> {
    serde_json::from_slice(&fs::read(run.path().join(file)).ok()?).ok()
}

/// Writes files into the run's directory; tells what could not be written.
pub fn write_files(judged: &Judged, files: Vec<ReportFile>) -> Vec<String> {
    let directory = judged.run.directory.path();
    let write = |file: ReportFile| -> anyhow::Result<()> {
        let path = directory.join(&file.path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).with_context(|| format!("{} could not be made", parent.display()))?;
        }
        Ok(write_whole(&path, &file.bytes)?)
    };
    files.into_iter().filter_map(|file| Some(format!("{:#}", write(file).err()?))).collect()
}
