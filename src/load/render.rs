//! Fills in templates.

use crate::plan::{Piece, Template, UserRow};
use rand::RngExt as _;
use rand_pcg::Pcg64Mcg;
use std::fmt::Write as _;

/// What a session's templates are filled in from.
#[derive(Clone)]
pub struct Values {
    pub user: UserRow,
    pub variables: Vec<Option<String>>,
    pub rng: Pcg64Mcg,
    pub session: u64,
    pub counter: u64,
}

/// Where a text goes, which says how what is filled in must be written.
#[derive(Clone, Copy)]
pub enum Place {
    /// As it is.
    Plain,
    /// Into a path or query: what a URI cannot hold is percent-encoded, the rest is left (a value may be a link).
    Path,
    /// Into a JSON string.
    Json,
}

/// What a URI may not hold as it is (RFC 3986 §2).
const NOT_IN_URI: &percent_encoding::AsciiSet = &percent_encoding::CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// A variable that has no value: the step that should have given it one did not.
#[derive(Debug, PartialEq, Eq)]
pub struct Unset;

impl Values {
    /// Appends the filled-in template.
    pub fn fill(&mut self, template: &Template, place: Place, out: &mut String) -> Result<(), Unset> {
        for piece in &template.pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::User(field) => put(self.user.0[usize::from(*field)].expose(), place, out),
                Piece::Variable(variable) => {
                    put(self.variables[usize::from(*variable)].as_deref().ok_or(Unset)?, place, out);
                }
                Piece::Random { from, to } => write_display(self.rng.random_range(*from..=*to), out),
                Piece::Choice(list) => put(&list[self.rng.random_range(0..list.len())], place, out),
                Piece::Counter => {
                    self.counter += 1;
                    write_display(self.counter, out);
                }
                Piece::Session => write_display(self.session, out),
                Piece::Token => {
                    let token: u128 = self.rng.random();
                    write!(out, "{token:032x}").expect("a String can be written to");
                }
            }
        }
        Ok(())
    }

    pub fn filled(&mut self, template: &Template, place: Place) -> Result<String, Unset> {
        let mut out = String::new();
        self.fill(template, place, &mut out)?;
        Ok(out)
    }

    /// Fields as `application/x-www-form-urlencoded`.
    pub fn form(&mut self, fields: &[(String, Template)]) -> Result<String, Unset> {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        for (name, template) in fields {
            form.append_pair(name, &self.filled(template, Place::Plain)?);
        }
        Ok(form.finish())
    }
}

fn put(value: &str, place: Place, out: &mut String) {
    match place {
        Place::Plain => out.push_str(value),
        Place::Path => out.extend(percent_encoding::utf8_percent_encode(value, NOT_IN_URI)),
        Place::Json => {
            let quoted = serde_json::to_string(value).expect("a string can be written as JSON");
            out.push_str(&quoted[1..quoted.len() - 1]);
        }
    }
}

fn write_display(value: impl std::fmt::Display, out: &mut String) {
    write!(out, "{value}").expect("a String can be written to");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Secret;
    use rand::SeedableRng;

    fn values() -> Values {
        Values {
            user: UserRow(vec![Secret::new("ann b"), Secret::new("p\"w&d")]),
            variables: vec![Some("a b/c?d".to_owned()), None],
            rng: Pcg64Mcg::seed_from_u64(1),
            session: 7,
            counter: 0,
        }
    }

    #[test]
    fn what_is_filled_in_is_written_as_its_place_asks() {
        let template = Template { pieces: vec![Piece::Text("/x/".to_owned()), Piece::Variable(0)] };
        assert_eq!(values().filled(&template, Place::Path).unwrap(), "/x/a%20b/c?d");
        assert_eq!(values().filled(&template, Place::Plain).unwrap(), "/x/a b/c?d");
        let password = Template { pieces: vec![Piece::User(1)] };
        assert_eq!(values().filled(&password, Place::Json).unwrap(), r#"p\"w&d"#);
        let fields = [("u".to_owned(), Template { pieces: vec![Piece::User(0)] }), ("p".to_owned(), password)];
        assert_eq!(values().form(&fields).unwrap(), "u=ann+b&p=p%22w%26d");
    }

    #[test]
    fn a_variable_that_was_never_set_is_told() {
        let template = Template { pieces: vec![Piece::Variable(1)] };
        assert_eq!(values().filled(&template, Place::Plain), Err(Unset));
    }

    #[test]
    fn counters_count_and_sessions_have_their_number() {
        let template = Template { pieces: vec![Piece::Counter, Piece::Text("-".to_owned()), Piece::Session] };
        let mut values = values();
        assert_eq!(values.filled(&template, Place::Plain).unwrap(), "1-7");
        assert_eq!(values.filled(&template, Place::Plain).unwrap(), "2-7");
    }
}
