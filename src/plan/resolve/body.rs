use super::context::Context;
use super::template::Names;
use crate::plan::{Body, Check, Expectation, Part, Piece, Template};
use crate::profile::{At, ExpectFile, StepFile};
use serde_json::Value;
use std::ops::Range;

impl Context<'_> {
    pub fn body(&mut self, file: &StepFile, names: Names<'_>) -> Body {
        let given = [file.form.is_some(), file.json.is_some(), file.raw.is_some()];
        if given.iter().filter(|given| **given).count() > 1 {
            self.error(&file.name.span, "the step has more than one body", "give one of `form`, `json`, `raw`");
        }
        if let Some(fields) = &file.form {
            let fields = fields.iter().map(|(name, text)| {
                self.no_secret(name, text, &text.span);
                (name.clone(), self.template(text, &text.span, names))
            });
            return Body::Form(fields.collect());
        }
        if let Some(document) = &file.json {
            return Body::Json(self.json_body(document, names));
        }
        if let Some(text) = &file.raw {
            let content_type = file.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
            return Body::Raw {
                content_type: content_type.map(|(_, value)| value.value.clone()),
                body: self.template(text, &text.span, names),
            };
        }
        Body::None
    }

    fn json_body(&mut self, document: &At<Value>, names: Names<'_>) -> Template {
        if let Value::String(text) = &document.value {
            let template = self.template(text, &document.span, names);
            // Whatever is filled in is a number or stands within quotes: `0` does for both.
            let sample = template.pieces.iter().map(|piece| match piece {
                Piece::Text(text) => text.as_str(),
                _ => "0",
            });
            if let Err(error) = serde_json::from_str::<Value>(&sample.collect::<String>()) {
                let help = "a string is the JSON text itself, such as `'{ \"quantity\": {{random(1, 5)}} }'`; a table \
                            is written out as JSON";
                self.error(&document.span, format!("not JSON: {error}"), help);
            }
            return template;
        }
        let mut pieces = Vec::new();
        self.push_json(&document.value, &document.span, names, &mut pieces);
        merged(pieces)
    }

    fn push_json(&mut self, value: &Value, span: &Range<usize>, names: Names<'_>, pieces: &mut Vec<Piece>) {
        let text = |text: &str| Piece::Text(text.to_owned());
        match value {
            Value::Object(map) if map.contains_key("$__toml_private_datetime") => {
                self.error(span, "JSON has no dates", "write the date as a string, in quotes");
            }
            Value::Object(map) => {
                pieces.push(text("{"));
                for (number, (key, value)) in map.iter().enumerate() {
                    let comma = if number == 0 { "" } else { "," };
                    pieces.push(Piece::Text(format!("{comma}{}:", Value::from(key.as_str()))));
                    if let Value::String(text) = value {
                        self.no_secret(key, text, span);
                    }
                    self.push_json(value, span, names, pieces);
                }
                pieces.push(text("}"));
            }
            Value::Array(items) => {
                pieces.push(text("["));
                for (number, item) in items.iter().enumerate() {
                    pieces.push(text(if number == 0 { "" } else { "," }));
                    self.push_json(item, span, names, pieces);
                }
                pieces.push(text("]"));
            }
            Value::String(string) => {
                pieces.push(text("\""));
                let filled = self.template(string, span, names).pieces.into_iter().map(|piece| match piece {
                    Piece::Text(literal) => {
                        let quoted = Value::from(literal).to_string();
                        Piece::Text(quoted[1..quoted.len() - 1].to_owned())
                    }
                    other => other,
                });
                pieces.extend(filled);
                pieces.push(text("\""));
            }
            scalar => pieces.push(Piece::Text(scalar.to_string())),
        }
    }

    pub fn expectations(&mut self, file: &ExpectFile, names: Names<'_>) -> Vec<Expectation> {
        let status = match &file.status {
            Some(status) => Check::StatusIn(self.statuses(status)),
            None => Check::StatusBelow(400),
        };
        let mut all = vec![Expectation { part: Part::Status, check: status }];
        for (name, value) in &file.header {
            let Some(name) = self.header_name(name, &value.span) else { continue };
            let check = Check::Equals(self.template(value, &value.span, names));
            all.push(Expectation { part: Part::Header(name), check });
        }
        if let Some(text) = &file.body_contains {
            all.push(Expectation { part: Part::Body, check: Check::Contains(text.value.clone()) });
        }
        if let Some(pattern) = file.body_matches.as_ref().and_then(|pattern| self.regex(pattern)) {
            all.push(Expectation { part: Part::Body, check: Check::Matches(pattern) });
        }
        for (pointer, value) in &file.json {
            let Some(pointer) = self.json_pointer(pointer, &value.span) else { continue };
            let text = match &value.value {
                Value::String(text) => text.clone(),
                Value::Bool(_) | Value::Number(_) => value.to_string(),
                _ => {
                    self.error(&value.span, "only a text, a number or a boolean can be compared", "point deeper");
                    continue;
                }
            };
            let check = Check::Equals(self.template(&text, &value.span, names));
            all.push(Expectation { part: Part::Json(pointer), check });
        }
        all
    }
}

/// Neighbouring texts as one.
fn merged(pieces: Vec<Piece>) -> Template {
    let mut merged: Vec<Piece> = Vec::new();
    for piece in pieces {
        match (merged.last_mut(), piece) {
            (Some(Piece::Text(before)), Piece::Text(text)) => before.push_str(&text),
            (_, piece) => merged.push(piece),
        }
    }
    Template { pieces: merged }
}
