//! Selectors that a start tag alone can answer, such as `input[name=csrf]`, which is how hidden form fields are found.
//! The tags are read one by one up to the first that matches; building the whole document, as other selectors need it,
//! costs many times as much.

use super::html::{Attribute, Tags};
use regex::Regex;
use std::borrow::Cow;

/// A tag's name, if it is asked for, and the attributes it must have, with their values where those are asked for.
pub struct TagSelector {
    name: Option<String>,
    attributes: Vec<(String, Option<String>)>,
}

impl TagSelector {
    /// None when `css` asks for more than a name, `[attribute]` and `[attribute=value]`.
    pub fn parse(css: &str) -> Option<TagSelector> {
        const ATTRIBUTE: &str =
            r#"\[\s*([A-Za-z][\w-]*)\s*(?:=\s*(?:"([^"\\]*)"|'([^'\\]*)'|([A-Za-z_][\w-]*))\s*)?\]"#;
        let whole = Regex::new(&format!(r"^\s*([A-Za-z][\w-]*)?(?:{ATTRIBUTE})*\s*$")).expect("a fixed pattern is one");
        let attribute = Regex::new(ATTRIBUTE).expect("a fixed pattern is one");
        let name = whole.captures(css)?.get(1).map(|name| name.as_str().to_ascii_lowercase());
        let attributes = attribute.captures_iter(css).map(|found| {
            let value = (2..=4).find_map(|group| found.get(group)).map(|value| value.as_str().to_owned());
            (found[1].to_ascii_lowercase(), value)
        });
        let attributes: Vec<_> = attributes.collect();
        // The values of most attributes that HTML itself defines are compared without regard to case.
        let exact = |name: &str| matches!(name, "name" | "id" | "value") || name.starts_with("data-");
        let plain = attributes.iter().all(|(name, value)| value.is_none() || exact(name) || name == "type");
        (plain && (name.is_some() || !attributes.is_empty())).then_some(TagSelector { name, attributes })
    }

    /// The value of `attribute` of the first tag that is selected.
    pub fn attribute(&self, attribute: &str, page: &[u8]) -> Option<String> {
        let mut tags = Tags::new(page);
        while let Some((name, attributes)) = tags.next_start() {
            if self.selects(name, attributes) {
                return value(attributes, attribute).map(|value| String::from_utf8_lossy(&value).into_owned());
            }
        }
        None
    }

    fn selects(&self, name: &[u8], attributes: &[Attribute<'_>]) -> bool {
        self.name.as_ref().is_none_or(|asked| asked.as_bytes().eq_ignore_ascii_case(name))
            && self.attributes.iter().all(|(name, asked)| {
                let found = value(attributes, name);
                found.is_some_and(|found| asked.as_ref().is_none_or(|asked| same(name, asked.as_bytes(), &found)))
            })
    }
}

/// Of attributes of one name the first counts.
fn value<'a>(attributes: &[Attribute<'a>], name: &str) -> Option<Cow<'a, [u8]>> {
    attributes.iter().find(|known| known.name.eq_ignore_ascii_case(name.as_bytes())).map(Attribute::value)
}

fn same(name: &str, asked: &[u8], found: &[u8]) -> bool {
    if name == "type" { asked.eq_ignore_ascii_case(found) } else { asked == found }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What the whole document has at the place: what browsers find.
    fn of_document(css: &str, attribute: &str, page: &str) -> Option<String> {
        let selector = scraper::Selector::parse(css).unwrap();
        let document = scraper::Html::parse_document(page);
        document.select(&selector).next()?.value().attr(attribute).map(str::to_owned)
    }

    #[test]
    fn hidden_fields_are_found() {
        let page = r#"<!doctype html><title>a <input name=csrf value=title></title>
            <script>if (a < b) { "<input name=csrf value=script>" }</script><!-- <input name=csrf value=comment> -->
            <form><input name=user><INPUT TYPE=Hidden name="csrf" value='a&#x2B;b&amp;c' value=again/><input name=csrf value=2>
            <input data-token><meta name=empty value></form>"#;
        for (css, attribute, found) in [
            ("input[name=csrf]", "value", Some("a+b&c")),
            ("[name='csrf']", "value", Some("a+b&c")),
            ("Input[type=hidden][name=\"csrf\"]", "VALUE", Some("a+b&c")),
            ("input[ name = csrf ][value]", "type", Some("Hidden")),
            ("input[name=user]", "value", None),
            ("input[name=CSRF]", "value", None),
            ("input[data-token]", "data-token", Some("")),
            ("meta[name=empty]", "value", Some("")),
            ("button", "value", None),
        ] {
            let attribute = attribute.to_ascii_lowercase();
            let by_tags = TagSelector::parse(css).unwrap().attribute(&attribute, page.as_bytes());
            assert_eq!(by_tags.as_deref(), found, "{css}");
            assert_eq!(of_document(css, &attribute, page).as_deref(), found, "{css}, in the document");
        }
    }

    #[test]
    fn selectors_that_need_the_document_are_left_to_it() {
        for css in
            ["form input", "form > input", ".csrf", "#csrf", "input:first-child", "a, b", "*", "input[name^=c]", ""]
        {
            assert!(TagSelector::parse(css).is_none(), "{css}");
        }
        // Compared without regard to case, as HTML says of its own attributes.
        assert!(TagSelector::parse("link[rel=csrf]").is_none());
    }

    proptest! {
        #[test]
        fn tags_and_document_agree(
            tags in prop::collection::vec(
                ("input|meta|p|b", prop::collection::vec(("name|id|value|type", "[a-c]{0,2}"), 0..4)), 0..6),
            css in r#"(input|meta|p|b)?\[(name|id|type|value)(="[a-c]{0,2}")?\]"#,
        ) {
            let tag = |(name, attributes): &(String, Vec<(String, String)>)| {
                let attributes: String = attributes.iter().map(|(n, v)| format!(" {n}=\"{v}\"")).collect();
                format!("<{name}{attributes}>x")
            };
            let page: String = tags.iter().map(tag).collect();
            let by_tags = TagSelector::parse(&css).unwrap().attribute("value", page.as_bytes());
            prop_assert_eq!(by_tags, of_document(&css, "value", &page));
        }
    }
}
