use super::directory::{RunDirectory, write_json};
use super::part_reader::{Codes, Damage, PartReader};
use super::part_writer::UNFINISHED;
use super::served_by::ServedByReader;
use super::{Manifest, RecordError, json_lines};
use crate::history::{CloudWatchMetrics, Event, Names, Observation, Sample, ServedBy};
use serde::de::DeserializeOwned;
use std::fs;
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// A run as it is on disk. Whatever is whole is read, so that a killed run can be judged too; what is not is told.
#[derive(Debug)]
pub struct RecordedRun {
    pub directory: RunDirectory,
    pub manifest: Manifest,
    pub events: Vec<Event>,
    pub samples: Vec<Sample>,
    /// What the balancer's access logs came to, if the run has any.
    pub served_by: Option<ServedBy>,
    /// What CloudWatch has of the run's time, if it was asked.
    pub cloudwatch: Option<CloudWatchMetrics>,
    /// Lines of the events and samples that could not be read (torn when the run was killed).
    pub skipped_lines: usize,
    /// Parts that were never closed: the run was killed, or is still going on.
    pub unfinished_parts: usize,
    /// Closed parts, in the order they are read.
    pub(super) parts: Vec<PathBuf>,
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
        let served_by =
            added(&directory.served_by_tally(), |why| ServedBy { trouble: Some(why), ..ServedBy::default() })?;
        let cloudwatch =
            added(&directory.cloudwatch(), |why| CloudWatchMetrics { series: Vec::new(), trouble: vec![why] })?;
        let (parts, unfinished_parts) = parts(&directory.requests())?;
        let skipped_lines = skipped_events + skipped_samples;
        Ok(RecordedRun {
            directory,
            manifest,
            events,
            samples,
            served_by,
            cloudwatch,
            skipped_lines,
            unfinished_parts,
            parts,
        })
    }

    /// Adds what CloudWatch has of the run's time.
    ///
    /// # Errors
    /// [`RecordError::NotWritable`].
    pub fn write_cloudwatch(&self, metrics: &CloudWatchMetrics) -> Result<(), RecordError> {
        write_json(&self.directory.cloudwatch(), metrics)
    }

    /// Shows all requests to each of `visitors`: parts in the order of their names, rows in the order they were written,
    /// so that the rows of one session come in order. Memory does not grow with the run. Names are numbered in the order
    /// they are met, which is the same at every reading; those of the rows are in `names`, which is to be empty at first.
    ///
    /// Rows are decoded in one thread and each visitor works in its own. What a visitor sees does not depend on the others.
    pub fn for_each<const N: usize>(&self, names: &Names, visitors: [Visitor<'_>; N]) -> Reading {
        let (used, spare) = sync_channel(2 * AHEAD);
        thread::scope(|scope| {
            let listeners = visitors.map(|visit| {
                let (listener, batches) = sync_channel(AHEAD);
                let used = used.clone();
                scope.spawn(move || listen(&batches, visit, &used));
                listener
            });
            let mut decoder = Decoder {
                served_by: self.directory.served_by(),
                codes: Codes::new(&self.manifest.plan, names.clone()),
                listeners: &listeners,
                spare,
                reading: Reading { rows: 0, damaged: Vec::new() },
            };
            self.parts.iter().for_each(|part| decoder.decode(part));
            decoder.reading
        })
    }
}

/// Is shown some rows at a time.
pub type Visitor<'a> = &'a mut (dyn FnMut(&[Observation]) + Send);

/// Rows that all visitors share; the last to let go of them hands their memory back.
type Batch = Arc<Vec<Observation>>;

/// Batches that may wait for a visitor.
const AHEAD: usize = 2;

fn listen(batches: &Receiver<Batch>, visit: Visitor<'_>, used: &SyncSender<Vec<Observation>>) {
    for batch in batches {
        visit(&batch);
        if let Some(rows) = Arc::into_inner(batch) {
            let _ = used.try_send(rows);
        }
    }
}

struct Decoder<'a> {
    served_by: PathBuf,
    codes: Codes,
    listeners: &'a [SyncSender<Batch>],
    spare: Receiver<Vec<Observation>>,
    reading: Reading,
}

impl Decoder<'_> {
    fn decode(&mut self, path: &Path) {
        // The parquet crate can panic on bits that rotted inside a page; one bad part must not take the others along.
        let decoding = AssertUnwindSafe(|| self.decode_part(path));
        let reason = match catch_unwind(decoding) {
            Ok(Ok(())) => return,
            Ok(Err(damage)) => damage.to_string(),
            Err(_) => "its pages do not hold together".to_owned(),
        };
        self.reading.damaged.push(DamagedPart { file: path.to_owned(), reason });
    }

    fn decode_part(&mut self, path: &Path) -> Result<(), Damage> {
        let mut part = PartReader::open(path)?;
        let beside = self.served_by.join(path.file_name().expect("a part has a name"));
        let mut served_by = self.undamaged(&beside, ServedByReader::open(&beside)).flatten();
        loop {
            let mut rows = self.spare.try_recv().unwrap_or_default();
            let read = part.read(&self.codes, &mut rows);
            if let Some(reader) = &mut served_by {
                let filled = reader.fill(&mut rows, &self.codes.names);
                if self.undamaged(&beside, filled).is_none() {
                    served_by = None;
                }
            }
            self.show(rows);
            if !read? {
                return Ok(());
            }
        }
    }

    fn undamaged<T>(&mut self, file: &Path, read: Result<T, Damage>) -> Option<T> {
        read.map_err(|damage| {
            self.reading.damaged.push(DamagedPart { file: file.to_owned(), reason: damage.to_string() });
        })
        .ok()
    }

    fn show(&mut self, rows: Vec<Observation>) {
        if rows.is_empty() {
            return;
        }
        self.reading.rows += rows.len() as u64;
        let batch = Arc::new(rows);
        for listener in self.listeners {
            // Nobody listens any more only when the visitor panicked, and then so does whoever waits for it.
            let _ = listener.send(batch.clone());
        }
    }
}

/// A file that is added after the run. It is written whole, and the run can be judged without it: what is wrong with it is
/// told in its place.
fn added<T: DeserializeOwned>(path: &Path, unreadable: fn(String) -> T) -> Result<Option<T>, RecordError> {
    let json = match fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        read => read.map_err(|source| RecordError::NotReadable { path: path.to_owned(), source })?,
    };
    let read = serde_json::from_slice(&json);
    Ok(Some(read.unwrap_or_else(|error| unreadable(format!("{} cannot be read: {error}", path.display())))))
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
