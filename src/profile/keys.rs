//! Which keys a profile may have, read from the schema of the file structs, so that there is one list of them.

use super::error::suggestion;
use super::{ProfileError, ProfileFile};
use serde_json::Value;
use std::sync::LazyLock;
use toml::de::{DeTable, DeValue};

/// The JSON Schema of a profile.
pub fn schema() -> &'static Value {
    static SCHEMA: LazyLock<Value> = LazyLock::new(|| schemars::schema_for!(ProfileFile).to_value());
    &SCHEMA
}

/// A place in the schema: every shape that a value there may have.
#[derive(Clone)]
pub struct Place {
    shapes: Vec<&'static Value>,
}

/// What a key leads to.
pub enum Step {
    To(Place),
    /// No such key; these there are.
    Unknown(Vec<&'static str>),
    /// The value there has no keys at all.
    NoTable,
}

impl Place {
    pub fn root() -> Place {
        Place::of(schema())
    }

    fn of(node: &'static Value) -> Place {
        let mut shapes = Vec::new();
        flatten(node, &mut shapes);
        Place { shapes }
    }

    pub fn key(&self, key: &str) -> Step {
        let mut known = Vec::new();
        for shape in &self.shapes {
            if **shape == Value::Bool(true) {
                return Step::To(Place { shapes: vec![shape] });
            }
            if let Some(found) = shape.pointer("/properties").and_then(|p| p.get(key)) {
                return Step::To(Place::of(found));
            }
            match &shape["additionalProperties"] {
                Value::Bool(_) | Value::Null => {}
                any => return Step::To(Place::of(any)),
            }
            known.extend(shape["properties"].as_object().into_iter().flatten().map(|(name, _)| name.as_str()));
        }
        if known.is_empty() { Step::NoTable } else { Step::Unknown(known) }
    }

    /// What an array here holds; None where no array belongs.
    pub fn item(&self) -> Option<Place> {
        self.shapes.iter().find_map(|shape| match &shape["items"] {
            Value::Null | Value::Bool(false) => (**shape == Value::Bool(true)).then(|| Place { shapes: vec![shape] }),
            items => Some(Place::of(items)),
        })
    }
}

/// Follows references and alternatives.
fn flatten(node: &'static Value, shapes: &mut Vec<&'static Value>) {
    if let Some(reference) = node["$ref"].as_str() {
        let target = schema().pointer(reference.trim_start_matches('#'));
        return flatten(target.expect("the schema's references are its own"), shapes);
    }
    let alternatives = ["anyOf", "oneOf", "allOf"].iter().filter_map(|k| node[*k].as_array()).flatten();
    let before = shapes.len();
    alternatives.for_each(|alternative| flatten(alternative, shapes));
    if shapes.len() == before {
        shapes.push(node);
    }
}

/// Every key of the document that the schema does not know.
pub fn unknown_keys(document: &DeTable<'_>) -> Vec<ProfileError> {
    let mut errors = Vec::new();
    check_table(document, &Place::root(), "", &mut errors);
    errors
}

fn check_table(table: &DeTable<'_>, place: &Place, section: &str, errors: &mut Vec<ProfileError>) {
    for (key, value) in table {
        let name = key.get_ref();
        let path = if section.is_empty() { name.to_string() } else { format!("{section}.{name}") };
        match place.key(name) {
            Step::To(place) => check_value(value.get_ref(), &place, &path, errors),
            Step::NoTable => {}
            Step::Unknown(known) => errors.push(
                ProfileError::at(&key.span(), format!("unknown key `{name}` {}", in_section(section)))
                    .help(suggestion(name, known.iter().copied())),
            ),
        }
    }
}

fn check_value(value: &DeValue<'_>, place: &Place, path: &str, errors: &mut Vec<ProfileError>) {
    match value {
        DeValue::Table(table) => check_table(table, place, path, errors),
        DeValue::Array(items) => {
            if let Some(place) = place.item() {
                items.iter().for_each(|item| check_value(item.get_ref(), &place, path, errors));
            }
        }
        _ => {}
    }
}

/// "in `workload`", or "at the top of the profile".
pub fn in_section(section: &str) -> String {
    if section.is_empty() { "at the top of the profile".to_owned() } else { format!("in `{section}`") }
}
