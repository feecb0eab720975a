use crate::profile::{At, Profile, ProfileError, suggestion};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// What a profile may refer to outside itself.
pub trait Surroundings {
    /// An environment variable.
    fn variable(&self, name: &str) -> Option<String>;

    /// A text file.
    fn read(&self, path: &Path) -> io::Result<String>;
}

/// The environment and the files of this process.
pub struct ThisMachine;

impl Surroundings for ThisMachine {
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn read(&self, path: &Path) -> io::Result<String> {
        std::fs::read_to_string(path)
    }
}

/// What every part of the resolution needs: the profile, its surroundings, and a place for what is wrong. A part that
/// finds something wrong says so and goes on with a stand-in, so that one look shows all errors.
pub(super) struct Context<'a> {
    pub profile: &'a Profile,
    pub around: &'a dyn Surroundings,
    pub errors: Vec<ProfileError>,
}

impl<'a> Context<'a> {
    pub fn new(profile: &'a Profile, around: &'a dyn Surroundings) -> Context<'a> {
        Context { profile, around, errors: Vec::new() }
    }

    pub fn error(&mut self, span: &Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        self.errors.push(ProfileError::at(span, message).help(help));
    }

    /// A name that should be among `known`, and is not.
    pub fn unknown<'k>(&mut self, found: &At<String>, what: &str, known: impl IntoIterator<Item = &'k str> + Clone) {
        let help = suggestion(found, known);
        self.error(&found.span, format!("there is no {what} `{}`", found.value), help);
    }

    /// Keeps what was found right; notes what was not.
    pub fn check<T>(&mut self, found: Result<T, ProfileError>) -> Option<T> {
        found.map_err(|error| self.errors.push(error)).ok()
    }

    /// Where `fragment` stands within a value of the profile; the whole value where it is written differently there
    /// (with escapes).
    pub fn within(&self, span: &Range<usize>, fragment: &str) -> Range<usize> {
        match self.profile.source(span).find(fragment) {
            Some(at) if !fragment.is_empty() => span.start + at..span.start + at + fragment.len(),
            _ => span.clone(),
        }
    }

    /// A path of the profile, which is relative to the profile's own directory.
    pub fn path(&self, path: &Path) -> PathBuf {
        self.profile.path.parent().unwrap_or(Path::new("")).join(path)
    }

    pub fn read(&mut self, path: &Path, span: &Range<usize>) -> Option<String> {
        let full = self.path(path);
        let found = self.around.read(&full).map_err(|error| {
            ProfileError::at(span, format!("`{}` cannot be read: {error}", full.display()))
                .help("paths are relative to the profile's directory")
        });
        self.check(found)
    }
}
