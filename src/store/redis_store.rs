use super::Client;
use super::watched::WatchedStore;
use crate::history::{PrimaryGauges, SessionKeyGauges, StoreNodeGauges, StoreRole};
use crate::plan::{RedisAccess, StoreLocation, StoreNode};
use futures_util::future::join_all;
use redis::aio::MultiplexedConnection;
use redis::{FromRedisValue, InfoDict, Pipeline, RedisResult, Value, pipe};
use std::collections::HashSet;
use std::time::Duration;

/// Redis: one server, a primary that sentinels know and its replicas, or a cluster. Each shard of a cluster gets every
/// number, so that a failover of any is seen.
#[derive(Debug)]
pub struct RedisStore {
    client: Client,
    access: RedisAccess,
    /// What the names of the canary's lists begin with.
    name: String,
    /// Empty until a cluster has told them.
    shards: Vec<WatchedShard>,
    nodes: Vec<Option<MultiplexedConnection>>,
    /// The shard whose keys are looked at next.
    next: usize,
}

/// A shard of a cluster; elsewhere all there is.
#[derive(Debug)]
struct WatchedShard {
    /// The list that holds the canary's numbers, and its slot.
    key: String,
    slot: u16,
    primary: Option<MultiplexedConnection>,
    cursor: u64,
}

/// What one look at a node told.
#[derive(Clone, Copy, Debug)]
struct Look {
    role: StoreRole,
    /// The shard it belongs to and the canary's last number there; None where it serves nothing.
    last: Option<(usize, u64)>,
}

/// What a run that was killed leaves behind is gone after this.
const CANARY_LIVES: Duration = Duration::from_secs(3600);
/// Time for replicas to acknowledge, within the time-out of the answer.
pub(super) const REPLICAS_WITHIN: Duration = Duration::from_millis(400);
/// Keys that one look asks for.
const KEYS_A_LOOK: usize = 200;
/// Names that are tried for a list in each shard. A hundred shards each get one, but for a chance of one in two hundred.
const NAMES_TRIED: usize = 1000;

impl RedisStore {
    /// `run`: a word that no other run uses.
    pub fn new(access: RedisAccess, run: &str) -> RedisStore {
        let name = format!("{}{run}", access.canary_prefix);
        let shards = match access.location {
            StoreLocation::Cluster(_) => Vec::new(),
            _ => vec![WatchedShard::new(name.clone(), 0)],
        };
        RedisStore {
            client: Client::of(&access),
            nodes: access.nodes.iter().map(|_| None).collect(),
            name,
            shards,
            next: 0,
            access,
        }
    }

    /// Chooses a list in each shard of a cluster, the same ones whoever does it.
    async fn know_shards(&mut self) -> Result<(), String> {
        if !self.shards.is_empty() {
            return Ok(());
        }
        let told = |error: redis::RedisError| error.to_string();
        let shards = self.client.shards(&self.access.location).await.map_err(told)?;
        let first = shards.first().ok_or("no node of the cluster has any slot")?;
        let names: Vec<String> = (0..NAMES_TRIED).map(|number| format!("{}:{number}", self.name)).collect();
        let mut question = pipe();
        for name in &names {
            question.cmd("CLUSTER").arg("KEYSLOT").arg(name);
        }
        let mut connection = self.client.connect(&first.primary).await.map_err(told)?;
        let slots: Vec<u16> = question.query_async(&mut connection).await.map_err(told)?;
        let chosen = shards.iter().map(|shard| {
            let (name, slot) = names.iter().zip(&slots).find(|(_, slot)| shard.serves(**slot))?;
            Some(WatchedShard::new(name.clone(), *slot))
        });
        self.shards = chosen.collect::<Option<_>>().ok_or("no name was found for a list in each shard")?;
        Ok(())
    }

    /// Asks the primary of each shard the same of its own list.
    async fn ask_each<T: FromRedisValue>(&mut self, question: impl Fn(&str) -> Pipeline) -> Result<Vec<T>, String> {
        self.know_shards().await?;
        let (client, location) = (&self.client, &self.access.location);
        let asked = self.shards.iter_mut().map(|shard| {
            let question = question(&shard.key);
            async move { shard.ask(client, location, &question).await }
        });
        join_all(asked).await.into_iter().collect()
    }
}

impl WatchedShard {
    fn new(key: String, slot: u16) -> WatchedShard {
        WatchedShard { key, slot, primary: None, cursor: 0 }
    }

    /// Asks the primary; after a failure the next question looks for it anew.
    async fn ask<T: FromRedisValue>(
        &mut self,
        client: &Client,
        location: &StoreLocation,
        question: &Pipeline,
    ) -> Result<T, String> {
        let mut connection = match self.primary.take() {
            Some(open) => open,
            None => {
                let shards = client.shards(location).await.map_err(|error| error.to_string())?;
                let serving = shards.into_iter().find(|shard| shard.serves(self.slot));
                let address = serving.ok_or_else(|| format!("nobody has slot {}", self.slot))?.primary;
                client.connect(&address).await.map_err(|error| format!("{address}: {error}"))?
            }
        };
        let answer = question.query_async(&mut connection).await.map_err(|error| error.to_string())?;
        self.primary = Some(connection);
        Ok(answer)
    }
}

impl WatchedStore for RedisStore {
    /// Acknowledged once every shard has it.
    async fn write(&mut self, number: u64) -> Result<usize, String> {
        let wanted = self.access.wait_for_replicas;
        let push = |key: &str| {
            let mut push = pipe();
            push.cmd("RPUSH").arg(key).arg(number);
            push.cmd("EXPIRE").arg(key).arg(CANARY_LIVES.as_secs()).ignore();
            push
        };
        if wanted == 0 {
            let lengths: Vec<(usize,)> = self.ask_each(push).await?;
            return Ok(lengths.into_iter().map(|(length,)| length).min().unwrap_or_default());
        }
        let acknowledged = |key: &str| {
            let mut push = push(key);
            push.cmd("WAIT").arg(wanted).arg(REPLICAS_WITHIN.as_millis() as u64);
            push
        };
        let answers: Vec<(usize, u32)> = self.ask_each(acknowledged).await?;
        if let Some((_, replicas)) = answers.iter().find(|(_, replicas)| *replicas < wanted) {
            // A primary may be cut off from its replicas, and they follow another by now.
            for (shard, _) in self.shards.iter_mut().zip(&answers).filter(|(_, (_, replicas))| *replicas < wanted) {
                shard.primary = None;
            }
            return Err(format!("{replicas} of {wanted} replicas have it"));
        }
        Ok(answers.into_iter().map(|(length, _)| length).min().unwrap_or_default())
    }

    /// Those that every shard has.
    async fn written(&mut self) -> Result<Vec<u64>, String> {
        let all = |key: &str| pipe().cmd("LRANGE").arg(key).arg(0).arg(-1).to_owned();
        let lists: Vec<(Vec<u64>,)> = self.ask_each(all).await?;
        let mut lists = lists.into_iter().map(|(list,)| list);
        let first = lists.next().unwrap_or_default();
        Ok(lists.fold(first, |mut common, list| {
            let list: HashSet<u64> = list.into_iter().collect();
            common.retain(|number| list.contains(number));
            common
        }))
    }

    /// By value, for a shard has numbers that another has not.
    async fn trim(&mut self, first: u64) -> Result<(), String> {
        let all = |key: &str| pipe().cmd("LRANGE").arg(key).arg(0).arg(-1).to_owned();
        let lists: Vec<(Vec<u64>,)> = self.ask_each(all).await?;
        let (client, location) = (&self.client, &self.access.location);
        let trimmed = self.shards.iter_mut().zip(lists).map(|(shard, (list,))| async move {
            let kept = list.iter().filter(|number| **number >= first).count() as i64;
            let trim = pipe().cmd("LTRIM").arg(&shard.key).arg(-kept).arg(-1).to_owned();
            shard.ask::<Value>(client, location, &trim).await.map(drop)
        });
        join_all(trimmed).await.into_iter().collect()
    }

    async fn clear(&mut self) -> Result<(), String> {
        self.ask_each::<Value>(|key| pipe().cmd("DEL").arg(key).to_owned()).await.map(drop)
    }

    async fn nodes(&mut self) -> Vec<StoreNodeGauges> {
        // Without it roles are told all the same.
        let _ = self.know_shards().await;
        let mut question = pipe();
        question.ignore_errors();
        if let StoreLocation::Cluster(_) = self.access.location {
            // Replicas answer only who says that this will do.
            question.cmd("READONLY").ignore();
        }
        question.cmd("ROLE");
        for shard in &self.shards {
            question.cmd("LRANGE").arg(&shard.key).arg(-1).arg(-1);
        }
        let looks = self.access.nodes.iter().zip(&mut self.nodes).map(|(node, connection)| {
            let (client, question) = (&self.client, &question);
            async move { (node, look(client, node, question, connection).await) }
        });
        let looks = join_all(looks).await;
        let newest = |of: usize| {
            let primaries = looks.iter().filter_map(|(_, look)| look.filter(|look| look.role == StoreRole::Primary));
            primaries.filter_map(|look| look.last).find(|(shard, _)| *shard == of).map(|(_, number)| number)
        };
        let gauges = |(node, look): &(&StoreNode, Option<Look>)| StoreNodeGauges {
            node: node.name.clone(),
            zone: node.zone.clone(),
            role: look.map_or(StoreRole::Unreachable, |look| look.role),
            behind_writes: match look {
                Some(Look { role: StoreRole::Replica, last: Some((shard, last)) }) => {
                    newest(*shard).map(|newest| newest.saturating_sub(*last))
                }
                _ => None,
            },
        };
        looks.iter().map(gauges).collect()
    }

    async fn primary(&mut self) -> Result<PrimaryGauges, String> {
        let answers: Vec<(InfoDict, u64)> = self.ask_each(|_| pipe().cmd("INFO").cmd("DBSIZE").to_owned()).await?;
        let gauges = answers.iter().map(|(info, keys)| gauges_from(info, *keys));
        Ok(gauges.reduce(together).unwrap_or_default())
    }

    async fn session_keys(&mut self) -> Result<Option<SessionKeyGauges>, String> {
        if self.access.session_prefixes.is_empty() {
            return Ok(None);
        }
        self.know_shards().await?;
        self.next = (self.next + 1) % self.shards.len();
        let (client, location, shard) = (&self.client, &self.access.location, &mut self.shards[self.next]);
        let mut scan = pipe();
        scan.cmd("SCAN").arg(shard.cursor).arg("COUNT").arg(KEYS_A_LOOK);
        let ((cursor, mut keys),): ((u64, Vec<Vec<u8>>),) = shard.ask(client, location, &scan).await?;
        shard.cursor = cursor;
        keys.retain(|key| self.access.session_prefixes.iter().any(|prefix| key.starts_with(prefix.as_bytes())));
        if keys.is_empty() {
            return Ok(None);
        }
        let mut times = pipe();
        for key in &keys {
            times.cmd("PTTL").arg(key);
        }
        let times: Vec<i64> = shard.ask(client, location, &times).await?;
        Ok(session_key_gauges(&times))
    }
}

/// -1 says that a key has no time to live, -2 that it went away meanwhile.
fn session_key_gauges(times: &[i64]) -> Option<SessionKeyGauges> {
    let there = times.iter().filter(|ms| **ms != -2);
    let living = || times.iter().filter_map(|ms| u64::try_from(*ms).ok());
    let sampled = there.count() as u64;
    (sampled > 0).then(|| SessionKeyGauges {
        sampled,
        without_ttl: sampled - living().count() as u64,
        shortest_ttl_ms: living().min().unwrap_or_default(),
        longest_ttl_ms: living().max().unwrap_or_default(),
    })
}

/// A node's role and the canary's last number on it. A connection that was fine before may have been closed by a change
/// of roles: that alone does not make the node unreachable.
async fn look(
    client: &Client,
    node: &StoreNode,
    question: &Pipeline,
    connection: &mut Option<MultiplexedConnection>,
) -> Option<Look> {
    type Answers = Vec<RedisResult<Value>>;
    let kept: Option<Answers> = match connection {
        Some(open) => question.query_async(open).await.ok(),
        None => None,
    };
    let answers = match kept {
        Some(answers) => answers,
        None => {
            *connection = None;
            let mut open = client.connect(&node.address).await.ok()?;
            let answers: Answers = question.query_async(&mut open).await.ok()?;
            *connection = Some(open);
            answers
        }
    };
    look_from(answers)
}

/// The role comes first, then the end of the list in each shard: an error in all but the node's own.
fn look_from(answers: Vec<RedisResult<Value>>) -> Option<Look> {
    let loads = |answer: &RedisResult<Value>| answer.as_ref().is_err_and(|error| error.code() == Some("LOADING"));
    if answers.iter().any(loads) {
        return None;
    }
    let mut answers = answers.into_iter();
    let role = match answers.next()?.ok()? {
        Value::Array(role) if matches!(role.first(), Some(Value::BulkString(name)) if name == b"master") => {
            StoreRole::Primary
        }
        _ => StoreRole::Replica,
    };
    let last = answers.enumerate().find_map(|(shard, answer)| {
        let numbers: Vec<u64> = redis::from_redis_value(answer.ok()?).ok()?;
        Some((shard, numbers.first().copied().unwrap_or_default()))
    });
    Some(Look { role, last })
}

/// Of two primaries.
fn together(a: PrimaryGauges, b: PrimaryGauges) -> PrimaryGauges {
    PrimaryGauges {
        used_memory_bytes: a.used_memory_bytes + b.used_memory_bytes,
        max_memory_bytes: a.max_memory_bytes + b.max_memory_bytes,
        keys: a.keys + b.keys,
        evicted_keys: a.evicted_keys + b.evicted_keys,
        expired_keys: a.expired_keys + b.expired_keys,
        connected_clients: a.connected_clients + b.connected_clients,
        commands_per_second: a.commands_per_second + b.commands_per_second,
    }
}

fn gauges_from(info: &InfoDict, keys: u64) -> PrimaryGauges {
    PrimaryGauges {
        used_memory_bytes: info.get("used_memory").unwrap_or_default(),
        max_memory_bytes: info.get("maxmemory").unwrap_or_default(),
        keys,
        evicted_keys: info.get("evicted_keys").unwrap_or_default(),
        expired_keys: info.get("expired_keys").unwrap_or_default(),
        connected_clients: info.get("connected_clients").unwrap_or_default(),
        commands_per_second: info.get("instantaneous_ops_per_sec").unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gauges_come_from_info() {
        let info = InfoDict::new(
            "# Memory\r\nused_memory:1048576\r\nmaxmemory:2097152\r\n# Stats\r\ninstantaneous_ops_per_sec:42\r\n\
             evicted_keys:3\r\nexpired_keys:4\r\n# Clients\r\nconnected_clients:7\r\n",
        );
        let expected = PrimaryGauges {
            used_memory_bytes: 1_048_576,
            max_memory_bytes: 2_097_152,
            keys: 5,
            evicted_keys: 3,
            expired_keys: 4,
            connected_clients: 7,
            commands_per_second: 42.0,
        };
        assert_eq!(gauges_from(&info, 5), expected);
    }

    #[test]
    fn keys_without_a_time_to_live_are_counted_and_those_that_went_away_are_not() {
        let told = |sampled, without_ttl, shortest_ttl_ms, longest_ttl_ms| {
            Some(SessionKeyGauges { sampled, without_ttl, shortest_ttl_ms, longest_ttl_ms })
        };
        for (times, expected) in [
            (vec![], None),
            (vec![-2, -2], None),
            (vec![500, 900, -2], told(2, 0, 500, 900)),
            (vec![-1, 700], told(2, 1, 700, 700)),
            (vec![-1], told(1, 1, 0, 0)),
        ] {
            assert_eq!(session_key_gauges(&times), expected, "{times:?}");
        }
    }

    #[test]
    fn a_node_of_a_cluster_serves_the_list_that_it_answers_for() {
        let text = |text: &str| Value::BulkString(text.into());
        let moved = || Err(redis::parse_redis_value(b"-MOVED 1 h:1\r\n").unwrap().extract_error().unwrap_err());
        let role = |name| Ok(Value::Array(vec![text(name), Value::Int(0)]));
        let look = look_from(vec![role("slave"), moved(), Ok(Value::Array(vec![text("17")])), moved()]).unwrap();
        assert_eq!((look.role, look.last), (StoreRole::Replica, Some((1, 17))));
        let look = look_from(vec![role("master"), moved(), moved(), Ok(Value::Array(vec![]))]).unwrap();
        assert_eq!((look.role, look.last), (StoreRole::Primary, Some((2, 0))), "nothing is written yet");
        let loading = || Err(redis::parse_redis_value(b"-LOADING wait\r\n").unwrap().extract_error().unwrap_err());
        assert!(look_from(vec![role("master"), loading()]).is_none(), "it is there and serves nobody");
    }
}
