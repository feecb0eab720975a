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
use redis::{ErrorKind, InfoDict, RedisError, RedisResult, cmd, pipe};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// Ballast is this many values of this many bytes: 16 MiB.
const VALUES: usize = 4096;
const VALUE_BYTES: usize = 4096;
/// Sent, or looked at, in one go.
const AT_A_TIME: usize = 512;
/// Of three shards each gets one, but for a chance of one in ten to the eleventh.
const TAGS_TRIED: usize = 64;
const EVICTED_WITHIN: Duration = Duration::from_secs(5);
const ASK_EVERY: Duration = Duration::from_millis(20);

/// What a policy may go by when it chooses keys.
#[derive(Clone, Copy, Debug)]
struct Rank {
    /// 0: it is kept for good.
    ttl_ms: u64,
    /// Seconds it has been idle for or, with a policy that goes by that, how often it is used.
    use_of_it: u64,
}

impl Rank {
    /// Where the application keeps nothing to go by.
    const ANY: Rank = Rank { ttl_ms: 600_000, use_of_it: 0 };

    /// None of a key that is gone.
    fn of(pttl: i64, use_of_it: i64) -> Option<Rank> {
        const GONE: i64 = -2;
        let use_of_it = u64::try_from(use_of_it).ok()?;
        (pttl != GONE).then_some(Rank { ttl_ms: pttl.max(0) as u64, use_of_it })
    }
}

/// How Redis calls [`Rank::use_of_it`].
fn use_word(policy: EvictionPolicy) -> &'static str {
    match policy {
        EvictionPolicy::AllkeysLfu | EvictionPolicy::VolatileLfu => "FREQ",
        _ => "IDLETIME",
    }
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
                let mut ask = pipe();
                for key in &keys {
                    ask.cmd("PTTL").arg(key).cmd("OBJECT").arg(use_word(policy)).arg(key);
                }
                if !keys.is_empty() {
                    let answers: Vec<Option<i64>> = ask.query_async(&mut connection).await?;
                    let rank = |answers: &[Option<i64>]| Rank::of(answers[0]?, answers[1]?);
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
            let mut ranks = ranks.values().cycle();
            for first in (0..VALUES).step_by(AT_A_TIME) {
                let mut restore = pipe();
                for number in first..first + AT_A_TIME {
                    let rank = ranks.next().unwrap_or(&Rank::ANY);
                    restore.cmd("RESTORE").arg(format!("{prefix}{number}")).arg(rank.ttl_ms).arg(&value);
                    restore.arg("REPLACE").arg(use_word(policy)).arg(rank.use_of_it).ignore();
                }
                restore.query_async::<()>(&mut connection).await?;
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
