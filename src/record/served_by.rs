//! `served-by/*.parquet`: who served each request, by the balancer's access logs. Each file goes with the part of
//! `requests/` that has its name, a row for each of its rows, so that the two are read side by side.

use super::RecordError;
use super::column_reader::{Columns, TextColumn};
use super::directory::{beside, put_in_place, write_json};
use super::part_reader::{Codes, Damage, PartReader};
use super::part_writer::{UNFINISHED, failure};
use super::run_reader::RecordedRun;
use super::schema::properties;
use crate::history::{NameId, Names, Observation, RequestKey, Served, ServedBy};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::TypePtr;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

/// All but the first two are missing where no log tells of the request.
const SCHEMA: &str = "
message served_by {
    required int64 session;
    required int64 intended_us;
    optional binary instance (STRING);
    optional int32 balancer_status;
    optional int32 target_status;
    optional binary error_reason (STRING);
}";

/// Place of the column that readers of the run need.
const INSTANCE: usize = 2;

fn schema() -> TypePtr {
    Arc::new(parse_message_type(SCHEMA).expect("the schema is well formed"))
}

impl RecordedRun {
    /// Writes down who served each request, as `find` knows it, with what that came to. `tally` has what is known of the
    /// logs themselves.
    ///
    /// # Errors
    /// [`RecordError`] names the file that cannot be written.
    pub fn write_served_by<'a>(
        &self,
        find: impl Fn(RequestKey) -> Option<Served<'a>>,
        mut tally: ServedBy,
    ) -> Result<ServedBy, RecordError> {
        let folder = self.directory.served_by();
        fs::create_dir_all(&folder).map_err(|source| RecordError::NotWritable { path: folder.clone(), source })?;
        let codes = Codes::new(&self.manifest.plan, Names::default());
        for part in &self.parts {
            let path = folder.join(part.file_name().expect("a part has a name"));
            self.write_part(part, &path, &codes, &find, &mut tally)?;
        }
        write_json(&self.directory.served_by_tally(), &tally)?;
        Ok(tally)
    }

    /// What cannot be read of the part is left out here, as readers leave it out.
    fn write_part<'a>(
        &self,
        part: &Path,
        path: &Path,
        codes: &Codes,
        find: &impl Fn(RequestKey) -> Option<Served<'a>>,
        tally: &mut ServedBy,
    ) -> Result<(), RecordError> {
        let Ok(mut rows) = PartReader::open(part) else { return Ok(()) };
        let temporary = beside(path, UNFINISHED);
        let not_writable = |source| RecordError::NotWritable { path: temporary.clone(), source };
        let not_written = |error| failure(&temporary, error);
        let file = File::create(&temporary).map_err(not_writable)?;
        let mut file = SerializedFileWriter::new(file, schema(), Arc::new(properties())).map_err(not_written)?;
        let mut batch = Vec::new();
        while rows.read(codes, &mut batch).unwrap_or(false) {
            let served: Vec<_> = batch.iter().map(|row| find(RequestKey::new(row.session, row.intended))).collect();
            batch.iter().zip(&served).for_each(|(row, served)| tally.count(row, served.as_ref()));
            write_rows(&mut file, &batch, &served).map_err(not_written)?;
        }
        file.finish().map_err(not_written)?;
        file.inner_mut().sync_all().and_then(|()| put_in_place(&temporary, path)).map_err(not_writable)
    }
}

fn write_rows<W: Write + Send>(
    file: &mut SerializedFileWriter<W>,
    rows: &[Observation],
    served: &[Option<Served>],
) -> Result<(), ParquetError> {
    let mut group = file.next_row_group()?;
    let known: Vec<i16> = served.iter().map(|served| i16::from(served.is_some())).collect();
    let statuses = |status: fn(&Served) -> u16| -> Vec<i32> {
        served.iter().flatten().map(|served| i32::from(status(served))).collect()
    };
    column::<Int64Type, _>(&mut group, &rows.iter().map(|row| row.session as i64).collect::<Vec<_>>(), None)?;
    column::<Int64Type, _>(&mut group, &rows.iter().map(|row| row.intended.0).collect::<Vec<_>>(), None)?;
    texts(&mut group, served.iter().map(|served| served.and_then(|served| served.instance())))?;
    column::<Int32Type, _>(&mut group, &statuses(|served| served.balancer_status), Some(&known))?;
    column::<Int32Type, _>(&mut group, &statuses(|served| served.target_status), Some(&known))?;
    texts(&mut group, served.iter().map(|served| served.and_then(|served| served.error_reason)))?;
    group.close().map(drop)
}

fn texts<'a, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: impl Iterator<Item = Option<&'a str>>,
) -> Result<(), ParquetError> {
    let mut levels = Vec::new();
    let mut present = Vec::new();
    for value in values {
        levels.push(i16::from(value.is_some()));
        present.extend(value.map(ByteArray::from));
    }
    column::<ByteArrayType, _>(group, &present, Some(&levels))
}

fn column<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: &[T::T],
    levels: Option<&[i16]>,
) -> Result<(), ParquetError> {
    let mut column = group.next_column()?.expect("the schema has a column for every field");
    column.typed::<T>().write_batch(values, levels, None)?;
    column.close()
}

/// Reads who served beside a part's rows.
pub(super) struct ServedByReader {
    file: SerializedFileReader<File>,
    next_group: usize,
    rows_left: usize,
    instance: Option<TextColumn>,
}

impl ServedByReader {
    /// None where there is no such file, as for most runs.
    pub fn open(path: &Path) -> Result<Option<ServedByReader>, Damage> {
        let file = match File::open(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            opened => SerializedFileReader::new(opened?)?,
        };
        if file.metadata().file_metadata().schema() != schema().as_ref() {
            return Err(Damage::Columns);
        }
        Ok(Some(ServedByReader { file, next_group: 0, rows_left: 0, instance: None }))
    }

    /// Tells the part's next rows who served them, where they do not say so themselves.
    pub fn fill(&mut self, rows: &mut [Observation], names: &Names) -> Result<(), Damage> {
        let mut filled = 0;
        while filled < rows.len() {
            if self.rows_left == 0 {
                self.open_group()?;
            }
            let count = self.rows_left.min(rows.len() - filled);
            let instance = self.instance.as_mut().expect("a group is open");
            instance.load(count, |text| Some(names.id(std::str::from_utf8(text).ok()?).0))?;
            for at in 0..count {
                let served = instance.optional(at).map(NameId);
                let row = &mut rows[filled + at];
                // Who a request was sent to that nobody answered has not served it.
                row.instance = row.instance.or(served.filter(|_| row.status != 0));
            }
            self.rows_left -= count;
            filled += count;
        }
        Ok(())
    }

    fn open_group(&mut self) -> Result<(), Damage> {
        if self.next_group == self.file.num_row_groups() {
            return Err(Damage::Short("instance"));
        }
        let group = self.file.get_row_group(self.next_group)?;
        self.rows_left = group.metadata().num_rows() as usize;
        self.instance = Some(Columns { group: &*group, next: INSTANCE }.next_text("instance")?);
        self.next_group += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::directory::RunDirectory;
    use super::super::tests::{begun, by_rows, read, recorded, rows};
    use super::*;

    /// Rows that do not say who served them, in parts of 40.
    fn silent(directory: &RunDirectory, count: u64) -> Vec<Observation> {
        let mut silent = rows(0..count);
        silent.iter_mut().for_each(|row| row.instance = None);
        // One that says so itself, one without an answer, and an error.
        silent[1].instance = Some(NameId(0));
        silent[3].status = 0;
        silent[4].status = 502;
        recorded(directory, by_rows(40), std::slice::from_ref(&silent));
        silent
    }

    fn served(target: Option<&str>, status: u16) -> Served<'_> {
        Served { target, balancer_status: 200, target_status: status, error_reason: None }
    }

    fn joined(directory: &RunDirectory) -> ServedBy {
        let run = RecordedRun::open(directory.path()).unwrap();
        let keys: Vec<RequestKey> = (0..5).map(|session| RequestKey::new(session, rows(0..1)[0].intended)).collect();
        let find = |request: RequestKey| match keys.iter().position(|key| *key == request) {
            Some(2) => None,
            Some(4) => Some(Served { error_reason: Some("Reason"), ..served(Some("i-2"), 0) }),
            _ => Some(served(Some("i-2"), 200)),
        };
        run.write_served_by(find, ServedBy { log_files: 2, ..ServedBy::default() }).unwrap()
    }

    #[test]
    fn rows_are_told_who_served_them() {
        let (_results, directory) = begun();
        let silent = silent(&directory, 100);
        let before = std::fs::read(directory.part(0, 0)).unwrap();
        let tally = joined(&directory);
        assert_eq!((tally.log_files, tally.answers, tally.matched), (2, 99, 98));
        assert_eq!((tally.balancer_errors, tally.application_errors, tally.error_reasons["Reason"]), (1, 0, 1));
        let (found, reading) = read(&directory);
        assert_eq!(reading.damaged, []);
        for (row, silent) in found.iter().zip(&silent) {
            let expected = match row.session {
                2..5 => None,
                _ => silent.instance.or(Some(NameId(1))),
            };
            assert_eq!(row.instance, expected, "{}", row.session);
        }
        assert_eq!(RecordedRun::open(directory.path()).unwrap().served_by, Some(tally));
        assert_eq!(std::fs::read(directory.part(0, 0)).unwrap(), before, "raw files stay what they are");
    }

    #[test]
    fn a_file_that_does_not_fit_is_named_and_the_rows_are_read() {
        let (_results, directory) = begun();
        silent(&directory, 80);
        joined(&directory);
        let file = directory.served_by().join("w0-00001.parquet");
        let bytes = std::fs::read(&file).unwrap();
        std::fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
        let (found, reading) = read(&directory);
        assert_eq!(found.len(), 80);
        assert_eq!(reading.damaged.iter().map(|part| &part.file).collect::<Vec<_>>(), [&file]);
        std::fs::write(directory.served_by_tally(), "{").unwrap();
        let run = RecordedRun::open(directory.path()).unwrap();
        assert!(run.served_by.unwrap().trouble.unwrap().contains("served-by.json cannot be read"));
    }

    #[test]
    fn the_readme_names_every_column() {
        let readme = include_str!("../../results/README.md");
        let section = readme.split("## A row of `served-by").nth(1).expect("there is a section");
        for column in schema().get_fields() {
            assert!(section.contains(&format!("| `{}` |", column.name())), "{}", column.name());
        }
    }
}
