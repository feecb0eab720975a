use super::context::Context;
use crate::plan::Source;
use crate::profile::{At, PlaceFile};
use std::ops::Range;

impl Context<'_> {
    /// A place in a response, known to be one that can be looked at.
    pub fn place(&mut self, place: &At<PlaceFile>) -> Option<Source> {
        let sources = [
            place.header.as_ref().map(|name| self.header_name(&name.value, &name.span).map(Source::Header)),
            place.cookie.as_ref().map(|name| Some(Source::Cookie(name.value.clone()))),
            place.json.as_ref().map(|pointer| self.json_pointer(&pointer.value, &pointer.span).map(Source::Json)),
            place.regex.as_ref().map(|pattern| self.regex(pattern).map(Source::Regex)),
            place.css.as_ref().map(|selector| self.css(selector, place.attribute.as_ref())),
        ];
        if let (Some(attribute), None) = (&place.attribute, &place.css) {
            self.error(
                &attribute.span,
                "`attribute` without `css`",
                "it names the attribute of the element `css` finds",
            );
        }
        let mut given = sources.into_iter().flatten();
        match (given.next(), given.next()) {
            (Some(source), None) => source,
            _ => {
                let help = "give exactly one of `header`, `cookie`, `json`, `regex`, `css`";
                self.error(&place.span, "this does not say where in the response to look", help);
                None
            }
        }
    }

    /// A header field's name, in lower case.
    pub fn header_name(&mut self, name: &str, span: &Range<usize>) -> Option<String> {
        match http::HeaderName::from_bytes(name.as_bytes()) {
            Ok(name) => Some(name.as_str().to_owned()),
            Err(_) => {
                let help = "letters, digits and `-`, such as `x-instance`";
                self.error(span, format!("`{name}` is not the name of a header field"), help);
                None
            }
        }
    }

    pub fn json_pointer(&mut self, pointer: &str, span: &Range<usize>) -> Option<String> {
        // RFC 6901: empty, or `/` before every part; `~` only as `~0` and `~1`.
        let escapes = pointer.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
        if (pointer.is_empty() || pointer.starts_with('/')) && escapes {
            return Some(pointer.to_owned());
        }
        let help = "it begins with `/`, such as `/user/id` or `/items/0/price`; `~1` stands for a `/` within a name";
        self.error(span, format!("`{pointer}` is not a JSON pointer"), help);
        None
    }

    pub fn regex(&mut self, pattern: &At<String>) -> Option<String> {
        match regex::Regex::new(pattern) {
            Ok(_) => Some(pattern.value.clone()),
            Err(error) => {
                let reason = error.to_string();
                let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                let help = "a single-quoted string leaves backslashes as they are";
                self.error(&pattern.span, format!("not a regular expression: {reason}"), help);
                None
            }
        }
    }

    fn css(&mut self, selector: &At<String>, attribute: Option<&At<String>>) -> Option<Source> {
        if scraper::Selector::parse(selector).is_err() {
            let help = "such as `input[name=csrf]` with `attribute = \"value\"`";
            self.error(&selector.span, format!("`{}` is not a CSS selector", selector.value), help);
            return None;
        }
        Some(Source::Css { selector: selector.value.clone(), attribute: attribute.map(|a| a.value.clone()) })
    }
}
