use redis::Value;
use std::ops::RangeInclusive;

/// A primary, and what of the keys it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Slots of a cluster; elsewhere all.
    pub slots: Vec<RangeInclusive<u16>>,
    /// `host:port`.
    pub primary: String,
}

impl Shard {
    pub(super) fn whole(primary: String) -> Shard {
        Shard { slots: vec![0..=u16::MAX], primary }
    }

    pub fn serves(&self, slot: u16) -> bool {
        self.slots.iter().any(|range| range.contains(&slot))
    }
}

/// What `CLUSTER SLOTS` answers, by primary, in order of their first slots. Replicas are left out there until they have
/// said how far they are: whoever wants to know them asks the primary.
pub(super) fn shards(answer: &[Value]) -> Vec<Shard> {
    let mut shards: Vec<Shard> = Vec::new();
    let mut ranges: Vec<(RangeInclusive<u16>, String)> = answer.iter().filter_map(range).collect();
    ranges.sort_by_key(|(range, _)| *range.start());
    for (range, primary) in ranges {
        match shards.iter_mut().find(|shard| shard.primary == primary) {
            Some(shard) => shard.slots.push(range),
            None => shards.push(Shard { slots: vec![range], primary }),
        }
    }
    shards
}

/// A range of slots and the address of its primary.
fn range(entry: &Value) -> Option<(RangeInclusive<u16>, String)> {
    let Value::Array(entry) = entry else { return None };
    let [Value::Int(from), Value::Int(to), Value::Array(primary), ..] = entry.as_slice() else { return None };
    let [Value::BulkString(host), Value::Int(port), ..] = primary.as_slice() else { return None };
    let range = u16::try_from(*from).ok()?..=u16::try_from(*to).ok()?;
    Some((range, format!("{}:{port}", String::from_utf8_lossy(host))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_one_primary_are_one_shard() {
        let node = |port| Value::Array(vec![Value::BulkString(b"10.0.0.1".to_vec()), Value::Int(port)]);
        let range = |from, to, nodes: &[i64]| {
            let nodes = nodes.iter().map(|port| node(*port));
            Value::Array([Value::Int(from), Value::Int(to)].into_iter().chain(nodes).collect())
        };
        let answer = [range(300, 399, &[1, 4]), range(100, 199, &[2]), range(0, 99, &[1, 4]), Value::Nil];
        let address = |port: u16| format!("10.0.0.1:{port}");
        let first = Shard { slots: vec![0..=99, 300..=399], primary: address(1) };
        let second = Shard { slots: vec![100..=199], primary: address(2) };
        assert_eq!(shards(&answer), [first.clone(), second]);
        assert!(first.serves(350) && !first.serves(150));
    }
}
