use super::context::Context;
use crate::plan::{Piece, Template};
use crate::profile::{ProfileError, suggestion};
use std::ops::Range;

/// What a template may refer to at some point of a scenario.
#[derive(Clone, Copy)]
pub(super) struct Names<'a> {
    pub user_fields: &'a [String],
    /// Variables that have a value by then, with their numbers.
    pub variables: &'a [(String, u16)],
}

/// What is wrong with a template, and the part of its text that is.
pub(super) struct TemplateError<'t> {
    fragment: &'t str,
    message: String,
    help: String,
}

impl Context<'_> {
    /// A template that stands somewhere within `span`.
    pub fn template(&mut self, text: &str, span: &Range<usize>, names: Names<'_>) -> Template {
        match parse(text, names) {
            Ok(template) => template,
            Err(error) => {
                let span = self.within(span, error.fragment);
                self.errors.push(ProfileError::at(&span, error.message).help(error.help));
                Template::default()
            }
        }
    }
}

pub(super) fn parse<'t>(text: &'t str, names: Names<'_>) -> Result<Template, TemplateError<'t>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find("{{") {
        if open > 0 {
            pieces.push(Piece::Text(rest[..open].to_owned()));
        }
        let close = rest[open..].find("}}").ok_or_else(|| TemplateError {
            fragment: &rest[open..],
            message: "`{{` without a closing `}}`".to_owned(),
            help: "a place to fill in is written `{{user.name}}`".to_owned(),
        })?;
        let fragment = &rest[open..open + close + 2];
        let inner = rest[open + 2..open + close].trim();
        let piece = parse_piece(inner, names).map_err(|(message, help)| TemplateError { fragment, message, help })?;
        pieces.push(piece);
        rest = &rest[open + close + 2..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    Ok(Template { pieces })
}

fn parse_piece(inner: &str, names: Names<'_>) -> Result<Piece, (String, String)> {
    if let Some((function, arguments)) = inner.strip_suffix(')').and_then(|call| call.split_once('(')) {
        return parse_call(function.trim(), arguments);
    }
    if let Some(field) = inner.strip_prefix("user.") {
        let found = names.user_fields.iter().position(|known| known == field);
        return found.map(|at| Piece::User(at as u16)).ok_or_else(|| {
            let known = names.user_fields.iter().map(String::as_str);
            (format!("users have no field `{field}`"), suggestion(field, known))
        });
    }
    match inner {
        "counter" => Ok(Piece::Counter),
        "session" => Ok(Piece::Session),
        "token" => Ok(Piece::Token),
        name => match names.variables.iter().find(|(known, _)| known == name) {
            Some((_, number)) => Ok(Piece::Variable(*number)),
            None => {
                let known = names.variables.iter().map(|(name, _)| name.as_str());
                let known: Vec<&str> = known.chain(["counter", "session", "token", "user.name"]).collect();
                let message = format!("nothing named `{name}` has a value here");
                let help = format!(
                    "a variable must be extracted by an earlier step of this scenario, or set by `let`; {}",
                    suggestion(name, known)
                );
                Err((message, help))
            }
        },
    }
}

fn parse_call(function: &str, arguments: &str) -> Result<Piece, (String, String)> {
    let arguments: Vec<&str> = arguments.split(',').map(str::trim).collect();
    match (function, arguments.as_slice()) {
        ("random", [from, to]) => match (from.parse::<i64>(), to.parse::<i64>()) {
            (Ok(from), Ok(to)) if from <= to => Ok(Piece::Random { from, to }),
            (Ok(from), Ok(to)) => {
                Err((format!("`random` from {from} to {to} is empty"), format!("write `random({to}, {from})`")))
            }
            _ => Err(("`random` takes two whole numbers".to_owned(), "write `{{random(1, 50)}}`".to_owned())),
        },
        ("random", _) => Err(("`random` takes two whole numbers".to_owned(), "write `{{random(1, 50)}}`".to_owned())),
        ("choice", options) if options.iter().all(|option| !option.is_empty()) => {
            Ok(Piece::Choice(options.iter().map(|&option| option.to_owned()).collect()))
        }
        ("choice", _) => {
            Err(("`choice` with an empty option".to_owned(), "write `{{choice(dark, light)}}`".to_owned()))
        }
        (other, _) => Err((format!("there is no function `{other}`"), suggestion(other, ["random", "choice"]))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names<'static> {
        static FIELDS: std::sync::LazyLock<Vec<String>> =
            std::sync::LazyLock::new(|| vec!["name".to_owned(), "password".to_owned()]);
        static VARIABLES: std::sync::LazyLock<Vec<(String, u16)>> =
            std::sync::LazyLock::new(|| vec![("csrf".to_owned(), 3)]);
        Names { user_fields: &FIELDS, variables: &VARIABLES }
    }

    #[test]
    fn every_kind_of_piece_is_read() {
        let text = "a{{user.password}}b{{ csrf }}{{random(-1, 5)}}{{choice(x, y z)}}{{counter}}{{session}}{{token}}}";
        let template = parse(text, names()).ok().unwrap();
        assert_eq!(
            template.pieces,
            [
                Piece::Text("a".into()),
                Piece::User(1),
                Piece::Text("b".into()),
                Piece::Variable(3),
                Piece::Random { from: -1, to: 5 },
                Piece::Choice(vec!["x".into(), "y z".into()]),
                Piece::Counter,
                Piece::Session,
                Piece::Token,
                Piece::Text("}".into()),
            ]
        );
        assert_eq!(parse("", names()).ok().unwrap().as_literal(), Some(""));
    }

    #[test]
    fn what_is_wrong_is_pointed_at() {
        let table = [
            ("x{{user.nam}}", "{{user.nam}}", "users have no field `nam`", "did you mean `name`?"),
            ("{{csfr}}", "{{csfr}}", "nothing named `csfr`", "did you mean `csrf`?"),
            ("/a/{{token", "{{token", "without a closing", ""),
            ("{{random(5, 1)}}", "{{random(5, 1)}}", "is empty", "random(1, 5)"),
            ("{{random(5)}}", "{{random(5)}}", "two whole numbers", ""),
            ("{{choice(a,,b)}}", "{{choice(a,,b)}}", "empty option", ""),
            ("{{randm(1, 2)}}", "{{randm(1, 2)}}", "no function `randm`", "did you mean `random`?"),
        ];
        for (text, fragment, message, help) in table {
            let Err(error) = parse(text, names()) else { panic!("{text} was taken") };
            assert_eq!(error.fragment, fragment);
            assert!(error.message.contains(message), "{text}: {}", error.message);
            assert!(error.help.contains(help), "{text}: {}", error.help);
        }
    }
}
