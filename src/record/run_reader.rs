use super::directory::RunDirectory;
use super::part_reader::{Codes, Damage, PartReader};
use super::part_writer::UNFINISHED;
use super::{Manifest, RecordError, json_lines};
use crate::history::{Event, Names, Observation, Sample};
use crate::plan::Plan;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// A run as it is on disk. Whatever is whole is read, so that a killed run can be judged too; what is not is told.
#[derive(Debug)]
pub struct RecordedRun {
    pub directory: RunDirectory,
    pub manifest: Manifest,
    pub events: Vec<Event>,
    pub samples: Vec<Sample>,
    /// Lines of the events and samples that could not be read (torn when the run was killed).
    pub skipped_lines: usize,
    /// Parts that were never closed: the run was killed, or is still going on.
    pub unfinished_parts: usize,
    /// Closed parts, in the order they are read.
    parts: Vec<PathBuf>,
}

/// What a reading of all requests came to.
#[derive(Debug)]
pub struct Reading {
    /// Rows that were visited.
    pub rows: u64,
    pub damaged: Vec<DamagedPart>,
}

/// A part that could not be read, or not to its end; the rows before the damage were visited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DamagedPart {
    pub file: PathBuf,
    pub reason: String,
}

impl RecordedRun {
    /// `path` is a run directory or one that contains `latest`.
    ///
    /// # Errors
    /// When there is no run, its manifest cannot be read or is of a newer format, or a file cannot be opened.
    pub fn open(path: &Path) -> Result<RecordedRun, RecordError> {
        let directory = RunDirectory::open(path)?;
        let manifest = Manifest::read(&directory)?;
        let (events, skipped_events) = json_lines::read(&directory.events())?;
        let (samples, skipped_samples) = json_lines::read(&directory.samples())?;
        let (parts, unfinished_parts) = parts(&directory.requests())?;
        let skipped_lines = skipped_events + skipped_samples;
        Ok(RecordedRun { directory, manifest, events, samples, skipped_lines, unfinished_parts, parts })
    }

    /// Visits all requests: parts in the order of their names, rows in the order they were written, so that the rows of
    /// one session come in order. Memory does not grow with the run. Names are numbered in the order they are met,
    /// which is the same at every reading; those of the visited rows are in `names`, which is to be empty at first.
    ///
    /// Decoding goes on in a second thread while `visit` works.
    pub fn for_each(&self, names: &Names, mut visit: impl FnMut(&Observation)) -> Reading {
        let mut reading = Reading { rows: 0, damaged: Vec::new() };
        let (decoded, batches) = sync_channel(2);
        let (used, spare) = sync_channel(4);
        thread::scope(|scope| {
            scope.spawn(move || decode(&self.parts, &self.manifest.plan, names, &decoded, &spare));
            for batch in batches {
                match batch {
                    Ok(rows) => {
                        rows.iter().for_each(&mut visit);
                        reading.rows += rows.len() as u64;
                        // Only to use its memory again.
                        let _ = used.try_send(rows);
                    }
                    Err(damaged) => reading.damaged.push(damaged),
                }
            }
        });
        reading
    }
}

type Decoded = Result<Vec<Observation>, DamagedPart>;

fn decode(
    parts: &[PathBuf],
    plan: &Plan,
    names: &Names,
    decoded: &SyncSender<Decoded>,
    spare: &Receiver<Vec<Observation>>,
) {
    let codes = Codes::new(plan, names.clone());
    for path in parts {
        // The parquet crate can panic on bits that rotted inside a page; one bad part must not take the others along.
        let decoding = AssertUnwindSafe(|| decode_part(path, &codes, decoded, spare));
        let reason = match catch_unwind(decoding) {
            Ok(Ok(())) => continue,
            Ok(Err(damage)) => damage.to_string(),
            Err(_) => "its pages do not hold together".to_owned(),
        };
        if decoded.send(Err(DamagedPart { file: path.clone(), reason })).is_err() {
            return;
        }
    }
}

fn decode_part(
    path: &Path,
    codes: &Codes,
    decoded: &SyncSender<Decoded>,
    spare: &Receiver<Vec<Observation>>,
) -> Result<(), Damage> {
    let mut part = PartReader::open(path)?;
    loop {
        let mut rows = spare.try_recv().unwrap_or_default();
        let read = part.read(codes, &mut rows);
        // Nobody listens any more only when the visitor panicked.
        if !rows.is_empty() && decoded.send(Ok(std::mem::take(&mut rows))).is_err() {
            return Ok(());
        }
        match read {
            Ok(true) => continue,
            Ok(false) => return Ok(()),
            Err(damage) => return Err(damage),
        }
    }
}

/// Closed parts by name, and the number of unfinished ones.
fn parts(requests: &Path) -> Result<(Vec<PathBuf>, usize), RecordError> {
    let not_readable = |source| RecordError::NotReadable { path: requests.to_owned(), source };
    let mut parts = Vec::new();
    let mut unfinished = 0;
    for entry in fs::read_dir(requests).map_err(not_readable)? {
        let path = entry.map_err(not_readable)?.path();
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("parquet") => parts.push(path),
            Some(UNFINISHED) => unfinished += 1,
            _ => {}
        }
    }
    parts.sort();
    Ok((parts, unfinished))
}
