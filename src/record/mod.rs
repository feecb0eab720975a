//! The run directory: raw observations first, everything derived can be rebuilt from them.

mod column_reader;
mod dictionary;
mod directory;
mod error;
mod json_lines;
mod machine;
mod manifest;
mod part_reader;
mod part_writer;
mod recorder;
mod rows;
mod run_reader;
mod schema;
mod served_by;
#[cfg(test)]
mod tests;

pub use directory::{RunDirectory, write_whole};
pub use error::RecordError;
pub use manifest::{Ending, FORMAT_VERSION, Manifest};
pub use part_writer::{OpenPart, PartFile};
pub use recorder::{BatchSender, RecordOutcome, Recorder, RecorderOptions};
pub use run_reader::{DamagedPart, Reading, RecordedRun, Visitor};
