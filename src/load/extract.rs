//! Finds values in a response.

use super::answer::Answer;
use super::compiled::{CompiledCheck, CompiledExpectation, CompiledSource};
use super::pointer::JsonPointer;
use super::render::{Unset, Values};
use http::header;
use std::borrow::Cow;

pub struct Reader<'a> {
    answer: &'a Answer,
}

impl<'a> Reader<'a> {
    pub fn new(answer: &'a Answer) -> Reader<'a> {
        Reader { answer }
    }

    /// The value at `source`, if the response has it. Bytes that are not UTF-8 are replaced.
    pub fn find(&self, source: &CompiledSource) -> Option<Cow<'_, str>> {
        match source {
            CompiledSource::Header(name) => self.header(name),
            CompiledSource::Cookie(name) => self.cookie(name),
            CompiledSource::Json(pointer) => self.json(pointer),
            CompiledSource::Regex(pattern) => {
                let found = pattern.captures(&self.answer.body)?;
                let group = found.get(1).or_else(|| found.get(0))?;
                Some(String::from_utf8_lossy(group.as_bytes()))
            }
            CompiledSource::Tag { selector, attribute } => {
                selector.attribute(attribute, &self.answer.body).map(Cow::Owned)
            }
            CompiledSource::Css { selector, attribute } => {
                let page = scraper::Html::parse_document(&String::from_utf8_lossy(&self.answer.body));
                let element = page.select(selector).next()?;
                Some(Cow::Owned(match attribute {
                    Some(name) => element.value().attr(name)?.to_owned(),
                    None => element.text().collect(),
                }))
            }
        }
    }

    fn cookie(&self, name: &str) -> Option<Cow<'_, str>> {
        self.answer.headers.get_all(header::SET_COOKIE).iter().find_map(|line| {
            let line = std::str::from_utf8(line.as_bytes()).ok()?;
            let (found, value) = line.split(';').next()?.split_once('=')?;
            (found.trim() == name).then(|| Cow::Borrowed(value.trim()))
        })
    }

    fn json(&self, pointer: &JsonPointer) -> Option<Cow<'_, str>> {
        match pointer.find(&self.answer.body)? {
            serde_json::Value::String(text) => Some(Cow::Owned(text)),
            serde_json::Value::Null => None,
            other => Some(Cow::Owned(other.to_string())),
        }
    }

    /// Whether the answer is as the step expects. `Unset` when the expectation needs a variable that has no value.
    pub fn meets(&self, expectation: &CompiledExpectation, values: &mut Values) -> Result<bool, Unset> {
        let status = self.answer.status.as_u16();
        Ok(match expectation {
            CompiledExpectation::Status(list) => list.contains(&status),
            CompiledExpectation::StatusBelow(limit) => status < *limit,
            CompiledExpectation::Header(name, check) => passes(self.header(name), check, values)?,
            CompiledExpectation::Json(pointer, check) => passes(self.json(pointer), check, values)?,
            CompiledExpectation::Body(CompiledCheck::Contains(text)) => {
                memchr::memmem::find(&self.answer.body, text.as_bytes()).is_some()
            }
            CompiledExpectation::Body(CompiledCheck::Matches(pattern)) => pattern.is_match(&self.answer.body),
            CompiledExpectation::Body(check) => {
                passes(Some(String::from_utf8_lossy(&self.answer.body)), check, values)?
            }
        })
    }

    fn header(&self, name: &header::HeaderName) -> Option<Cow<'_, str>> {
        let value = self.answer.headers.get(name)?;
        Some(value.to_str().map_or_else(|_| String::from_utf8_lossy(value.as_bytes()), Cow::Borrowed))
    }
}

fn passes(found: Option<Cow<'_, str>>, check: &CompiledCheck, values: &mut Values) -> Result<bool, Unset> {
    let Some(found) = found else { return Ok(false) };
    Ok(match check {
        CompiledCheck::Exists => true,
        CompiledCheck::Contains(text) => found.contains(text.as_str()),
        CompiledCheck::Matches(pattern) => pattern.is_match(found.as_bytes()),
        CompiledCheck::Equals(template) => values.equals(template, &found)?,
    })
}
