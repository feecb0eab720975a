use super::RecordError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

/// Appends one JSON document a line, each in one write, so that what was appended survives the process.
pub(super) struct JsonLines {
    file: Box<dyn Write + Send>,
    /// The write before failed and may have left part of a line.
    torn: bool,
}

impl JsonLines {
    pub fn new(file: Box<dyn Write + Send>) -> JsonLines {
        JsonLines { file, torn: false }
    }

    pub fn append(&mut self, value: &impl Serialize) -> io::Result<()> {
        let mut line = if self.torn { vec![b'\n'] } else { Vec::new() };
        serde_json::to_writer(&mut line, value)?;
        line.push(b'\n');
        self.torn = true;
        self.file.write_all(&line)?;
        self.file.flush()?;
        self.torn = false;
        Ok(())
    }
}

/// All lines of the file that can be read, and the number of those that cannot (torn when the run was killed). A file
/// that is not there has no lines.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Result<(Vec<T>, usize), RecordError> {
    let bytes = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        read => read.map_err(|source| RecordError::NotReadable { path: path.to_owned(), source })?,
    };
    let mut values = Vec::new();
    let mut skipped = 0;
    for line in bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
        match serde_json::from_slice(line) {
            Ok(value) => values.push(value),
            Err(_) => skipped += 1,
        }
    }
    Ok((values, skipped))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    /// Takes `room` bytes, then fails once, then takes all.
    struct Fills {
        room: usize,
        taken: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Fills {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.room == 0 {
                self.room = usize::MAX;
                return Err(io::ErrorKind::StorageFull.into());
            }
            let written = bytes.len().min(self.room);
            self.room -= written;
            self.taken.lock().unwrap().extend_from_slice(&bytes[..written]);
            Ok(written)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_torn_by_a_full_disk_does_not_spoil_the_next() {
        let taken = Arc::new(Mutex::new(Vec::new()));
        let mut lines = JsonLines::new(Box::new(Fills { room: 7, taken: taken.clone() }));
        lines.append(&"one").unwrap();
        lines.append(&"two").unwrap_err();
        lines.append(&"three").unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), &*taken.lock().unwrap()).unwrap();
        let read: (Vec<String>, usize) = read(file.path()).unwrap();
        assert_eq!(read, (vec!["one".to_owned(), "three".to_owned()], 1));
    }

    #[test]
    fn a_torn_last_line_is_skipped_and_counted() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), b"1\n2\n{\"at_us\":3,\"so\xc3").unwrap();
        assert_eq!(read::<i64>(file.path()).unwrap(), (vec![1, 2], 1));
        assert_eq!(read::<i64>(Path::new("/nowhere/at/all.jsonl")).unwrap(), (vec![], 0));
    }
}
