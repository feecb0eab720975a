use super::call::CallError;
use super::clients::Clients;
use super::reading::ListenerReading;
use super::refresh::AskedRefresh;
use super::zone::Outage;
use crate::fleet::FleetError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// The file in a run's directory that tells how things were before the run changed them. It is gone once they are so
/// again.
pub(super) const FILE: &str = "aws-undo.json";

/// How things were before the run changed them. What it did not change is not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Undo {
    pub region: String,
    /// Desired capacity of Auto Scaling groups.
    pub capacities: BTreeMap<String, u32>,
    pub listener: Option<ListenerReading>,
    /// Instance refreshes that are under way, or may be.
    pub refreshing: Vec<AskedRefresh>,
    /// What takes a zone away, by the zone.
    #[serde(default)]
    pub outages: BTreeMap<String, Outage>,
}

impl Undo {
    fn is_empty(&self) -> bool {
        self.capacities.is_empty() && self.listener.is_none() && self.refreshing.is_empty() && self.outages.is_empty()
    }

    pub fn read(run: &Path) -> Result<Undo, String> {
        let path = run.join(FILE);
        let text = std::fs::read_to_string(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                format!("{}: there is no {FILE}: the run changed nothing, or has put it back", run.display())
            }
            _ => format!("{}: {error}", path.display()),
        })?;
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Puts everything back and says what was done, and what could not be.
    pub async fn carry_out(&self, clients: &Clients) -> (Vec<String>, Vec<CallError>) {
        let (mut done, mut failed) = (Vec::new(), Vec::new());
        let mut note = |what: String, came: Result<(), CallError>| match came {
            Ok(()) => done.push(what),
            Err(error) => failed.push(error),
        };
        for outage in self.outages.values() {
            match clients.end_outage(outage).await {
                Ok(what) => note(what, Ok(())),
                Err(error) => note(String::new(), Err(error)),
            }
        }
        for asked in &self.refreshing {
            let what = format!("no more instances of `{}` are replaced", asked.group);
            note(what, clients.cancel_refresh(asked).await);
        }
        if let Some(listener) = &self.listener {
            let weights = listener.weights.iter().map(|w| w.weight.to_string()).collect::<Vec<_>>().join(" : ");
            let came = clients.weigh(listener, &listener.weights).await;
            note(format!("the listener forwards {weights} as before"), came);
        }
        for (group, desired) in &self.capacities {
            let came = clients.set_capacity(group, *desired).await;
            note(format!("the desired capacity of `{group}` is {desired} as before"), came);
        }
        (done, failed)
    }
}

/// Keeps [`Undo`] on disk from before the first change on.
#[derive(Debug)]
pub(super) struct Journal {
    region: String,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    directory: Option<PathBuf>,
    undo: Undo,
}

impl Journal {
    pub fn new(region: &str) -> Journal {
        Journal { region: region.to_owned(), kept: Mutex::default() }
    }

    pub fn keep_in(&self, directory: &Path) {
        self.with(|kept| kept.directory = Some(directory.to_owned()));
    }

    /// Notes how things are before they are changed. What is noted already stays: it is older.
    ///
    /// # Errors
    /// It could not be written; then nothing may be changed.
    pub fn note(&self, add: impl FnOnce(&mut Undo)) -> Result<(), FleetError> {
        let written: io::Result<()> = self.with(|kept| {
            let mut undo = kept.undo.clone();
            undo.region.clone_from(&self.region);
            add(&mut undo);
            if undo != kept.undo {
                let directory = kept.directory.as_deref().ok_or(io::ErrorKind::NotFound)?;
                write(directory, &undo)?;
                kept.undo = undo;
            }
            Ok(())
        });
        let what = format!("writing {FILE} before the first change");
        written.map_err(|error| FleetError::Failed { what, reason: error.to_string() })
    }

    /// Takes out what needs no putting back any more.
    pub fn forget(&self, remove: impl FnOnce(&mut Undo)) {
        self.with(|kept| {
            remove(&mut kept.undo);
            let Some(directory) = &kept.directory else { return };
            // What is put back twice is as good.
            let _ = if kept.undo.is_empty() { clear(directory) } else { write(directory, &kept.undo) };
        });
    }

    /// None where nothing is left to be put back.
    pub fn undo(&self) -> Option<Undo> {
        self.with(|kept| (!kept.undo.is_empty()).then(|| kept.undo.clone()))
    }

    fn with<T>(&self, look: impl FnOnce(&mut Kept) -> T) -> T {
        look(&mut self.kept.lock().expect("no holder of this lock panics"))
    }
}

/// Removes the file: all is as it was.
pub(super) fn clear(directory: &Path) -> io::Result<()> {
    match std::fs::remove_file(directory.join(FILE)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Whole or not at all, and on the disk before anything is changed.
fn write(directory: &Path, undo: &Undo) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(&serde_json::to_vec_pretty(undo)?)?;
    file.as_file().sync_all()?;
    file.persist(directory.join(FILE))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capacity(undo: &mut Undo, group: &str, desired: u32) {
        undo.capacities.entry(group.to_owned()).or_insert(desired);
    }

    #[test]
    fn what_was_first_is_kept_until_it_is_so_again() {
        let directory = tempfile::tempdir().unwrap();
        let journal = Journal::new("eu-central-1");
        journal.keep_in(directory.path());
        assert!(Undo::read(directory.path()).unwrap_err().contains("changed nothing"));
        journal.note(|undo| capacity(undo, "web", 2)).unwrap();
        journal.note(|undo| capacity(undo, "web", 5)).unwrap();
        let undo = Undo::read(directory.path()).unwrap();
        assert_eq!((undo.region.as_str(), undo.capacities["web"]), ("eu-central-1", 2));
        assert_eq!(journal.undo(), Some(undo));
        journal.forget(|undo| undo.capacities.clear());
        assert_eq!(journal.undo(), None);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn without_a_note_nothing_may_be_changed() {
        let journal = Journal::new("eu-central-1");
        let error = journal.note(|undo| capacity(undo, "web", 2)).unwrap_err().to_string();
        assert!(error.starts_with("writing aws-undo.json before the first change failed"), "{error}");
        assert_eq!(journal.undo(), None);
    }
}
