//! The start tags of a page, by the tokenizer of the HTML standard (§13.2.5) less all that a tag does not need: text and
//! comments are passed over, and attributes are left as they stand.

use html5gum::Tokenizer;
use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};
use memchr::{memchr, memchr2, memchr3};
use std::borrow::Cow;
use std::convert::Infallible;

/// Reads a page tag by tag.
pub struct Tags<'a> {
    rest: &'a [u8],
    /// Of the tag read last.
    attributes: Vec<Attribute<'a>>,
}

pub struct Attribute<'a> {
    pub name: &'a [u8],
    /// As it is written.
    raw: &'a [u8],
}

impl<'a> Attribute<'a> {
    /// With its character references resolved.
    pub fn value(&self) -> Cow<'a, [u8]> {
        // Line ends and zeros are read as others, too.
        if memchr3(b'&', b'\r', 0, self.raw).is_none() {
            return Cow::Borrowed(self.raw);
        }
        let mut value = Vec::new();
        let emitter = CallbackEmitter::new(|event: CallbackEvent<'_>, _: html5gum::Span<()>| {
            if let CallbackEvent::AttributeValue { value: part } = event {
                value.extend_from_slice(part);
            }
            None::<Infallible>
        });
        let quoted = self.raw.split(|byte| *byte == b'"').collect::<Vec<_>>().join(&b"&quot;"[..]);
        let Ok(()) = Tokenizer::new_with_emitter(&[b"<a a=\"", &*quoted, b"\">"].concat(), emitter).finish();
        Cow::Owned(value)
    }
}

/// Elements whose content is text up to their own end tag, as far as that can be told from the tag alone.
const TEXT_ONLY: [&[u8]; 9] =
    [b"title", b"textarea", b"script", b"style", b"iframe", b"xmp", b"noembed", b"noframes", b"noscript"];

impl<'a> Tags<'a> {
    pub fn new(page: &'a [u8]) -> Tags<'a> {
        Tags { rest: page, attributes: Vec::new() }
    }

    /// The name and the attributes of the next start tag, as they are written. None at the end of the page, even in the
    /// midst of a tag.
    pub fn next_start(&mut self) -> Option<(&'a [u8], &[Attribute<'a>])> {
        loop {
            self.skip(memchr(b'<', self.rest)? + 1);
            match *self.rest {
                [b'a'..=b'z' | b'A'..=b'Z', ..] => {
                    let name = self.tag()?;
                    self.pass_text_of(name);
                    return Some((name, &self.attributes));
                }
                [b'/', b'a'..=b'z' | b'A'..=b'Z', ..] => {
                    self.skip(1);
                    self.tag()?;
                }
                [b'!', b'-', b'-', ..] => {
                    self.skip(3);
                    self.pass_comment()?;
                }
                [b'!' | b'?' | b'/', ..] => self.skip(memchr(b'>', self.rest)? + 1),
                _ => {}
            }
        }
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = &self.rest[bytes..];
    }

    fn take_until(&mut self, ends: impl Fn(u8) -> bool) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at(self.rest.iter().position(|byte| ends(*byte))?);
        self.rest = rest;
        Some(taken)
    }

    /// Reads a tag from its name to past its end, and returns the name.
    fn tag(&mut self) -> Option<&'a [u8]> {
        self.attributes.clear();
        let name = self.take_until(ends_name)?;
        loop {
            self.take_until(|byte| !is_space(byte) && byte != b'/')?;
            if self.rest[0] == b'>' {
                self.skip(1);
                return Some(name);
            }
            let attribute = self.attribute()?;
            self.attributes.push(attribute);
        }
    }

    fn attribute(&mut self) -> Option<Attribute<'a>> {
        let start = self.rest;
        // An equals sign in the first place is part of the name.
        self.skip(1);
        let length = 1 + self.take_until(|byte| ends_name(byte) || byte == b'=')?.len();
        let name = &start[..length];
        self.take_until(|byte| !is_space(byte))?;
        if self.rest[0] != b'=' {
            return Some(Attribute { name, raw: b"" });
        }
        self.skip(1);
        self.take_until(|byte| !is_space(byte))?;
        let raw = match self.rest[0] {
            quote @ (b'"' | b'\'') => {
                self.skip(1);
                let quoted = self.take_until(|byte| byte == quote)?;
                self.skip(1);
                quoted
            }
            b'>' => b"",
            _ => self.take_until(|byte| is_space(byte) || byte == b'>')?,
        };
        Some(Attribute { name, raw })
    }

    fn pass_comment(&mut self) -> Option<()> {
        let ends = |at: &usize| {
            let before = &self.rest[..*at];
            matches!(before, b"" | b"-") || before.ends_with(b"--") || before.ends_with(b"--!")
        };
        let end = memchr::memchr_iter(b'>', self.rest).find(ends)?;
        self.skip(end + 1);
        Some(())
    }

    /// After the start tag `name`: to the end tag that ends its text, if it has text only.
    fn pass_text_of(&mut self, name: &[u8]) {
        if name.eq_ignore_ascii_case(b"plaintext") {
            self.rest = &[];
        }
        let Some(name) = TEXT_ONLY.into_iter().find(|known| known.eq_ignore_ascii_case(name)) else { return };
        let is_script = name == b"script";
        // A script in a comment may hold a script's end tag that does not end it (§13.2.5.20 to 31).
        let (mut in_comment, mut in_inner_script) = (false, false);
        while let Some(at) = memchr2(b'<', b'-', self.rest) {
            let here = &self.rest[at..];
            if is_script && here.starts_with(b"<!--") {
                in_comment = true;
                // Its dashes may end it, too.
                self.skip(at + 2);
            } else if is_script && here.starts_with(b"-->") {
                (in_comment, in_inner_script) = (false, false);
                self.skip(at + 3);
            } else if here.starts_with(b"</") && is_named(&here[2..], name) {
                if !in_inner_script {
                    self.rest = here;
                    return;
                }
                in_inner_script = false;
                self.skip(at + 2);
            } else {
                in_inner_script |= in_comment && here[0] == b'<' && is_named(&here[1..], name);
                self.skip(at + 1);
            }
        }
        self.rest = &[];
    }
}

/// Whether a tag that begins here, after its `<` or `</`, has this name.
fn is_named(tag: &[u8], name: &[u8]) -> bool {
    let (start, end) = tag.split_at_checked(name.len()).unwrap_or_default();
    start.eq_ignore_ascii_case(name) && end.first().is_some_and(|byte| ends_name(*byte))
}

fn ends_name(byte: u8) -> bool {
    is_space(byte) || matches!(byte, b'/' | b'>')
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'\x0c')
}

#[cfg(test)]
mod tests {
    use super::*;
    use html5gum::{DefaultEmitter, Token};
    use proptest::prelude::*;

    type Tag = (String, Vec<(String, String)>);

    fn text(bytes: &[u8]) -> String {
        String::from_utf8_lossy(bytes).into_owned()
    }

    fn tags(page: &str) -> Vec<Tag> {
        let mut tags = Tags::new(page.as_bytes());
        let mut all = Vec::new();
        while let Some((name, attributes)) = tags.next_start() {
            let mut known: Vec<(String, String)> = Vec::new();
            for attribute in attributes {
                let name = text(attribute.name).to_ascii_lowercase();
                if known.iter().all(|(known, _)| *known != name) {
                    known.push((name, text(&attribute.value())));
                }
            }
            known.sort();
            all.push((text(name).to_ascii_lowercase(), known));
        }
        all
    }

    /// As a tokenizer has them that follows the standard to the letter.
    fn tags_to_the_letter(page: &str) -> Vec<Tag> {
        let mut emitter = DefaultEmitter::<()>::default();
        emitter.naively_switch_states(true);
        let tokens = Tokenizer::new_with_emitter(page, emitter);
        let tag = |token: Result<Token<()>, Infallible>| match token {
            Ok(Token::StartTag(tag)) => {
                let attributes = tag.attributes.iter().map(|(name, value)| (text(name), text(value)));
                Some((text(&tag.name), attributes.collect()))
            }
            _ => None,
        };
        tokens.filter_map(tag).collect()
    }

    #[test]
    fn scripts_in_comments_in_scripts() {
        for page in [
            "<script><!-- <script></script><a> --></script><b>",
            "<script><!-- </script><a>",
            "<script><!--><script></script><a>",
            "<script><!-- <script> --></script><a></script><b>",
            "<script>if (a < b) { '</scripts>' }</SCRIPT x='>'><a>",
            "<title><a></title/><b><textarea><a></textarea ><b>",
            "<plaintext><a></plaintext><b>",
        ] {
            assert_eq!(tags(page), tags_to_the_letter(page), "{page}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn tags_are_those_of_the_standard(
            pieces in prop::collection::vec(
                "[<>/=!?'\"&\\- \n\ra-cA-C]|--|<!--|-->|--!>|</|</?(script|title|style|a)|&amp;?|&#x41;|a=|=\"", 0..40),
        ) {
            let page = pieces.concat();
            prop_assert_eq!(tags(&page), tags_to_the_letter(&page), "{}", page);
        }
    }
}
