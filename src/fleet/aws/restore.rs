use super::clients::Clients;
use super::config::config as sdk_config;
use super::undo::{FILE, Undo, clear};
use std::path::{Path, PathBuf};

/// Puts back what a run changed and did not put back itself, as told by the file in its directory. Says what was done.
///
/// # Errors
/// What could not be put back, and why. The file stays then.
pub async fn restore(run: &Path) -> Result<Vec<String>, String> {
    let undo = Undo::read(run)?;
    let clients = Clients::new(&sdk_config(Some(&undo.region)).await);
    carry_out(&undo, &clients, run).await
}

pub(super) async fn carry_out(undo: &Undo, clients: &Clients, run: &Path) -> Result<Vec<String>, String> {
    let (done, failed) = undo.carry_out(clients).await;
    if failed.is_empty() {
        clear(run).map_err(|error| format!("all is as it was, but {FILE} could not be removed: {error}"))?;
        return Ok(done);
    }
    let all: Vec<String> = failed.iter().map(ToString::to_string).chain(done).collect();
    Err(all.join("\n"))
}

/// The file that tells what a run has changed and not put back.
pub fn undone(run: &Path) -> Option<PathBuf> {
    Some(run.join(FILE)).filter(|file| file.exists())
}
