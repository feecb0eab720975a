use parquet::errors::ParquetError;
use std::io;
use std::path::PathBuf;

/// What can go wrong with a run directory.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    #[error("cannot write {}: {source}; results need a directory that is writable and has room", path.display())]
    NotWritable { path: PathBuf, source: io::Error },
    #[error("cannot read {}: {source}", path.display())]
    NotReadable { path: PathBuf, source: io::Error },
    #[error(
        "{} holds no run: found neither manifest.json nor latest in it; give a run directory, such as results/<profile>/latest",
        path.display()
    )]
    NoRun { path: PathBuf },
    #[error("{} is not a manifest: {source}; the run cannot be read without it", path.display())]
    BadManifest { path: PathBuf, source: serde_json::Error },
    #[error(
        "{} was written in format {found} by rushhour {tool_version}, and this version reads formats up to {known}; read it with rushhour {tool_version} or newer",
        path.display()
    )]
    NewerFormat { path: PathBuf, found: u32, known: u32, tool_version: String },
    #[error("cannot write {}: {source}", path.display())]
    BadPart { path: PathBuf, source: ParquetError },
}
