use super::error::suggestion;
use super::{ProfileError, ProfileErrors, ProfileFile, keys, overrides};
use std::path::{Path, PathBuf};
use toml::de::DeTable;
use toml_edit::DocumentMut;

/// A profile that could be read: well-formed and of the right types, not yet known to make sense.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Where it was read from; paths in it are relative to this file's directory.
    pub path: PathBuf,
    pub file: ProfileFile,
    /// What was parsed: the file's text with every `--set` applied.
    text: String,
}

/// Reads a profile and applies `--set` assignments (`key=value`) to it.
pub fn load(path: &Path, assignments: &[String]) -> Result<Profile, ProfileErrors> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        let error = ProfileError::whole(format!("the profile cannot be read: {error}"));
        ProfileErrors::new(path, "", vec![error])
    })?;
    Profile::parse(path, &text, assignments)
}

impl Profile {
    /// As [`load`], from text already read.
    pub fn parse(path: &Path, text: &str, assignments: &[String]) -> Result<Profile, ProfileErrors> {
        let text = with_assignments(path, text, assignments)?;
        let fail = |errors| Err(ProfileErrors::new(path, &text, errors));
        let document = match DeTable::parse(&text) {
            Ok(document) => document,
            Err(error) => return fail(vec![from_toml(&error)]),
        };
        let unknown = keys::unknown_keys(document.get_ref());
        if !unknown.is_empty() {
            return fail(unknown);
        }
        match toml::from_str(&text) {
            Ok(file) => Ok(Profile { path: path.to_owned(), file, text }),
            Err(error) => fail(vec![from_toml(&error)]),
        }
    }

    /// Errors found later, with the text they point into.
    pub fn errors(&self, errors: Vec<ProfileError>) -> ProfileErrors {
        ProfileErrors::new(&self.path, &self.text, errors)
    }

    /// The text at a place that an error points at.
    pub fn source(&self, span: &std::ops::Range<usize>) -> &str {
        self.text.get(span.clone()).unwrap_or_default()
    }
}

fn with_assignments(path: &Path, text: &str, assignments: &[String]) -> Result<String, ProfileErrors> {
    if assignments.is_empty() {
        return Ok(text.to_owned());
    }
    let mut document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| {
        let span = error.span().unwrap_or(0..0);
        ProfileErrors::new(path, text, vec![ProfileError::at(&span, error.message())])
    })?;
    let errors: Vec<ProfileError> =
        assignments.iter().filter_map(|assignment| overrides::apply(&mut document, assignment).err()).collect();
    if errors.is_empty() { Ok(document.to_string()) } else { Err(ProfileErrors::new(path, text, errors)) }
}

/// serde names what it found and what it knows in backticks: `unknown variant `a`, expected one of `b`, `c``.
fn from_toml(error: &toml::de::Error) -> ProfileError {
    let message = error.message();
    let found = match error.span() {
        Some(span) => ProfileError::at(&span, message),
        None => ProfileError::whole(message),
    };
    if let Some(rest) = message.strip_prefix("unknown variant ") {
        let names: Vec<&str> = rest.split('`').skip(1).step_by(2).collect();
        if let [name, known @ ..] = names.as_slice() {
            return ProfileError { message: format!("`{name}` is not one of the choices here"), ..found }
                .help(suggestion(name, known.iter().copied()));
        }
    }
    if let Some(rest) = message.strip_prefix("missing field ") {
        return ProfileError { message: format!("the key {rest} is missing here"), ..found };
    }
    found
}
