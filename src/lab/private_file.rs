use super::LabError;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Writes a file that only its owner may read, and gives its path.
pub(super) fn write_private(path: &Path, text: &str) -> Result<PathBuf, LabError> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(LabError::io(format!("write {}", path.display())))?;
    Ok(path.to_owned())
}
