use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_dynamodb::types::AttributeValue;

/// Partition key of every item.
pub const ID: &str = "id";
/// When an item ends: Unix time in whole seconds, as DynamoDB's time to live wants it. DynamoDB deletes what has ended
/// within days, so every read and every condition looks at it.
pub const EXPIRES_AT: &str = "expires_at";

/// Condition: the item is there and has not ended. Wants `:now`.
pub const LIVE: &str = "attribute_exists(id) AND (attribute_not_exists(expires_at) OR expires_at > :now)";
/// Condition: there is no such item, or it has ended. Wants `:now`.
pub const GONE: &str = "attribute_not_exists(id) OR expires_at <= :now";

pub type Attributes = HashMap<String, AttributeValue>;

/// An item as it was read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Item(pub Attributes);

impl Item {
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_s().ok().map(String::as_str)
    }

    pub fn number(&self, name: &str) -> Option<u64> {
        self.0.get(name)?.as_n().ok()?.parse().ok()
    }

    pub fn texts(&self, name: &str) -> Vec<String> {
        let list = self.0.get(name).and_then(|value| value.as_l().ok());
        list.into_iter().flatten().filter_map(|value| value.as_s().ok().cloned()).collect()
    }

    pub fn has_ended(&self, now: u64) -> bool {
        self.number(EXPIRES_AT).is_some_and(|expires| expires <= now)
    }
}

pub fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// Unix time, whole seconds.
pub fn now() -> u64 {
    since_epoch().as_secs()
}

/// Unix time, milliseconds.
pub fn now_ms() -> u64 {
    u64::try_from(since_epoch().as_millis()).unwrap_or(u64::MAX)
}

fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// When something that is used now ends: not a moment too soon, so rounded up to the next second.
pub fn expiry(ttl: Duration) -> u64 {
    round_up(since_epoch().saturating_add(ttl))
}

fn round_up(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_before_its_time_and_nothing_is_kept_for_a_second_after_it() {
        for (ms, wanted) in [(10_000, 10), (10_001, 11), (10_999, 11)] {
            assert_eq!(round_up(Duration::from_millis(ms)), wanted, "{ms}");
        }
        let ends = |expires: u64| Item(HashMap::from([(EXPIRES_AT.to_owned(), number(expires))]));
        assert!(!ends(11).has_ended(10));
        assert!(ends(11).has_ended(11), "DynamoDB has not deleted it yet, and it is gone all the same");
        assert!(!Item::default().has_ended(u64::MAX));
    }
}
