use super::Client;
use super::watched::WatchedStore;
use crate::history::{PrimaryGauges, SessionKeyGauges, StoreNodeGauges, StoreRole};
use crate::plan::{StoreAccess, StoreNode};
use futures_util::future::join_all;
use redis::aio::MultiplexedConnection;
use redis::{FromRedisValue, InfoDict, Pipeline, Value, pipe};
use std::time::Duration;

/// Redis: one server, or a primary that sentinels know and its replicas.
#[derive(Debug)]
pub struct RedisStore {
    client: Client,
    access: StoreAccess,
    /// The list that holds the canary's numbers.
    key: String,
    primary: Option<MultiplexedConnection>,
    nodes: Vec<Option<MultiplexedConnection>>,
    cursor: u64,
}

/// What a run that was killed leaves behind is gone after this.
const CANARY_LIVES: Duration = Duration::from_secs(3600);
/// Time for replicas to acknowledge, within the time-out of the answer.
pub(super) const REPLICAS_WITHIN: Duration = Duration::from_millis(400);
/// Keys that one look asks for.
const KEYS_A_LOOK: usize = 200;

impl RedisStore {
    /// `run`: a word that no other run uses.
    pub fn new(access: StoreAccess, run: &str) -> RedisStore {
        RedisStore {
            client: Client::of(&access),
            key: format!("{}{run}", access.canary_prefix),
            nodes: access.nodes.iter().map(|_| None).collect(),
            primary: None,
            cursor: 0,
            access,
        }
    }

    /// Asks the primary; after a failure the next question looks for it anew.
    async fn ask<T: FromRedisValue>(&mut self, question: &Pipeline) -> Result<T, String> {
        let mut connection = match self.primary.take() {
            Some(open) => open,
            None => {
                let address = self.client.primary(&self.access.location).await.map_err(|error| error.to_string())?;
                self.client.connect(&address).await.map_err(|error| format!("{address}: {error}"))?
            }
        };
        let answer = question.query_async(&mut connection).await.map_err(|error| error.to_string())?;
        self.primary = Some(connection);
        Ok(answer)
    }
}

impl WatchedStore for RedisStore {
    async fn write(&mut self, number: u64) -> Result<usize, String> {
        let mut push = pipe();
        push.cmd("RPUSH").arg(&self.key).arg(number);
        push.cmd("EXPIRE").arg(&self.key).arg(CANARY_LIVES.as_secs()).ignore();
        let wanted = self.access.wait_for_replicas;
        if wanted == 0 {
            let (length,): (usize,) = self.ask(&push).await?;
            return Ok(length);
        }
        push.cmd("WAIT").arg(wanted).arg(REPLICAS_WITHIN.as_millis() as u64);
        let (length, replicas): (usize, u32) = self.ask(&push).await?;
        if replicas < wanted {
            return Err(format!("{replicas} of {wanted} replicas have it"));
        }
        Ok(length)
    }

    async fn written(&mut self) -> Result<Vec<u64>, String> {
        let (numbers,) = self.ask(pipe().cmd("LRANGE").arg(&self.key).arg(0).arg(-1)).await?;
        Ok(numbers)
    }

    async fn trim(&mut self, first: u64) -> Result<(), String> {
        let numbers = self.written().await?;
        let kept = numbers.iter().filter(|number| **number >= first).count() as i64;
        self.ask::<Value>(pipe().cmd("LTRIM").arg(&self.key).arg(-kept).arg(-1)).await.map(drop)
    }

    async fn clear(&mut self) -> Result<(), String> {
        self.ask::<Value>(pipe().cmd("DEL").arg(&self.key)).await.map(drop)
    }

    async fn nodes(&mut self) -> Vec<StoreNodeGauges> {
        let looks = self.access.nodes.iter().zip(&mut self.nodes).map(|(node, connection)| {
            let (client, key) = (&self.client, &self.key);
            async move { (node, look(client, node, key, connection).await) }
        });
        let looks = join_all(looks).await;
        let primary = looks.iter().find_map(|(_, look)| look.filter(|(role, _)| *role == StoreRole::Primary));
        let gauges = |(node, look): (&StoreNode, Option<(StoreRole, u64)>)| StoreNodeGauges {
            node: node.name.clone(),
            zone: node.zone.clone(),
            role: look.map_or(StoreRole::Unreachable, |(role, _)| role),
            behind_writes: match (primary, look) {
                (Some((_, newest)), Some((StoreRole::Replica, last))) => Some(newest.saturating_sub(last)),
                _ => None,
            },
        };
        looks.into_iter().map(gauges).collect()
    }

    async fn primary(&mut self) -> Result<PrimaryGauges, String> {
        let (info, keys): (InfoDict, u64) = self.ask(pipe().cmd("INFO").cmd("DBSIZE")).await?;
        Ok(gauges_from(&info, keys))
    }

    async fn session_keys(&mut self) -> Result<Option<SessionKeyGauges>, String> {
        if self.access.session_prefixes.is_empty() {
            return Ok(None);
        }
        let mut scan = pipe();
        scan.cmd("SCAN").arg(self.cursor).arg("COUNT").arg(KEYS_A_LOOK);
        let ((cursor, mut keys),): ((u64, Vec<Vec<u8>>),) = self.ask(&scan).await?;
        self.cursor = cursor;
        keys.retain(|key| self.access.session_prefixes.iter().any(|prefix| key.starts_with(prefix.as_bytes())));
        if keys.is_empty() {
            return Ok(None);
        }
        let mut times = pipe();
        for key in &keys {
            times.cmd("PTTL").arg(key);
        }
        let times: Vec<i64> = self.ask(&times).await?;
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
    key: &str,
    connection: &mut Option<MultiplexedConnection>,
) -> Option<(StoreRole, u64)> {
    let mut question = pipe();
    question.cmd("ROLE").cmd("LRANGE").arg(key).arg(-1).arg(-1);
    type Answer = (Vec<Value>, Vec<u64>);
    let kept: Option<Answer> = match connection {
        Some(open) => question.query_async(open).await.ok(),
        None => None,
    };
    let (role, last) = match kept {
        Some(answer) => answer,
        None => {
            *connection = None;
            let mut open = client.connect(&node.address).await.ok()?;
            let answer: Answer = question.query_async(&mut open).await.ok()?;
            *connection = Some(open);
            answer
        }
    };
    let role = match role.first() {
        Some(Value::BulkString(name)) if name == b"master" => StoreRole::Primary,
        _ => StoreRole::Replica,
    };
    Some((role, last.first().copied().unwrap_or_default()))
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
}
