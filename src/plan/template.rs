use serde::{Deserialize, Serialize};

/// A text with places to fill in for each request, parsed once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Template {
    pub pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Piece {
    Text(String),
    /// `{{user.FIELD}}`: index into [`super::Plan::user_fields`].
    User(u16),
    /// `{{NAME}}`: a variable extracted earlier: index into [`super::Plan::variables`].
    Variable(u16),
    /// `{{random(1, 50)}}`: a whole number, both ends included.
    Random {
        from: i64,
        to: i64,
    },
    /// `{{choice(a, b, c)}}`: one of these, evenly.
    Choice(Vec<String>),
    /// `{{counter}}`: counts the requests of this session that used it, from 1.
    Counter,
    /// `{{session}}`: the session's number.
    Session,
    /// `{{token}}`: 128 random bits in hexadecimal.
    Token,
}

impl Template {
    pub fn literal(text: impl Into<String>) -> Template {
        Template { pieces: vec![Piece::Text(text.into())] }
    }

    /// The text, if there is nothing to fill in.
    pub fn as_literal(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [] => Some(""),
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }
}
