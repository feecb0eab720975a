//! What a job of GitHub Actions shows of a run on its own pages. The environment says whether there is such a job.

use crate::report::{Subject, annotations, markdown};
use anyhow::Context as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;

/// A step's summary may be as long as this; of a longer one nothing is shown.
const MOST_BYTES: u64 = 1 << 20;

/// `text` as the job's log may show it, and the annotations after it; None outside of such a job.
pub fn log(subject: &Subject, text: &str) -> Option<String> {
    if std::env::var_os("GITHUB_ACTIONS").is_none_or(|value| value != "true") {
        return None;
    }
    // Names from responses are in the text; until the token comes, no line of it is a command.
    let token = format!("{:032x}", rand::random::<u128>());
    Some(format!("::stop-commands::{token}\n{}\n::{token}::\n{}", text.trim_end(), annotations(subject)))
}

/// Appends the summary to that of the job's step, where there is one.
///
/// # Errors
/// When the file cannot be written, or has no room left.
pub fn append_summary(subject: &Subject) -> anyhow::Result<()> {
    let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()).map(PathBuf::from) else {
        return Ok(());
    };
    let summary = markdown(subject);
    let cannot = || format!("the step summary {} could not be written", path.display());
    let mut file = OpenOptions::new().create(true).append(true).open(&path).with_context(cannot)?;
    let length = file.metadata().with_context(cannot)?.len() + summary.len() as u64;
    anyhow::ensure!(
        length <= MOST_BYTES,
        "the step summary {} would be longer than the 1 MiB that is shown; it is left as it was",
        path.display()
    );
    file.write_all(summary.as_bytes()).with_context(cannot)
}
