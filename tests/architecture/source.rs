//! As much of Rust's syntax as the checks need: words and punctuation, without comments and literals, and the paths
//! they form.

use regex::Regex;
use std::path::Path;
use std::sync::LazyLock;

/// A path as a file names it, such as `crate::plan::Plan`, and the line it is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    pub line: usize,
    pub segments: Vec<String>,
    /// In a `use` item, as against in the midst of code.
    pub imported: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub line: usize,
    pub text: String,
}

/// What is left out, and what is a token.
const SYNTAX: &str = concat!(
    r"(?s)//[^\n]*|/\*.*?\*/",
    r##"|b?"(?:\\.|[^"\\])*"|r"[^"]*"|r#+".*?"#+"##,
    r"|'(?:\\[^u]|\\u\{[^}]*\}|[^'\\])'|'\w+",
    r"|(?<token>[A-Za-z_]\w*|::|[^\s\w])",
);

/// Words, `::`, and single characters of punctuation. Comments (doc comments, too), strings, characters and lifetimes
/// are left out.
pub fn tokens(source: &str) -> Vec<Token> {
    static PATTERN: LazyLock<Regex> = LazyLock::new(|| Regex::new(SYNTAX).expect("the pattern is right"));
    let (mut line, mut read) = (1, 0);
    let mut tokens = Vec::new();
    for found in PATTERN.captures_iter(source) {
        if let Some(token) = found.name("token") {
            line += source[read..token.start()].matches('\n').count();
            read = token.start();
            tokens.push(Token { line, text: token.as_str().to_owned() });
        }
    }
    tokens
}

/// The module that a file below `src` is: `src/load/mod.rs` and `src/load.rs` are `load`, `src/lib.rs` is the root.
pub fn module_of(file: &Path) -> Vec<String> {
    let inside = file.strip_prefix("src").expect("a file below src").with_extension("");
    let mut module: Vec<String> = inside.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if module.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
        module.pop();
    }
    module
}

/// Every path a file names, those in groups written out. Paths that begin with `crate`, `super`, `self` or the crate's
/// own name are told from the crate's root and begin with `crate`.
pub fn paths(module: &[String], source: &str) -> Vec<Named> {
    let tokens = tokens(source);
    let mut found = Vec::new();
    // Modules written in this file around the current token, with the depth of braces they end at.
    let mut inner: Vec<(String, usize)> = Vec::new();
    let (mut depth, mut at) = (0_usize, 0);
    let text = |i: usize| tokens.get(i).map_or("", |token| token.text.as_str());
    while at < tokens.len() {
        let here: Vec<String> = module.iter().cloned().chain(inner.iter().map(|(name, _)| name.clone())).collect();
        match text(at) {
            "{" => depth += 1,
            "}" => {
                depth = depth.saturating_sub(1);
                inner.retain(|(_, ends)| *ends < depth + 1);
            }
            "mod" if text(at + 2) == "{" => inner.push((text(at + 1).to_owned(), depth + 1)),
            // `impl Trait + use<'a>` is not an import.
            "use" if text(at + 1) != "<" => {
                let mut leaves = Vec::new();
                at = use_tree(&tokens, at + 1, &[], &mut leaves);
                found.extend(
                    leaves.into_iter().map(|named| Named { segments: absolute(&here, named.segments), ..named }),
                );
                continue;
            }
            word if is_word(word)
                && text(at + 1) == "::"
                && (at == 0 || text(at - 1) != "::" || !is_word_before(&tokens, at)) =>
            {
                let mut segments = vec![word.to_owned()];
                let line = tokens[at].line;
                while text(at + 1) == "::" && is_word(text(at + 2)) {
                    segments.push(text(at + 2).to_owned());
                    at += 2;
                }
                // `x::<T>` is a name with a type, no path.
                if segments.len() > 1 {
                    found.push(Named { line, segments: absolute(&here, segments), imported: false });
                }
            }
            _ => {}
        }
        at += 1;
    }
    found
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Whether the `::` before this token continues a path, as against opening one (`::std`).
fn is_word_before(tokens: &[Token], at: usize) -> bool {
    at >= 2 && (is_word(&tokens[at - 2].text) || tokens[at - 2].text == ">")
}

/// Collects the leaves of the tree that begins at `at`; gives the index after it.
fn use_tree(tokens: &[Token], mut at: usize, before: &[String], leaves: &mut Vec<Named>) -> usize {
    let mut segments = before.to_vec();
    let mut line = tokens.get(at).map_or(0, |token| token.line);
    while let Some(token) = tokens.get(at) {
        match token.text.as_str() {
            "::" => at += 1,
            "{" => {
                at += 1;
                while tokens.get(at).is_some_and(|token| token.text != "}") {
                    at = use_tree(tokens, at, &segments, leaves);
                    at += usize::from(tokens.get(at).is_some_and(|token| token.text == ","));
                }
                return at + 1;
            }
            "as" => at += 2,
            "," | "}" | ";" => break,
            word => {
                line = token.line;
                if word != "self" || segments.is_empty() {
                    segments.push(word.to_owned());
                }
                at += 1;
            }
        }
    }
    leaves.push(Named { line, segments, imported: true });
    at
}

fn absolute(module: &[String], segments: Vec<String>) -> Vec<String> {
    let ups = segments.iter().take_while(|segment| *segment == "super" || *segment == "self").count();
    let supers = segments[..ups].iter().filter(|segment| *segment == "super").count();
    let base: &[String] = match segments[0].as_str() {
        "crate" | "rushhour" => return [vec!["crate".to_owned()], segments[1..].to_vec()].concat(),
        "super" | "self" => &module[..module.len().saturating_sub(supers)],
        _ => return segments,
    };
    [vec!["crate".to_owned()], base.to_vec(), segments[ups..].to_vec()].concat()
}

fn told(module: &[&str], source: &str) -> Vec<String> {
    let module: Vec<String> = module.iter().map(|&part| part.to_owned()).collect();
    paths(&module, source).into_iter().map(|named| format!("{} {}", named.line, named.segments.join("::"))).collect()
}

#[test]
fn comments_and_literals_are_no_code() {
    let source =
        "a // tokio::x\n/* goose */ \"redis \\\" q\" 'x' '\\'' '{' &'static b r#\"std::fs \" \"# /// crate::lab\nc";
    let words: Vec<String> = tokens(source).into_iter().map(|token| format!("{} {}", token.line, token.text)).collect();
    assert_eq!(words, ["1 a", "2 &", "2 b", "3 c"]);
}

#[test]
fn imports_are_written_out() {
    let source =
        "pub use crate::{plan::{self, Plan as P}, history::*};\nuse std::fs;\nfn f() -> impl Sized + use<'a> {}";
    assert_eq!(told(&["load"], source), ["1 crate::plan", "1 crate::plan::Plan", "1 crate::history::*", "2 std::fs"]);
}

#[test]
fn paths_in_code_are_found() {
    assert_eq!(
        told(&["load", "x"], "let a: Vec<crate::plan::Plan> = ::std::fs::read(b);\nx.y::<tokio::time::Instant>()"),
        ["1 crate::plan::Plan", "1 std::fs::read", "2 tokio::time::Instant"]
    );
}

#[test]
fn paths_upwards_are_told_from_the_root() {
    let source =
        "use super::Plan;\nmod tests { use super::super::y; fn f() { super::super::super::lab::z() } }\nself::k::f();";
    assert_eq!(
        told(&["load", "x"], source),
        ["1 crate::load::Plan", "2 crate::load::y", "2 crate::lab::z", "3 crate::load::x::k::f"]
    );
    assert_eq!(told(&[], "use rushhour::cli::run;"), ["1 crate::cli::run"]);
    assert_eq!(module_of(Path::new("src/load/mod.rs")), ["load"]);
    assert_eq!(module_of(Path::new("src/app/jobs/job.rs")), ["app", "jobs", "job"]);
    assert!(module_of(Path::new("src/lib.rs")).is_empty());
}
