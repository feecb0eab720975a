use std::ops::RangeInclusive;

use redis::Value;

/// Where a Redis Cluster keeps a key. Without a cluster everything is in slot 0.
pub type Slot = u16;

pub const SLOTS: Slot = 16_384;

/// The slots that one primary serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slots(Vec<RangeInclusive<Slot>>);

impl Slots {
    pub fn all() -> Self {
        Self(vec![0..=SLOTS - 1])
    }

    pub fn contains(&self, slot: Slot) -> bool {
        self.0.iter().any(|range| range.contains(&slot))
    }
}

/// The slot of a key: CRC16 (XMODEM) of its hash tag, or of all of it (redis.io, "Redis cluster specification").
pub fn slot_of(key: &[u8]) -> Slot {
    let crc = hash_tag(key).iter().fold(0_u16, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| (crc << 1) ^ if crc & 0x8000 == 0 { 0 } else { 0x1021 })
    });
    crc % SLOTS
}

fn hash_tag(key: &[u8]) -> &[u8] {
    let tag = || {
        let from = memchr::memchr(b'{', key)? + 1;
        let length = memchr::memchr(b'}', &key[from..])?;
        (length > 0).then(|| &key[from..from + length])
    };
    tag().unwrap_or(key)
}

/// Who serves a slot, as `CLUSTER SLOTS` tells it: `host:port`, and all that it serves. `asked` is the host that answered,
/// which a node that does not know its own name leaves out.
pub fn primary_for(slot: Slot, answer: &[Value], asked: &str) -> Option<(String, Slots)> {
    let ranges: Vec<(RangeInclusive<Slot>, String)> = answer.iter().filter_map(|range| served(range, asked)).collect();
    let (_, primary) = ranges.iter().find(|(range, _)| range.contains(&slot))?;
    let its = ranges.iter().filter(|(_, address)| address == primary).map(|(range, _)| range.clone());
    Some((primary.clone(), Slots(its.collect())))
}

fn served(range: &Value, asked: &str) -> Option<(RangeInclusive<Slot>, String)> {
    let Value::Array(range) = range else { return None };
    let [Value::Int(from), Value::Int(to), Value::Array(primary), ..] = range.as_slice() else { return None };
    let [host, Value::Int(port), ..] = primary.as_slice() else { return None };
    let host = match host {
        Value::BulkString(host) if !host.is_empty() => String::from_utf8(host.clone()).ok()?,
        _ => asked.to_owned(),
    };
    Some((Slot::try_from(*from).ok()?..=Slot::try_from(*to).ok()?, format!("{host}:{port}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_redis() {
        // As `CLUSTER KEYSLOT` answers; the first is the specification's own test of the sum.
        for (key, slot) in [
            ("123456789", 0x31c3),
            ("", 0),
            ("foo", 12_182),
            ("{foo}bar", 12_182),
            ("x{foo}{bar}", 12_182),
            ("{}foo", slot_of(b"{}foo")),
            ("rh:cart:{user-1}:count", slot_of(b"user-1")),
        ] {
            assert_eq!(slot_of(key.as_bytes()), slot, "{key}");
        }
        assert_ne!(slot_of(b"{}foo"), slot_of(b"foo"), "an empty tag is none");
    }

    #[test]
    fn a_primary_serves_all_its_ranges() {
        let text = |text: &str| Value::BulkString(text.into());
        let node = |host: Value, port| Value::Array(vec![host, Value::Int(port), text("id"), Value::Array(vec![])]);
        let range = |from, to, primary| {
            Value::Array(vec![Value::Int(from), Value::Int(to), primary, node(text("10.0.0.9"), 1)])
        };
        let answer = [
            range(0, 99, node(text("10.0.0.1"), 6379)),
            range(100, 199, node(Value::Nil, 6380)),
            range(300, 399, node(text("10.0.0.1"), 6379)),
        ];
        let (address, slots) = primary_for(50, &answer, "localhost").unwrap();
        assert_eq!((address.as_str(), slots), ("10.0.0.1:6379", Slots(vec![0..=99, 300..=399])));
        let (address, _) = primary_for(100, &answer, "localhost").unwrap();
        assert_eq!(address, "localhost:6380");
        assert_eq!(primary_for(250, &answer, "localhost"), None, "nobody serves it");
    }
}
