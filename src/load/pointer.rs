//! JSON pointers (RFC 6901), followed while the body is read: building the whole document, of which a step wants a value
//! or two, costs several times as much.

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::fmt;

/// The names and numbers that lead to a value.
pub struct JsonPointer(Vec<String>);

impl JsonPointer {
    /// `text` is empty or begins with a slash, which the plan has made sure of.
    pub fn new(text: &str) -> JsonPointer {
        JsonPointer(text.split('/').skip(1).map(|token| token.replace("~1", "/").replace("~0", "~")).collect())
    }

    /// The value it points at, if `body` is JSON and has one there.
    pub fn find(&self, body: &[u8]) -> Option<Value> {
        let mut reader = serde_json::Deserializer::from_slice(body);
        let found = Seek(&self.0).deserialize(&mut reader).ok()?;
        reader.end().ok()?;
        found
    }
}

/// Reads one value, and keeps what the rest of a pointer leads to in it.
struct Seek<'a>(&'a [String]);

impl<'de> DeserializeSeed<'de> for Seek<'_> {
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Option<Value>, D::Error> {
        if self.0.is_empty() { serde::Deserialize::deserialize(reader).map(Some) } else { reader.deserialize_any(self) }
    }
}

impl<'de> Visitor<'de> for Seek<'_> {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<Value>, A::Error> {
        let mut found = None;
        while let Some(asked) = map.next_key_seed(IsName(&self.0[0]))? {
            if asked {
                // The last of those of one name counts, as in the whole document.
                found = map.next_value_seed(Seek(&self.0[1..]))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Option<Value>, A::Error> {
        let token = &self.0[0];
        let is_index = token == "0" || !token.starts_with(['0', '+']);
        if let Some(index) = token.parse::<usize>().ok().filter(|_| is_index) {
            for _ in 0..index {
                if list.next_element::<IgnoredAny>()?.is_none() {
                    return Ok(None);
                }
            }
            let found = list.next_element_seed(Seek(&self.0[1..]))?;
            if found.is_some() {
                while list.next_element::<IgnoredAny>()?.is_some() {}
            }
            return Ok(found.flatten());
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Option<Value>, E> {
        Ok(None)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Option<Value>, E> {
        Ok(None)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Option<Value>, E> {
        Ok(None)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Option<Value>, E> {
        Ok(None)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Option<Value>, E> {
        Ok(None)
    }

    fn visit_unit<E: Error>(self) -> Result<Option<Value>, E> {
        Ok(None)
    }
}

/// Whether a name is the one asked for.
struct IsName<'a>(&'a str);

impl<'de> DeserializeSeed<'de> for IsName<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<bool, D::Error> {
        reader.deserialize_str(self)
    }
}

impl Visitor<'_> for IsName<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<bool, E> {
        Ok(name == self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn bodies_that_are_no_json_hold_nothing() {
        for body in ["", "<html>", r#"{"a":1"#, r#"{"a":1}}"#, r#"{"a":1,}"#, r#"{"b":[1,],"a":1}"#] {
            assert_eq!(JsonPointer::new("/a").find(body.as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn the_last_of_two_of_a_name_counts() {
        assert_eq!(JsonPointer::new("/a").find(br#"{"a":1,"a":2}"#), Some(json!(2)));
        assert_eq!(JsonPointer::new("/a/b").find(br#"{"a":{"b":1},"a":{}}"#), None);
    }

    fn documents() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (-1e9f64..1e9).prop_map(Value::from),
            "[a-c/~\"é]{0,3}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 30, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-b/~0]{0,2}", inner, 0..4)
                    .prop_map(|map| map.into_iter().collect::<Value>()),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_finds_what_the_whole_document_has_there(
            document in documents(),
            pointer in "(/([a-b]|~0|~1|0|1|2|01|\\+1){0,2}){0,3}",
        ) {
            let text = document.to_string();
            let found = JsonPointer::new(&pointer).find(text.as_bytes());
            let document: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(found.as_ref(), document.pointer(&pointer));
        }
    }
}
