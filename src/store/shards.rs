use redis::Value;
use std::ops::RangeInclusive;

/// A primary, what of the keys it has, and who has that too. Addresses are `host:port`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Slots of a cluster; elsewhere all.
    pub slots: Vec<RangeInclusive<u16>>,
    pub primary: String,
    /// Those that a cluster knows and takes to be up; elsewhere nobody is asked.
    pub replicas: Vec<String>,
}

impl Shard {
    pub(super) fn whole(primary: String) -> Shard {
        Shard { slots: vec![0..=u16::MAX], primary, replicas: Vec::new() }
    }

    pub fn serves(&self, slot: u16) -> bool {
        self.slots.iter().any(|range| range.contains(&slot))
    }
}

/// What `CLUSTER SLOTS` answers, by primary, in order of their first slots.
pub(super) fn shards(answer: &[Value]) -> Vec<Shard> {
    let mut shards: Vec<Shard> = Vec::new();
    let mut ranges: Vec<(RangeInclusive<u16>, Vec<String>)> = answer.iter().filter_map(range).collect();
    ranges.sort_by_key(|(range, _)| *range.start());
    for (range, mut addresses) in ranges {
        let primary = addresses.remove(0);
        match shards.iter_mut().find(|shard| shard.primary == primary) {
            Some(shard) => shard.slots.push(range),
            None => shards.push(Shard { slots: vec![range], primary, replicas: addresses }),
        }
    }
    shards
}

/// A range of slots and the addresses of who has them, the primary first.
fn range(entry: &Value) -> Option<(RangeInclusive<u16>, Vec<String>)> {
    let Value::Array(entry) = entry else { return None };
    let [Value::Int(from), Value::Int(to), nodes @ ..] = entry.as_slice() else { return None };
    let addresses: Option<Vec<String>> = nodes.iter().map(address).collect();
    let range = u16::try_from(*from).ok()?..=u16::try_from(*to).ok()?;
    addresses.filter(|addresses| !addresses.is_empty()).map(|addresses| (range, addresses))
}

fn address(node: &Value) -> Option<String> {
    let Value::Array(node) = node else { return None };
    let [Value::BulkString(host), Value::Int(port), ..] = node.as_slice() else { return None };
    Some(format!("{}:{port}", String::from_utf8_lossy(host)))
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
        let first = Shard { slots: vec![0..=99, 300..=399], primary: address(1), replicas: vec![address(4)] };
        let second = Shard { slots: vec![100..=199], primary: address(2), replicas: vec![] };
        assert_eq!(shards(&answer), [first.clone(), second]);
        assert!(first.serves(350) && !first.serves(150));
    }
}
