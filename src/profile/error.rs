use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use regex::Regex;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// One thing that is wrong with a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileError {
    /// Bytes of the profile's text that it is about; None when it is about the profile as a whole.
    pub span: Option<Range<usize>>,
    /// What was found.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl ProfileError {
    pub fn at(span: &Range<usize>, message: impl Into<String>) -> ProfileError {
        ProfileError { span: Some(span.clone()), message: message.into(), help: None }
    }

    pub fn whole(message: impl Into<String>) -> ProfileError {
        ProfileError { span: None, message: message.into(), help: None }
    }

    pub fn help(mut self, help: impl Into<String>) -> ProfileError {
        self.help = Some(help.into());
        self
    }
}

/// Everything found wrong with one profile, with the text the errors point into.
#[derive(Clone, Debug)]
pub struct ProfileErrors {
    pub path: PathBuf,
    /// The profile as it was read, after `--set`, with what looks like a secret starred out: errors quote lines, and a
    /// password may stand where none belongs.
    text: String,
    pub errors: Vec<ProfileError>,
}

impl ProfileErrors {
    /// Errors in the order of the text, each said once.
    pub fn new(path: &Path, text: &str, mut errors: Vec<ProfileError>) -> ProfileErrors {
        errors.sort_by_key(|e| e.span.as_ref().map_or(0, |s| s.start));
        errors.dedup();
        ProfileErrors { path: path.to_owned(), text: mask_secrets(text), errors }
    }

    /// 1-based line and column (in characters) of an error.
    pub fn position(&self, error: &ProfileError) -> Option<(usize, usize)> {
        let before = self.text.get(..error.span.as_ref()?.start)?;
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Some((before.matches('\n').count() + 1, before[line_start..].chars().count() + 1))
    }

    /// The errors as people read them: file, line and column, the line itself, what to do.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let path = self.path.display().to_string();
        let shown: Vec<String> = self.errors.iter().map(|e| self.render_one(&renderer, &path, e)).collect();
        shown.join("\n\n")
    }

    fn render_one(&self, renderer: &Renderer, path: &str, error: &ProfileError) -> String {
        let title = match error.span {
            Some(_) => error.message.clone(),
            None => format!("{path}: {}", error.message),
        };
        let mut group = Group::with_title(Level::ERROR.primary_title(title));
        if let Some(span) = &error.span {
            let span = self.first_line_of(span);
            let snippet = Snippet::source(&*self.text).path(path);
            group = group.element(snippet.annotation(AnnotationKind::Primary.span(span)));
        }
        if let Some(help) = &error.help {
            group = group.element(Level::HELP.message(&**help));
        }
        renderer.render(&[group])
    }

    /// A table or a long list is pointed at by its first line.
    fn first_line_of(&self, span: &Range<usize>) -> Range<usize> {
        let text = self.text.get(span.clone()).unwrap_or_default();
        let length = text.find('\n').unwrap_or(text.len());
        span.start.min(self.text.len())..(span.start + length).min(self.text.len())
    }
}

impl fmt::Display for ProfileErrors {
    /// One line an error, without the profile's text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, error) in self.errors.iter().enumerate() {
            let separator = if number == 0 { "" } else { "\n" };
            write!(f, "{separator}{}", self.path.display())?;
            if let Some((line, column)) = self.position(error) {
                write!(f, ":{line}:{column}")?;
            }
            write!(f, ": {}", error.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for ProfileErrors {}

/// The name among `names` that `found` was most likely meant to be.
pub fn nearest<'a>(found: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    names
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&found.to_lowercase(), &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= (name.len().max(found.len()) / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// "did you mean `x`? Known are: `x`, `y`".
pub fn suggestion<'a>(found: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    let list: Vec<String> = known.clone().into_iter().map(|k| format!("`{k}`")).collect();
    let list = if list.is_empty() { "there are none".to_owned() } else { format!("known are {}", list.join(", ")) };
    match nearest(found, known) {
        Some(near) => format!("did you mean `{near}`? ({list})"),
        None => list,
    }
}

/// Stars out, byte for byte, literals given to keys that hold secrets and credentials in URLs.
fn mask_secrets(text: &str) -> String {
    static SECRET: LazyLock<Regex> = LazyLock::new(|| {
        let pattern = r#"(?i)[\w-]*(?:passw|secret|token|authorization|cookie|api-?_?key)[\w-]*"?\s*=\s*(?:"([^"\n]*)|'([^'\n]*))|://([^/@\s"]*)@"#;
        Regex::new(pattern).expect("a valid pattern")
    });
    let mut masked = text.to_owned();
    for found in SECRET.captures_iter(text) {
        let value = found.iter().skip(1).flatten().next().expect("each alternative has a group");
        if !value.as_str().contains("{{") {
            masked.replace_range(value.range(), &"*".repeat(value.len()));
        }
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_starred_out_and_nothing_moves() {
        let text = "password = \"hünter2\"\nx = { api-key = 'k3y', name = \"n\" }\nurl = \"http://me:pw@host/\"\n\
                    body = { password = \"{{user.password}}\" }\ncookie = \"sid\"";
        let masked = mask_secrets(text);
        assert_eq!(masked.len(), text.len());
        assert_eq!(
            masked,
            "password = \"********\"\nx = { api-key = '***', name = \"n\" }\nurl = \"http://*****@host/\"\n\
             body = { password = \"{{user.password}}\" }\ncookie = \"***\""
        );
    }

    #[test]
    fn suggestions_are_near_or_none() {
        assert_eq!(nearest("sesions", ["sessions", "arrivals"]), Some("sessions"));
        assert_eq!(nearest("zebra", ["sessions", "arrivals"]), None);
    }
}
