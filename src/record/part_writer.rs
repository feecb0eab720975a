use super::directory::{beside, put_in_place};
use super::rows::{Rows, Texts};
use super::schema::{properties, schema};
use super::{RecordError, RunDirectory};
use crate::history::Observation;
use parquet::errors::ParquetError;
use parquet::file::writer::SerializedFileWriter;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A file under way: what is written can be made to last.
pub trait PartFile: Write + Send {
    fn sync(&mut self) -> io::Result<()>;
}

impl PartFile for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_all()
    }
}

/// How the file of a part is made.
pub type OpenPart = Arc<dyn Fn(&Path) -> io::Result<Box<dyn PartFile>> + Send + Sync>;

/// Rows written at a time. Few enough that writing them takes a core for only some milliseconds.
const ROW_GROUP: usize = 16_384;

/// The ending of a part that is not closed yet.
pub(super) const UNFINISHED: &str = "unfinished";

/// Writes rows to one part after the other. A part has its name once it is closed with its footer.
pub(super) struct PartWriter {
    directory: RunDirectory,
    worker: u32,
    open: OpenPart,
    most_rows: usize,
    longest: Duration,
    texts: Texts,
    number: u32,
    part: Option<Part>,
    /// Rows in closed parts.
    recorded: u64,
}

struct Part {
    path: PathBuf,
    temporary: PathBuf,
    file: SerializedFileWriter<Box<dyn PartFile>>,
    opened: Instant,
    /// Rows added, and those of them not yet written as a row group.
    rows: usize,
    group: Rows,
}

impl PartWriter {
    pub fn new(
        directory: RunDirectory,
        texts: Texts,
        worker: u32,
        open: OpenPart,
        most_rows: usize,
        longest: Duration,
    ) -> PartWriter {
        PartWriter { directory, worker, open, most_rows, longest, texts, number: 0, part: None, recorded: 0 }
    }

    pub fn add(&mut self, batch: &[Observation]) -> Result<(), RecordError> {
        for row in batch {
            let part = match &mut self.part {
                Some(part) => part,
                None => {
                    let part = self.begin()?;
                    self.part.insert(part)
                }
            };
            part.add(row, &self.texts)?;
            if part.rows >= self.most_rows {
                self.close()?;
            }
        }
        Ok(())
    }

    pub fn recorded(&self) -> u64 {
        self.recorded
    }

    /// Time until the open part is due to be closed; none when no part is open.
    pub fn due_in(&self) -> Option<Duration> {
        self.part.as_ref().map(|part| self.longest.saturating_sub(part.opened.elapsed()))
    }

    /// Closes the open part, if there is one.
    pub fn close(&mut self) -> Result<(), RecordError> {
        if let Some(part) = &mut self.part {
            part.close(&self.texts)?;
            self.recorded += part.rows as u64;
            self.part = None;
        }
        Ok(())
    }

    /// Gives the open part up. Its file is removed: nothing could be read from it, and where the disk is full the space
    /// is needed for what the run has to say at its end.
    pub fn abandon(&mut self) {
        if let Some(part) = self.part.take() {
            let _ = fs::remove_file(&part.temporary);
        }
    }

    fn begin(&mut self) -> Result<Part, RecordError> {
        let path = self.directory.part(self.worker, self.number);
        let temporary = beside(&path, UNFINISHED);
        let file =
            (self.open)(&temporary).map_err(|source| RecordError::NotWritable { path: temporary.clone(), source })?;
        let file =
            SerializedFileWriter::new(file, schema(), Arc::new(properties())).map_err(|e| failure(&temporary, e))?;
        self.number += 1;
        Ok(Part { path, temporary, file, opened: Instant::now(), rows: 0, group: Rows::default() })
    }
}

impl Part {
    fn add(&mut self, row: &Observation, texts: &Texts) -> Result<(), RecordError> {
        self.group.push(row, texts);
        self.rows += 1;
        if self.group.len() < ROW_GROUP { Ok(()) } else { self.write_group(texts) }
    }

    fn write_group(&mut self, texts: &Texts) -> Result<(), RecordError> {
        self.group.write(&mut self.file, texts).map_err(|error| failure(&self.temporary, error))
    }

    fn close(&mut self, texts: &Texts) -> Result<(), RecordError> {
        if self.group.len() > 0 {
            self.write_group(texts)?;
        }
        self.file.finish().map_err(|error| failure(&self.temporary, error))?;
        self.file
            .inner_mut()
            .sync()
            .and_then(|()| put_in_place(&self.temporary, &self.path))
            .map_err(|source| RecordError::NotWritable { path: self.temporary.clone(), source })
    }
}

/// The file system's own words where it was the cause.
pub(super) fn failure(path: &Path, error: ParquetError) -> RecordError {
    let path = path.to_owned();
    match error {
        ParquetError::External(cause) => match cause.downcast::<io::Error>() {
            Ok(source) => RecordError::NotWritable { path, source: *source },
            Err(cause) => RecordError::BadPart { path, source: ParquetError::External(cause) },
        },
        source => RecordError::BadPart { path, source },
    }
}
