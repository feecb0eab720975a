use super::json_lines::JsonLines;
use super::part_writer::{OpenPart, PartFile, PartWriter};
use super::rows::Texts;
use super::{RecordError, RunDirectory};
use crate::history::{Event, Names, Observation, Sample};
use crate::plan::Plan;
use serde::Serialize;
use std::fs::{File, OpenOptions};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;

pub struct RecorderOptions {
    /// Number of this worker in the run; part of the names of its files.
    pub worker: u32,
    /// A part is closed after this many rows, or this long after its first row.
    pub part_rows: usize,
    pub part_time: Duration,
    /// Batches that may wait to be written. Past this they are counted as lost, so that a slow disk never slows the load.
    pub queue_batches: usize,
    pub open_part: OpenPart,
}

impl Default for RecorderOptions {
    fn default() -> RecorderOptions {
        RecorderOptions {
            worker: 0,
            part_rows: 1_000_000,
            part_time: Duration::from_secs(5),
            queue_batches: 1024,
            open_part: Arc::new(|path| File::create(path).map(|file| Box::new(file) as Box<dyn PartFile>)),
        }
    }
}

/// Writes what a run observes, on a thread of its own. Every row that is handed in ends up either recorded or lost.
pub struct Recorder {
    batches: BatchSender,
    thread: JoinHandle<()>,
    events: Mutex<JsonLines>,
    samples: Mutex<JsonLines>,
}

/// What became of the rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordOutcome {
    /// Rows in closed parts.
    pub recorded: u64,
    /// Rows that were produced and are in no part.
    pub lost: u64,
    /// Why recording stopped early, if it did.
    pub error: Option<String>,
}

/// Takes batches of rows for the recorder. Cheap to clone; never blocks.
#[derive(Clone)]
pub struct BatchSender {
    queue: SyncSender<Message>,
    tally: Arc<Tally>,
}

enum Message {
    Batch(Vec<Observation>),
    Finish,
}

#[derive(Default)]
struct Tally {
    /// Rows handed in.
    offered: AtomicU64,
    /// Rows that found the queue full, or closed.
    dropped: AtomicU64,
    /// Rows in closed parts.
    recorded: AtomicU64,
    /// Rows that reached the recorder and will be in no part.
    unwritten: AtomicU64,
    failure: OnceLock<String>,
}

impl Tally {
    fn fail(&self, error: &RecordError) {
        // The first failure is the one that explains the others.
        let _ = self.failure.set(error.to_string());
    }
}

impl BatchSender {
    /// Hands `batch` over, or counts it as lost where too many are waiting already.
    pub fn send(&self, batch: Vec<Observation>) {
        let rows = batch.len() as u64;
        self.tally.offered.fetch_add(rows, Ordering::Relaxed);
        if self.queue.try_send(Message::Batch(batch)).is_err() {
            self.tally.dropped.fetch_add(rows, Ordering::Relaxed);
        }
    }
}

impl Recorder {
    /// # Errors
    /// [`RecordError::NotWritable`] when `events.jsonl` or `samples.jsonl` cannot be made.
    pub fn start(
        directory: &RunDirectory,
        plan: &Plan,
        names: Names,
        options: RecorderOptions,
    ) -> Result<Recorder, RecordError> {
        let events = appending(&directory.events())?;
        let samples = appending(&directory.samples())?;
        let RecorderOptions { worker, part_rows, part_time, queue_batches, open_part } = options;
        let texts = Texts::new(plan, names);
        let writer = PartWriter::new(directory.clone(), texts, worker, open_part, part_rows, part_time);
        let (queue, batches) = sync_channel(queue_batches);
        let tally = Arc::new(Tally::default());
        let thread = thread::Builder::new()
            .name("recorder".to_owned())
            .spawn({
                let tally = tally.clone();
                move || record(batches, writer, &tally)
            })
            .map_err(|source| RecordError::NotWritable { path: directory.requests(), source })?;
        Ok(Recorder { batches: BatchSender { queue, tally }, thread, events, samples })
    }

    pub fn batches(&self) -> BatchSender {
        self.batches.clone()
    }

    /// Appends a line to `events.jsonl`, at once.
    pub fn event(&self, event: &Event) {
        self.append(&self.events, "events.jsonl", event);
    }

    /// Appends a line to `samples.jsonl`, at once.
    pub fn sample(&self, sample: &Sample) {
        self.append(&self.samples, "samples.jsonl", sample);
    }

    fn append(&self, lines: &Mutex<JsonLines>, file: &str, value: &impl Serialize) {
        let appended = lines.lock().expect("no holder of this lock panics").append(value);
        if let Err(source) = appended {
            self.batches.tally.fail(&RecordError::NotWritable { path: file.into(), source });
        }
    }

    /// Why recording is not complete any more, if so. The run goes on without it, or ends.
    pub fn failed(&self) -> Option<String> {
        self.batches.tally.failure.get().cloned()
    }

    /// Rows handed in so far.
    pub fn offered(&self) -> u64 {
        self.batches.tally.offered.load(Ordering::Relaxed)
    }

    /// Rows that are known by now to be lost.
    pub fn lost(&self) -> u64 {
        let tally = &self.batches.tally;
        tally.dropped.load(Ordering::Relaxed) + tally.unwritten.load(Ordering::Relaxed)
    }

    /// Writes all that was handed in before, and closes the last part. What a [`BatchSender`] is given after this is
    /// lost.
    pub fn finish(self) -> RecordOutcome {
        let Recorder { batches: BatchSender { queue, tally }, thread, .. } = self;
        // A thread that is gone cannot be told; joining says why.
        let _ = queue.send(Message::Finish);
        if thread.join().is_err() {
            let _ = tally.failure.set("the recorder's thread panicked".to_owned());
        }
        let recorded = tally.recorded.load(Ordering::Relaxed);
        RecordOutcome {
            recorded,
            lost: tally.offered.load(Ordering::Relaxed) - recorded,
            error: tally.failure.get().cloned(),
        }
    }
}

fn appending(path: &Path) -> Result<Mutex<JsonLines>, RecordError> {
    let file = OpenOptions::new().create(true).append(true).open(path);
    let file = file.map_err(|source| RecordError::NotWritable { path: path.to_owned(), source })?;
    Ok(Mutex::new(JsonLines::new(Box::new(file))))
}

/// Writes batches until told to finish. After a failure nothing more is attempted, and all rows are counted as unwritten.
fn record(batches: Receiver<Message>, mut writer: PartWriter, tally: &Tally) {
    let mut taken = 0;
    let mut broken = false;
    let mut finished = false;
    while !finished {
        let written = match next(&batches, writer.due_in()) {
            Some(Message::Batch(batch)) => {
                taken += batch.len() as u64;
                if broken { Ok(()) } else { writer.add(&batch) }
            }
            Some(Message::Finish) => {
                finished = true;
                writer.close()
            }
            None => writer.close(),
        };
        if let Err(error) = written {
            tally.fail(&error);
            writer.abandon();
            broken = true;
        }
        tally.recorded.store(writer.recorded(), Ordering::Relaxed);
        if broken {
            tally.unwritten.store(taken - writer.recorded(), Ordering::Relaxed);
        }
    }
}

/// The next message; none when the open part is due to be closed first.
fn next(batches: &Receiver<Message>, due_in: Option<Duration>) -> Option<Message> {
    let Some(due_in) = due_in else { return Some(batches.recv().unwrap_or(Message::Finish)) };
    if due_in.is_zero() {
        return None;
    }
    match batches.recv_timeout(due_in) {
        Ok(message) => Some(message),
        Err(RecvTimeoutError::Timeout) => None,
        Err(RecvTimeoutError::Disconnected) => Some(Message::Finish),
    }
}
