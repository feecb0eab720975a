//! Memory pressure. What a lab's sessions need is less than what a server's own buffers come and go by, so a limit drawn
//! to it alone takes all of them or none. Ballast beside it stands for the sessions of everybody else. Each value of it is
//! kept for as long, idle for as long and used as often as one of the application's keys, so that whatever a policy goes
//! by, it takes the same part of both.

use super::config::{BALLAST_PREFIX, KEY_PREFIX};
use super::data::Node;
use super::servers::Store;
use crate::fleet::NoticeSender;
use crate::history::EventKind;
use crate::plan::EvictionPolicy;
use crate::store::{Client, Shard};
use redis::aio::MultiplexedConnection;
use redis::{ErrorKind, FromRedisValue, InfoDict, Pipeline, RedisError, RedisResult, cmd, pipe};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// Ballast is this many values of this many bytes: 16 MiB.
const VALUES: usize = 4096;
const VALUE_BYTES: usize = 4096;
/// Sent, or looked at, in one go, which is to be done within a tick of [`Clock`].
const AT_A_TIME: usize = 128;
/// So often is begun again what a tick interrupts.
const TRIES: usize = 8;
/// Of three shards each gets one, but for a chance of one in ten to the eleventh.
const TAGS_TRIED: usize = 64;
const EVICTED_WITHIN: Duration = Duration::from_secs(5);
const ASK_EVERY: Duration = Duration::from_millis(20);

/// A server's own clocks. It tells for how many seconds a key has been idle, or how often it is used less one for each
/// minute without use. A whole tick between a look at the application's keys and the writing of ballast would make all of
/// one older than all of the other, and a policy would take nothing but the former.
#[derive(Clone, Copy, Debug)]
struct Clock {
    unix_ms: u64,
    lru_seconds: i64,
}

impl Clock {
    async fn read(connection: &mut MultiplexedConnection) -> RedisResult<Clock> {
        let info: InfoDict = cmd("INFO").arg("server").query_async(connection).await?;
        let told = info.get::<u64>("server_time_usec").zip(info.get("lru_clock"));
        let (micros, lru_seconds) =
            told.ok_or_else(|| RedisError::from((ErrorKind::Client, "the server does not tell its clocks")))?;
        Ok(Clock { unix_ms: micros / 1000, lru_seconds })
    }

    fn ticks(&self, policy: EvictionPolicy) -> i64 {
        const MINUTE_MS: u64 = 60_000;
        if goes_by_frequency(policy) { (self.unix_ms / MINUTE_MS) as i64 } else { self.lru_seconds }
    }
}

/// Sends what `ask` makes of the clock until it is answered within one tick. Returns that clock, and the answers.
async fn within_a_tick<T: FromRedisValue>(
    connection: &mut MultiplexedConnection,
    policy: EvictionPolicy,
    ask: impl Fn(Clock) -> Pipeline,
) -> RedisResult<(Clock, T)> {
    let mut clock = Clock::read(connection).await?;
    for _ in 0..TRIES {
        let answers = ask(clock).query_async(connection).await?;
        let after = Clock::read(connection).await?;
        if after.ticks(policy) == clock.ticks(policy) {
            return Ok((clock, answers));
        }
        clock = after;
    }
    Err(RedisError::from((ErrorKind::Client, "the server is too slow to be filled evenly")))
}

/// What a policy may go by when it chooses keys, told so that it holds at any time.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Rank {
    /// Unix time; 0: it is kept for good.
    expires_ms: u64,
    /// The tick at which it was used last or, with a policy that goes by that, at which its use will have faded to none.
    tick: i64,
}

impl Rank {
    /// Where the application keeps nothing to go by.
    fn any(clock: Clock, policy: EvictionPolicy) -> Rank {
        const TTL_MS: u64 = 600_000;
        Rank { expires_ms: clock.unix_ms + TTL_MS, tick: clock.ticks(policy) }
    }

    /// Of what `PTTL` and `OBJECT IDLETIME` or `OBJECT FREQ` answer. None of a key that is gone.
    fn read(clock: Clock, policy: EvictionPolicy, pttl: i64, use_of_it: i64) -> Option<Rank> {
        const GONE: i64 = -2;
        if pttl == GONE {
            return None;
        }
        // Less than none: it does not expire.
        let expires_ms = u64::try_from(pttl).map_or(0, |left| clock.unix_ms + left);
        let back = if goes_by_frequency(policy) { -use_of_it } else { use_of_it };
        Some(Rank { expires_ms, tick: clock.ticks(policy) - back })
    }

    /// What `RESTORE` is to be told.
    fn use_of_it(&self, clock: Clock, policy: EvictionPolicy) -> i64 {
        let since = clock.ticks(policy) - self.tick;
        if goes_by_frequency(policy) { (-since).clamp(0, 255) } else { since.max(0) }
    }
}

fn goes_by_frequency(policy: EvictionPolicy) -> bool {
    matches!(policy, EvictionPolicy::AllkeysLfu | EvictionPolicy::VolatileLfu)
}

/// How Redis calls [`Rank::use_of_it`].
fn use_word(policy: EvictionPolicy) -> &'static str {
    if goes_by_frequency(policy) { "FREQ" } else { "IDLETIME" }
}

fn look_at(keys: &[String], policy: EvictionPolicy) -> Pipeline {
    let mut ask = pipe();
    for key in keys {
        ask.cmd("PTTL").arg(key).cmd("OBJECT").arg(use_word(policy)).arg(key);
    }
    ask
}

/// What came of it at one primary.
struct Pressed {
    limit_bytes: u64,
    data_bytes: u64,
    /// Keys of the application.
    keys: usize,
    evicted: usize,
}

/// What names of ballast begin with so that they fall to this shard.
async fn ballast_prefix(shard: &Shard, connection: &mut MultiplexedConnection) -> RedisResult<String> {
    for tag in 0..TAGS_TRIED {
        let prefix = format!("{BALLAST_PREFIX}{{{tag}}}");
        let slot = cmd("CLUSTER").arg("KEYSLOT").arg(&prefix).query_async(connection).await?;
        if shard.serves(slot) {
            return Ok(prefix);
        }
    }
    Err(RedisError::from((ErrorKind::Client, "no name for ballast falls to this shard")))
}

/// What Redis compares with its limit: buffers to replicas do not count.
fn evictable(info: &InfoDict) -> Option<u64> {
    let not_counted = info.get::<u64>("mem_not_counted_for_evict").unwrap_or_default();
    Some(info.get::<u64>("used_memory")?.saturating_sub(not_counted))
}

impl Store {
    /// Fills the store and then leaves what is in it this share of the memory it needs. What a server needs for itself is
    /// not counted: below that it could keep nothing at all.
    pub(super) async fn limit_memory(
        &self,
        policy: EvictionPolicy,
        share: f64,
        notices: &NoticeSender,
    ) -> Result<String, String> {
        let mut pressed = Vec::new();
        for (shard, primary, nodes) in self.primaries_with_their_nodes().await? {
            pressed.push(self.press(&shard, primary, &nodes, policy, share).await?);
        }
        let limit_bytes = pressed.iter().map(|p| p.limit_bytes).sum();
        self.tell(notices, EventKind::StoreMemoryLimited { policy: policy.name().to_owned(), limit_bytes });
        let data_bytes: u64 = pressed.iter().map(|p| p.data_bytes).sum();
        let room = format!("room for {:.0} % of {:.1} MB, ballast included", 100.0 * share, data_bytes as f64 / 1e6);
        if policy == EvictionPolicy::Noeviction {
            return Ok(format!("{room}: writes are refused"));
        }
        let (evicted, keys) = pressed.iter().fold((0, 0), |(evicted, keys), p| (evicted + p.evicted, keys + p.keys));
        Ok(format!("{room}: {evicted} of the application's {keys} keys were evicted at once"))
    }

    /// `nodes`: the primary, and its replicas as far as they run.
    async fn press(
        &self,
        shard: &Shard,
        primary: &Node,
        nodes: &[&Node],
        policy: EvictionPolicy,
        share: f64,
    ) -> Result<Pressed, String> {
        // First the policy: servers count from then on what it goes by. An earlier limit leaves no room for ballast.
        self.set_at(nodes, &["maxmemory", "0", "maxmemory-policy", policy.name()]).await?;
        let before = self.ranks(primary, policy).await?;
        self.add_ballast(shard, primary, policy, &before).await?;
        let info = self.info(primary, "memory").await?;
        let data = info.get::<u64>("used_memory_dataset");
        let (used, data_bytes) = evictable(&info)
            .zip(data)
            .ok_or_else(|| format!("{} does not tell what memory it uses", primary.host.name()))?;
        let limit_bytes = used.saturating_sub(((1.0 - share).max(0.0) * data_bytes as f64) as u64);
        self.set_at(nodes, &["maxmemory", &limit_bytes.to_string()]).await?;
        let mut evicted = 0;
        if policy != EvictionPolicy::Noeviction {
            self.until_evicted(primary, limit_bytes).await?;
            let after = self.ranks(primary, policy).await?;
            evicted = before.keys().filter(|key| !after.contains_key(*key)).count();
        }
        Ok(Pressed { limit_bytes, data_bytes, keys: before.len(), evicted })
    }

    async fn set_at(&self, nodes: &[&Node], setting: &[&str]) -> Result<(), String> {
        for node in nodes {
            self.ask::<()>(node, cmd("CONFIG").arg("SET").arg(setting)).await?;
        }
        Ok(())
    }

    /// Of all keys of the application, by name.
    async fn ranks(&self, node: &Node, policy: EvictionPolicy) -> Result<BTreeMap<String, Rank>, String> {
        let probe = Client::new(&self.certificates.ca_pem, Some(self.passwords.probe_login()));
        let look = async {
            let mut connection = probe.connect(&node.host.address()).await?;
            let mut ranks = BTreeMap::new();
            let mut cursor = 0;
            loop {
                let mut scan = cmd("SCAN");
                scan.arg(cursor).arg("MATCH").arg(format!("{KEY_PREFIX}*")).arg("COUNT").arg(AT_A_TIME);
                let (next, keys): (u64, Vec<String>) = scan.query_async(&mut connection).await?;
                if !keys.is_empty() {
                    let (clock, answers): (Clock, Vec<Option<i64>>) =
                        within_a_tick(&mut connection, policy, |_| look_at(&keys, policy)).await?;
                    let rank = |answers: &[Option<i64>]| Rank::read(clock, policy, answers[0]?, answers[1]?);
                    let known = keys.into_iter().zip(answers.chunks_exact(2));
                    ranks.extend(known.filter_map(|(key, answers)| Some((key, rank(answers)?))));
                }
                cursor = next;
                if cursor == 0 {
                    return RedisResult::Ok(ranks);
                }
            }
        };
        look.await.map_err(|error| format!("{}: {error}", node.host.name()))
    }

    async fn add_ballast(
        &self,
        shard: &Shard,
        node: &Node,
        policy: EvictionPolicy,
        ranks: &BTreeMap<String, Rank>,
    ) -> Result<(), String> {
        let fill = async {
            let mut connection = self.operator().connect(&node.host.address()).await?;
            let prefix = if self.is_cluster() {
                ballast_prefix(shard, &mut connection).await?
            } else {
                BALLAST_PREFIX.to_owned()
            };
            let model = format!("{prefix}0");
            cmd("SET").arg(&model).arg(vec![b'.'; VALUE_BYTES]).query_async::<()>(&mut connection).await?;
            let value: Vec<u8> = cmd("DUMP").arg(&model).query_async(&mut connection).await?;
            let ranks: Vec<Rank> = match ranks.is_empty() {
                true => vec![Rank::any(Clock::read(&mut connection).await?, policy)],
                false => ranks.values().copied().collect(),
            };
            for first in (0..VALUES).step_by(AT_A_TIME) {
                let restore = |clock| {
                    let mut restore = pipe();
                    for number in first..first + AT_A_TIME {
                        let rank = &ranks[number % ranks.len()];
                        restore.cmd("RESTORE").arg(format!("{prefix}{number}")).arg(rank.expires_ms).arg(&value);
                        restore.arg("REPLACE").arg("ABSTTL");
                        restore.arg(use_word(policy)).arg(rank.use_of_it(clock, policy)).ignore();
                    }
                    restore
                };
                within_a_tick::<()>(&mut connection, policy, restore).await?;
            }
            RedisResult::Ok(())
        };
        fill.await.map_err(|error| format!("{}: {error}", node.host.name()))
    }

    /// Redis makes room little by little.
    async fn until_evicted(&self, node: &Node, limit_bytes: u64) -> Result<(), String> {
        let evicted = async {
            loop {
                let info: InfoDict = self.info(node, "memory").await?;
                if evictable(&info).is_some_and(|used| used <= limit_bytes) {
                    return Ok(());
                }
                sleep(ASK_EVERY).await;
            }
        };
        // Buffers come and go: a server may well be a little above its limit each time that it is asked.
        timeout(EVICTED_WITHIN, evicted).await.unwrap_or(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: Clock = Clock { unix_ms: 1_000_019_990, lru_seconds: 70 };

    #[test]
    fn ballast_written_after_a_tick_is_as_old_as_the_keys_were_when_they_were_looked_at() {
        // Two seconds and a change of the minute later.
        let later = Clock { unix_ms: READ.unix_ms + 2_000, lru_seconds: READ.lru_seconds + 2 };
        assert_eq!(later.ticks(EvictionPolicy::AllkeysLfu), READ.ticks(EvictionPolicy::AllkeysLfu) + 1);
        for (policy, told, told_later) in [
            (EvictionPolicy::AllkeysLru, 5, 7),
            (EvictionPolicy::VolatileTtl, 0, 2),
            (EvictionPolicy::VolatileLfu, 5, 4),
            // It fades to none, not below.
            (EvictionPolicy::AllkeysLfu, 0, 0),
        ] {
            let rank = Rank::read(READ, policy, 500, told).unwrap();
            assert_eq!(rank.expires_ms, READ.unix_ms + 500);
            assert_eq!(rank.use_of_it(READ, policy), told, "{policy:?}");
            assert_eq!(rank.use_of_it(later, policy), told_later, "{policy:?}");
        }
    }

    #[test]
    fn a_key_without_expiry_has_none_and_one_that_is_gone_has_no_rank() {
        let policy = EvictionPolicy::AllkeysLru;
        assert_eq!(Rank::read(READ, policy, -1, 3), Some(Rank { expires_ms: 0, tick: 67 }));
        assert_eq!(Rank::read(READ, policy, -2, 3), None);
    }
}
