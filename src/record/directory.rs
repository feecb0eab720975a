use super::RecordError;
use serde::Serialize;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Where the files of one run are: `results/<profile>/<UTC time>-<id>/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDirectory {
    path: PathBuf,
}

const MANIFEST: &str = "manifest.json";
const LATEST: &str = "latest";

impl RunDirectory {
    /// Makes an empty directory for a run that begins `now`, and points `results/<profile>/latest` at it.
    ///
    /// # Errors
    /// [`RecordError::NotWritable`] names what could not be made.
    pub fn create(results: &Path, profile_name: &str, now: SystemTime) -> Result<RunDirectory, RecordError> {
        let profile = results.join(file_system_name(profile_name));
        let path = make_unique(&profile, &utc_stamp(now))?;
        let requests = path.join("requests");
        fs::create_dir(&requests).map_err(not_writable(&requests))?;
        point_latest(&profile, &path)?;
        Ok(RunDirectory { path })
    }

    /// Makes `results` where it is missing and tries it out, so that a run that could not be recorded is not begun.
    ///
    /// # Errors
    /// [`RecordError::NotWritable`] when nothing can be made in it.
    pub fn check_writable(results: &Path) -> Result<(), RecordError> {
        fs::create_dir_all(results).map_err(not_writable(results))?;
        tempfile::tempfile_in(results).map(drop).map_err(not_writable(results))
    }

    /// `path` is a run directory, or one that contains `latest`, or such a `latest`.
    ///
    /// # Errors
    /// [`RecordError::NoRun`] when there is no manifest to be found.
    pub fn open(path: &Path) -> Result<RunDirectory, RecordError> {
        let run = [Some(path.to_owned()), followed(path), followed(&path.join(LATEST))];
        match run.into_iter().flatten().find(|candidate| candidate.join(MANIFEST).is_file()) {
            Some(path) => Ok(RunDirectory { path }),
            None => Err(RecordError::NoRun { path: path.to_owned() }),
        }
    }

    /// All runs of a profile, in order of time.
    ///
    /// # Errors
    /// [`RecordError::NotReadable`].
    pub fn all(results: &Path, profile_name: &str) -> Result<Vec<RunDirectory>, RecordError> {
        RunDirectory::all_in(&results.join(file_system_name(profile_name)))
    }

    /// All runs in a profile's directory, in order of time: their names begin with it. One that is not there holds none.
    ///
    /// # Errors
    /// [`RecordError::NotReadable`].
    pub fn all_in(profile: &Path) -> Result<Vec<RunDirectory>, RecordError> {
        let not_readable = |source| RecordError::NotReadable { path: profile.to_owned(), source };
        let mut runs = Vec::new();
        if !profile.is_dir() {
            return Ok(runs);
        }
        for entry in fs::read_dir(profile).map_err(not_readable)? {
            let path = entry.map_err(not_readable)?.path();
            // Not the link to the latest, which is among them anyway.
            if !path.is_symlink() && path.join(MANIFEST).is_file() {
                runs.push(RunDirectory { path });
            }
        }
        runs.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(runs)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The directory's own name: UTC time and a random part. It names the run.
    pub fn run_id(&self) -> String {
        self.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    pub fn manifest(&self) -> PathBuf {
        self.path.join(MANIFEST)
    }

    pub fn events(&self) -> PathBuf {
        self.path.join("events.jsonl")
    }

    pub fn samples(&self) -> PathBuf {
        self.path.join("samples.jsonl")
    }

    pub fn requests(&self) -> PathBuf {
        self.path.join("requests")
    }

    /// Who served, by the balancer's access logs: a file for each part of the requests.
    pub fn served_by(&self) -> PathBuf {
        self.path.join("served-by")
    }

    /// What those logs came to.
    pub fn served_by_tally(&self) -> PathBuf {
        self.path.join("served-by.json")
    }

    /// What CloudWatch has of the run's time.
    pub fn cloudwatch(&self) -> PathBuf {
        self.path.join("cloudwatch.json")
    }

    /// Part `number` of what `worker` recorded. Parts are read in the order of their names.
    pub fn part(&self, worker: u32, number: u32) -> PathBuf {
        self.requests().join(format!("w{worker}-{number:05}.parquet"))
    }
}

/// Writes a file so that it is seen whole or not at all: temporary name in the same directory, fsync, rename,
/// fsync of the directory.
///
/// # Errors
/// [`RecordError::NotWritable`]; the temporary file is removed again.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), RecordError> {
    let temporary = beside(path, "tmp");
    let written = File::create(&temporary).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.and_then(|()| put_in_place(&temporary, path)).map_err(|source| {
        let _ = fs::remove_file(&temporary);
        RecordError::NotWritable { path: path.to_owned(), source }
    })
}

/// [`write_whole`] for JSON.
pub(super) fn write_json(path: &Path, value: &impl Serialize) -> Result<(), RecordError> {
    let mut json = serde_json::to_vec_pretty(value).expect("plain data with text for keys can be told in JSON");
    json.push(b'\n');
    write_whole(path, &json)
}

/// Renames a file that has been synced, and makes the new name last.
pub(super) fn put_in_place(temporary: &Path, path: &Path) -> io::Result<()> {
    fs::rename(temporary, path)?;
    match path.parent() {
        // Only Unix lets a directory be opened and synced.
        Some(directory) if cfg!(unix) => File::open(directory)?.sync_all(),
        _ => Ok(()),
    }
}

/// `dir/name` → `dir/.name.ending`, the name a file has while it is not whole. Readers of Parquet directories (Spark,
/// pyarrow) pass over what begins with a dot.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{ending}"))
}

fn not_writable(path: &Path) -> impl FnOnce(io::Error) -> RecordError {
    let path = path.to_owned();
    move |source| RecordError::NotWritable { path, source }
}

fn make_unique(profile: &Path, stamp: &str) -> Result<PathBuf, RecordError> {
    fs::create_dir_all(profile).map_err(not_writable(profile))?;
    loop {
        let id = rand::random::<u32>() & 0xff_ffff;
        let path = profile.join(format!("{stamp}-{id:06x}"));
        match fs::create_dir(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            made => return made.map_err(not_writable(&path)).map(|()| path),
        }
    }
}

/// `20261124T071521Z`.
fn utc_stamp(now: SystemTime) -> String {
    let now = time::OffsetDateTime::from(now);
    let (year, month, day) = (now.year(), u8::from(now.month()), now.day());
    format!("{year:04}{month:02}{day:02}T{:02}{:02}{:02}Z", now.hour(), now.minute(), now.second())
}

/// A profile's name is the user's; on disk only letters, digits, `.`, `_` and `-` are safe everywhere.
fn file_system_name(profile_name: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' };
    let name: String = profile_name.chars().map(safe).take(80).collect();
    match name.trim_start_matches(['.', '-']) {
        "" => "profile".to_owned(),
        name => name.to_owned(),
    }
}

/// Replaces `latest` in one step, so that a reader never finds it missing.
fn point_latest(profile: &Path, run: &Path) -> Result<(), RecordError> {
    let latest = profile.join(LATEST);
    let name = Path::new(run.file_name().expect("a run directory has a name"));
    let temporary = beside(run, LATEST);
    let linked = link(name, &temporary).or_else(|_| fs::write(&temporary, name.as_os_str().as_encoded_bytes()));
    linked.and_then(|()| fs::rename(&temporary, &latest)).map_err(|source| {
        let _ = fs::remove_file(&temporary);
        RecordError::NotWritable { path: latest.clone(), source }
    })
}

#[cfg(unix)]
fn link(target: &Path, at: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, at)
}

#[cfg(not(unix))]
fn link(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// What `latest` points at, be it a link or a text file.
fn followed(latest: &Path) -> Option<PathBuf> {
    let target = fs::read_link(latest).or_else(|_| fs::read_to_string(latest).map(|text| text.trim().into())).ok()?;
    Some(latest.parent()?.join(target))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    fn made(results: &Path, at: u64) -> RunDirectory {
        let run = RunDirectory::create(results, "peak hour", UNIX_EPOCH + Duration::from_secs(at)).unwrap();
        write_whole(&run.manifest(), b"{}").unwrap();
        run
    }

    #[test]
    fn latest_follows_the_newest_run() {
        let results = tempfile::tempdir().unwrap();
        let first = made(results.path(), 1_000_000_000);
        assert!(first.run_id().starts_with("20010909T014640Z-"), "{}", first.run_id());
        assert_eq!(first.run_id().len(), "20010909T014640Z-".len() + 6);
        let profile = results.path().join("peak-hour");
        assert_eq!(RunDirectory::open(&profile).unwrap(), first);
        let second = made(results.path(), 1_000_000_001);
        assert_eq!(RunDirectory::open(&profile).unwrap(), second);
        assert_eq!(RunDirectory::open(&profile.join("latest")).unwrap().manifest().canonicalize().unwrap(), {
            second.manifest().canonicalize().unwrap()
        });
        assert_eq!(RunDirectory::open(first.path()).unwrap(), first);
    }

    #[test]
    fn latest_may_be_a_text_file() {
        let results = tempfile::tempdir().unwrap();
        let run = made(results.path(), 0);
        let latest = results.path().join("peak-hour/latest");
        fs::remove_file(&latest).unwrap();
        fs::write(&latest, format!("{}\n", run.run_id())).unwrap();
        assert_eq!(RunDirectory::open(&results.path().join("peak-hour")).unwrap(), run);
        assert_eq!(RunDirectory::open(&latest).unwrap(), run);
    }

    #[test]
    fn names_of_profiles_are_made_safe() {
        for (name, safe) in [
            ("quickstart", "quickstart"),
            ("Evening peak (EU)", "Evening-peak--EU-"),
            ("../../etc/passwd", "etc-passwd"),
            ("..", "profile"),
            ("", "profile"),
            ("Spätschicht", "Sp-tschicht"),
        ] {
            assert_eq!(file_system_name(name), safe, "{name}");
        }
        assert_eq!(file_system_name(&"x".repeat(500)).len(), 80);
    }

    #[test]
    fn a_place_that_cannot_be_written_is_named_with_the_remedy() {
        let results = tempfile::tempdir().unwrap();
        let file = results.path().join("results");
        fs::write(&file, "a file, not a directory").unwrap();
        let error = RunDirectory::create(&file, "p", UNIX_EPOCH).unwrap_err().to_string();
        let error = error.replace(&*results.path().to_string_lossy(), "");
        insta::assert_snapshot!(error, @"cannot write /results/p: Not a directory (os error 20); results need a directory that is writable and has room");
    }

    #[test]
    fn a_directory_without_a_run_is_told_apart() {
        let empty = tempfile::tempdir().unwrap();
        assert!(matches!(RunDirectory::open(empty.path()), Err(RecordError::NoRun { .. })));
    }

    #[test]
    fn a_failed_write_leaves_nothing_behind() {
        let directory = tempfile::tempdir().unwrap();
        // A directory that is not empty cannot be replaced by a file.
        let occupied = directory.path().join("occupied");
        fs::create_dir_all(occupied.join("inner")).unwrap();
        write_whole(&occupied, b"x").unwrap_err();
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
