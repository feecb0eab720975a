//! The reference page of the profile, written from the schema, which is written from the file structs.

use super::schema;
use serde_json::Value;
use std::fmt::Write as _;

/// `docs/profile-reference.md`.
pub fn reference() -> String {
    let mut page = String::from("# Profile reference\n\n");
    page.push_str("<!-- Written from the types in src/profile by `UPDATE_DOCS=1 cargo test reference`. -->\n\n");
    push_section(&mut page, schema());
    let mut waiting = vec![("".to_owned(), schema())];
    let mut done = Vec::new();
    // Breadth first from the top, so that sections stand in the order in which one meets them.
    while !waiting.is_empty() {
        let mut next = Vec::new();
        for (path, node) in waiting.drain(..) {
            for (key, property) in properties(node) {
                let Some(name) = reference_of(property) else { continue };
                if done.contains(&name) {
                    continue;
                }
                let definition = &schema()["$defs"][name];
                let path = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
                let brackets = if is_list(property) { ("[[", "]]") } else { ("[", "]") };
                done.push(name);
                if definition["properties"].is_object() {
                    let _ = write!(page, "\n## `{}{path}{}`\n\n", brackets.0, brackets.1);
                } else {
                    let _ = write!(page, "\n## `{path}`\n\n");
                }
                push_section(&mut page, definition);
                next.push((path, definition));
            }
        }
        waiting = next;
    }
    page
}

fn push_section(page: &mut String, node: &Value) {
    let _ = writeln!(page, "{}\n", prose(node));
    if node["properties"].is_object() {
        let required: Vec<&str> = node["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        page.push_str("| key | type | |\n|---|---|---|\n");
        for (key, property) in properties(node) {
            let must = if required.contains(&key) { " **Required.**" } else { "" };
            let _ = writeln!(page, "| `{key}` | {} | {}{must} |", type_of(property), cell(&prose(property)));
        }
        return;
    }
    for choice in node["oneOf"].as_array().or(node["anyOf"].as_array()).into_iter().flatten() {
        let written = match (&choice["const"], properties(choice).next()) {
            (Value::String(name), _) => format!("`\"{name}\"`"),
            (_, Some((key, property))) => format!("`{{ {key} = {} }}`", type_of(property)),
            _ => type_of(choice),
        };
        let _ = writeln!(page, "- {written}: {}", prose(choice));
    }
}

fn properties(node: &Value) -> impl Iterator<Item = (&str, &Value)> {
    node["properties"].as_object().into_iter().flatten().map(|(key, value)| (key.as_str(), value))
}

/// The doc comment, its line breaks within a paragraph undone.
fn prose(node: &Value) -> String {
    let text = node["description"].as_str().unwrap_or_default();
    let paragraphs: Vec<String> = text.split("\n\n").map(|p| p.replace('\n', " ")).collect();
    paragraphs.join("\n\n")
}

fn cell(text: &str) -> String {
    text.replace("\n\n", " ").replace('|', "\\|")
}

/// The definition a property is of, itself or as an item or value.
fn reference_of(node: &Value) -> Option<&str> {
    node.as_object()?;
    let direct = node["$ref"].as_str();
    let alternative = || node["anyOf"].as_array()?.iter().find_map(reference_of);
    let inner = || ["items", "additionalProperties"].iter().find_map(|k| reference_of(&node[*k]));
    match direct {
        Some(reference) => reference.strip_prefix("#/$defs/"),
        None => alternative().or_else(inner),
    }
}

fn is_list(node: &Value) -> bool {
    node["items"].is_object() || node["type"].as_array().is_some_and(|types| types.iter().any(|t| t == "array"))
}

/// How a value is written, in a word or two.
fn type_of(node: &Value) -> String {
    if let Some(reference) = node["$ref"].as_str() {
        return type_of_definition(&schema()["$defs"][reference.trim_start_matches("#/$defs/")]);
    }
    if let Some(alternatives) = node["anyOf"].as_array() {
        let types: Vec<String> = alternatives.iter().filter(|a| a["type"] != "null").map(type_of).collect();
        return types.join(" or ");
    }
    if let Some(title) = node["title"].as_str() {
        return title.to_owned();
    }
    let kind = match &node["type"] {
        Value::String(kind) => kind.as_str(),
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).find(|k| *k != "null").unwrap_or("any"),
        _ => "any",
    };
    match kind {
        "array" if node["prefixItems"].is_array() => {
            let items: Vec<String> = node["prefixItems"].as_array().into_iter().flatten().map(type_of).collect();
            format!("`[`{}`]`", items.join(", "))
        }
        "array" => format!("list of {}", type_of(&node["items"])),
        "object" if node["additionalProperties"].is_object() => {
            format!("table of {}", type_of(&node["additionalProperties"]))
        }
        "object" => "table".to_owned(),
        "integer" => "whole number".to_owned(),
        "boolean" => "`true` or `false`".to_owned(),
        other => other.to_owned(),
    }
}

fn type_of_definition(definition: &Value) -> String {
    let Some(choices) = definition["oneOf"].as_array() else {
        return if definition["anyOf"].is_array() { type_of(definition) } else { "table".to_owned() };
    };
    let names: Vec<String> =
        choices.iter().filter_map(|c| c["const"].as_str()).map(|name| format!("`\"{name}\"`")).collect();
    if names.is_empty() { "table".to_owned() } else { names.join(", ") }
}
