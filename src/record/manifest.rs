use super::{RecordError, RunDirectory, write_whole};
use crate::history::Origin;
use crate::plan::Plan;
use serde::{Deserialize, Serialize};
use std::fs;

/// Raised when a reader of the version before could misunderstand what is written.
pub const FORMAT_VERSION: u32 = 1;

/// What a run was: `manifest.json`. Written when the run begins and again, with `ending`, when it ends.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Manifest {
    pub format_version: u32,
    #[serde(flatten)]
    pub origin: Origin,
    pub plan: Plan,
    /// None while it runs, and for ever when it was killed.
    pub ending: Option<Ending>,
}

/// How the run ended.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Ending {
    /// End of the load, in microseconds of the run's clock.
    pub load_end_us: i64,
    pub interrupted: bool,
    /// Rows produced and rows in `requests/`. They differ when recording failed.
    pub observations: u64,
    pub recorded: u64,
    /// Why recording stopped early, if it did.
    pub record_error: Option<String>,
    /// What made the conductor give the run up, if anything.
    pub failure: Option<String>,
}

impl Manifest {
    /// Replaces the manifest of the run, whole.
    ///
    /// # Errors
    /// [`RecordError::NotWritable`].
    pub fn write(&self, directory: &RunDirectory) -> Result<(), RecordError> {
        let json = serde_json::to_vec_pretty(self).expect("a manifest has only text for keys");
        write_whole(&directory.manifest(), &json)
    }

    /// # Errors
    /// [`RecordError::NewerFormat`] when this version cannot know what the manifest says,
    /// [`RecordError::BadManifest`] when it is damaged.
    pub fn read(directory: &RunDirectory) -> Result<Manifest, RecordError> {
        /// What a manifest of any format holds.
        #[derive(Deserialize)]
        struct Format {
            format_version: u32,
            tool_version: String,
        }

        let path = directory.manifest();
        let json = match fs::read(&path) {
            Ok(json) => json,
            Err(source) => return Err(RecordError::NotReadable { path, source }),
        };
        match serde_json::from_slice::<Format>(&json) {
            Ok(Format { format_version: found, tool_version }) if found > FORMAT_VERSION => {
                Err(RecordError::NewerFormat { path, found, known: FORMAT_VERSION, tool_version })
            }
            Ok(_) => serde_json::from_slice(&json).map_err(|source| RecordError::BadManifest { path, source }),
            Err(source) => Err(RecordError::BadManifest { path, source }),
        }
    }
}
