use super::check::{Check, Practice};
use crate::plan::{RedisAccess, Secret, StoreLocation, StoreLogin, StoreNode};
use crate::store::Client;
use redis::aio::MultiplexedConnection;
use redis::{ErrorKind, InfoDict, RedisError, Value, cmd, pipe};
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

const ZONES: Practice = Practice {
    name: "store nodes over zones",
    why: "with all nodes in one zone, the zone's outage takes every session with it",
    remedy: "place a replica in another zone than the primary",
};
const MAJORITY: Practice = Practice {
    name: ZONES.name,
    why: "without most of its primaries a cluster promotes no replica: that zone's outage takes all of it along",
    remedy: "spread the primaries over three zones, so that none has half of them",
};
const FAILOVER: Practice = Practice {
    name: "store fails over by itself",
    why: "without it the store is away until somebody wakes up",
    remedy: "run replicas and at least three sentinels, or a cluster (or Multi-AZ with automatic failover)",
};
const PERSISTENCE: Practice = Practice {
    name: "store data outlives a restart",
    why: "replicas have the data in memory too: when all nodes restart or lose power at once, every session is gone",
    remedy: "persist to disk: `appendonly yes`, or at least snapshots (`save`)",
};
const IN_TRANSIT: Practice = Practice {
    name: "plain text to the store refused",
    why: "session data and passwords can be read on the way",
    remedy: "switch the plain port off (`port 0`), and leave only the one with TLS",
};
pub(super) const AT_REST: Practice = Practice {
    name: "store encrypted at rest",
    why: "a disk or a snapshot in wrong hands is everybody's session",
    remedy: "encrypt the volumes and snapshots of the store",
};
const NO_PASSWORD: Practice = Practice {
    name: "store needs a password",
    why: "whoever reaches the store's port reads and writes every session",
    remedy: "switch the default user off (`user default off`)",
};
const WRONG_PASSWORD: Practice = Practice {
    name: "store refuses a wrong password",
    why: "a password that is not checked is none",
    remedy: "give each user a password of its own, and no `nopass`",
};
const RIGHTS: Practice = Practice {
    name: "application's rights at the store",
    why: "whoever takes over the application must not be able to empty, reconfigure or stop the store",
    remedy: "take @admin and @dangerous from the application's user (`-@admin -@dangerous`)",
};
pub(super) const TTL: Practice = Practice {
    name: "sessions expire in the store",
    why: "sessions without a time to live stay valid for ever and fill the memory",
    remedy: "set a time to live on every key of a session, with the write that makes it",
};
pub(super) const IDLE: Practice = Practice {
    name: "time to live within the idle time-out",
    why: "a key that lives longer than agreed can be used by whoever finds its session",
    remedy: "make the time to live of the keys the idle time-out",
};
const EVICTION: Practice = Practice {
    name: "eviction policy fit for sessions",
    why: "an evicted session is a user who is asked to log in for no reason",
    remedy: "set `maxmemory-policy noeviction`, and an alarm on the memory in use",
};

/// Commands no application needs. They are put into a transaction that is then discarded, so that none is carried out
/// where it is allowed.
const DANGEROUS: [&[&str]; 5] =
    [&["CONFIG", "GET", "maxmemory"], &["KEYS", "*"], &["FLUSHALL"], &["REPLICAOF", "NO", "ONE"], &["ACL", "LIST"]];
const KEYS_SAMPLED: usize = 1000;
/// Keys that are looked through for those of sessions.
const KEYS_SEEN: usize = 200_000;
const ANSWER_WITHIN: Duration = Duration::from_millis(500);

/// `idle_timeout`: after which a session may be gone, where that is agreed. `whole`: `access` tells all there is to the
/// store, and no service is behind it.
pub(super) async fn store(access: &RedisAccess, idle_timeout: Option<Duration>, whole: bool) -> Vec<Check> {
    let mut checks = vec![zones(access).await, failover(access, whole).await];
    checks.extend(settings(access).await);
    checks.push(AT_REST.not_applicable("cannot be told from outside"));
    checks.push(plain_text(access).await);
    checks.push(stranger(access, None, NO_PASSWORD).await);
    let known = access.app_login.as_ref().or(access.login.as_ref());
    let user = known.map_or("default".to_owned(), |login| login.user.clone());
    let wrong = StoreLogin { user, password: Secret::new("wrong") };
    checks.push(stranger(access, Some(wrong), WRONG_PASSWORD).await);
    checks.push(rights(access).await);
    checks.extend(times_to_live(access, idle_timeout).await);
    checks
}

async fn zones(access: &RedisAccess) -> Check {
    if access.nodes.iter().any(|node| node.zone.is_empty()) {
        return ZONES.not_applicable("the profile names no zone for each node (`store.nodes`)");
    }
    let zones: BTreeSet<&str> = access.nodes.iter().map(|node| node.zone.as_str()).collect();
    let told: Vec<String> = access.nodes.iter().map(|node| format!("{} in {}", node.name, node.zone)).collect();
    let told = told.join(", ");
    if !matches!(access.location, StoreLocation::Cluster(_)) {
        return ZONES.holds(zones.len() >= 2, told);
    }
    let shards = match client(access).shards(&access.location).await {
        Ok(shards) => shards,
        Err(error) => return ZONES.unknown(error.to_string()),
    };
    // Without most of its primaries a cluster elects none.
    let is_primary = |node: &&StoreNode| shards.iter().any(|shard| shard.primary == node.address);
    let primaries_in = |zone: &str| access.nodes.iter().filter(is_primary).filter(|node| node.zone == zone).count();
    match zones.iter().find(|zone| 2 * primaries_in(zone) >= shards.len()) {
        Some(zone) => {
            MAJORITY.holds(false, format!("{} of {} primaries in {zone}; {told}", primaries_in(zone), shards.len()))
        }
        None => ZONES.holds(true, told),
    }
}

fn client(access: &RedisAccess) -> Client {
    Client::of(access).patient()
}

async fn failover(access: &RedisAccess, whole: bool) -> Check {
    let (addresses, name) = match &access.location {
        StoreLocation::Direct(_) if !whole => {
            return FAILOVER.not_applicable("cannot be told of an address that a service may be behind");
        }
        StoreLocation::Direct(_) => return FAILOVER.holds(false, "a single server, nobody watches it"),
        StoreLocation::Cluster(_) => return cluster_failover(access).await,
        StoreLocation::Sentinels { addresses, name } => (addresses, name),
    };
    for address in addresses {
        let Ok(mut sentinel) = client(access).connect_to_sentinel(address).await else { continue };
        let answer: redis::RedisResult<String> =
            cmd("SENTINEL").arg("CKQUORUM").arg(name).query_async(&mut sentinel).await;
        return match answer {
            Ok(answer) => FAILOVER.holds(true, answer),
            Err(error) if error.code() == Some("NOPERM") => FAILOVER.unknown(error.to_string()),
            Err(error) if error.is_io_error() => continue,
            Err(error) => FAILOVER.holds(false, error.to_string()),
        };
    }
    FAILOVER.unknown("no sentinel answers")
}

/// Primaries elect a replica in the place of one of them: it takes three, and a replica of each.
async fn cluster_failover(access: &RedisAccess) -> Check {
    match all_settings(access).await {
        Ok(primaries) => {
            let alone = primaries.iter().filter(|primary| primary.replicas == 0).count();
            let told = format!("{} primaries, {alone} of them without a replica", primaries.len());
            FAILOVER.holds(primaries.len() >= 3 && alone == 0, told)
        }
        Err(error) => FAILOVER.unknown(error.to_string()),
    }
}

/// What a primary says of itself.
struct Settings {
    replicas: u32,
    logged: bool,
    /// Seconds and changes after which it writes a snapshot; empty: it never does; None: the probe may not ask.
    snapshots: Option<String>,
    eviction: String,
}

impl Settings {
    async fn of(access: &RedisAccess, primary: &str) -> redis::RedisResult<Settings> {
        let mut primary = client(access).connect(primary).await?;
        let info: InfoDict = cmd("INFO").query_async(&mut primary).await?;
        let save = cmd("CONFIG").arg("GET").arg("save").query_async::<HashMap<String, String>>(&mut primary).await;
        Ok(Settings {
            replicas: info.get("connected_slaves").unwrap_or_default(),
            logged: info.get::<u8>("aof_enabled") == Some(1),
            snapshots: save.ok().map(|save| save.get("save").cloned().unwrap_or_default()),
            eviction: info.get("maxmemory_policy").unwrap_or_default(),
        })
    }

    /// None: it cannot be told.
    fn persists(&self) -> Option<bool> {
        if self.logged { Some(true) } else { self.snapshots.as_ref().map(|snapshots| !snapshots.is_empty()) }
    }

    fn persistence(&self) -> String {
        let replicas = self.replicas;
        match (self.logged, self.snapshots.as_deref()) {
            (true, _) => format!("an append-only log, {replicas} replicas"),
            (false, None) => {
                format!(
                    "no append-only log, {replicas} replicas; whether it writes snapshots takes `+config|get` to tell"
                )
            }
            (false, Some("")) => {
                format!("nothing reaches a disk; {replicas} replicas make up for the loss of one node only")
            }
            (false, Some(snapshots)) => format!("snapshots only (`save {snapshots}`), {replicas} replicas"),
        }
    }
}

async fn all_settings(access: &RedisAccess) -> redis::RedisResult<Vec<Settings>> {
    let mut all = Vec::new();
    for shard in client(access).shards(&access.location).await? {
        all.push(Settings::of(access, &shard.primary).await?);
    }
    Ok(all)
}

/// What the primaries say of themselves; the one that does worst counts.
async fn settings(access: &RedisAccess) -> Vec<Check> {
    let all = match all_settings(access).await {
        Ok(all) => all,
        Err(error) => return [PERSISTENCE, EVICTION].map(|p| p.unknown(error.to_string())).to_vec(),
    };
    let worst = |good: fn(&Settings) -> bool| all.iter().find(|settings| !good(settings)).or(all.first());
    let Some((persistence, eviction)) =
        worst(|s| s.persists() == Some(true)).zip(worst(|s| s.eviction == "noeviction"))
    else {
        return [PERSISTENCE, EVICTION].map(|p| p.unknown("no primary is known")).to_vec();
    };
    vec![
        match persistence.persists() {
            Some(persists) => PERSISTENCE.holds(persists, persistence.persistence()),
            None => PERSISTENCE.unknown(persistence.persistence()),
        },
        EVICTION.holds(eviction.eviction == "noeviction", eviction.eviction.as_str()),
    ]
}

/// Where the store can be reached: its nodes, and the sentinels, which can be told to fail over.
fn doors(access: &RedisAccess) -> impl Iterator<Item = (String, &str)> {
    let sentinels = match &access.location {
        StoreLocation::Sentinels { addresses, .. } => addresses.as_slice(),
        StoreLocation::Direct(_) | StoreLocation::Cluster(_) => &[],
    };
    let nodes = access.nodes.iter().map(|node| (node.name.clone(), node.address.as_str()));
    nodes.chain(sentinels.iter().map(|address| (format!("the sentinel at {address}"), address.as_str())))
}

/// Tries every door in clear, at the address that is known and at the port that a node says it has.
async fn plain_text(access: &RedisAccess) -> Check {
    let (mut tried, mut silent) = (0, Vec::new());
    for (name, address) in doors(access) {
        let mut addresses = vec![address.to_owned()];
        let is_node = access.nodes.iter().any(|node| node.address == address);
        let connected = match is_node {
            true => client(access).connect(address).await,
            false => client(access).connect_to_sentinel(address).await,
        };
        match connected {
            Ok(mut connection) => {
                let info = cmd("INFO").arg("server").query_async::<InfoDict>(&mut connection).await;
                let port = info.ok().and_then(|info| info.get::<u16>("tcp_port")).filter(|port| is_node && *port > 0);
                if let (Some(port), Some((host, _))) = (port, address.rsplit_once(':')) {
                    addresses.push(format!("{host}:{port}"));
                }
            }
            Err(_) => silent.push(name.clone()),
        }
        for address in addresses {
            if speaks_plainly(&address).await {
                return IN_TRANSIT.holds(false, format!("{name} answers in plain text at {address}"));
            }
            tried += 1;
        }
    }
    if !silent.is_empty() {
        return IN_TRANSIT.unknown(format!("no answer from {}", silent.join(", ")));
    }
    IN_TRANSIT.holds(true, format!("{tried} attempts refused"))
}

/// Every answer of a Redis begins with one of these, also a refusal; one of TLS does not.
async fn speaks_plainly(address: &str) -> bool {
    let ask = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(b"PING\r\n").await?;
        let mut first = [0];
        stream.read_exact(&mut first).await?;
        Ok::<u8, std::io::Error>(first[0])
    };
    matches!(timeout(ANSWER_WITHIN, ask).await, Ok(Ok(b'+' | b'-')))
}

async fn stranger(access: &RedisAccess, login: Option<StoreLogin>, practice: Practice) -> Check {
    let stranger = Client::stranger(access, login).patient();
    let (mut tried, mut silent) = (0, None);
    for (name, address) in doors(access) {
        tried += 1;
        let asked = async {
            let mut connection = stranger.connect(address).await?;
            cmd("PING").query_async::<Value>(&mut connection).await
        };
        match asked.await {
            Err(error) if is_turned_away(&error) => {}
            // Somebody who may do little was let in all the same.
            Err(error) if error.code() != Some("NOPERM") => silent = Some(format!("{name}: {error}")),
            Ok(_) | Err(_) => return practice.holds(false, format!("{name} answers")),
        }
    }
    match silent {
        Some(why) => practice.unknown(why),
        None => practice.holds(true, format!("refused at {tried} of {tried} addresses")),
    }
}

fn is_turned_away(error: &RedisError) -> bool {
    error.kind() == ErrorKind::AuthenticationFailed || matches!(error.code(), Some("NOAUTH" | "WRONGPASS"))
}

async fn rights(access: &RedisAccess) -> Check {
    let Some(login) = &access.app_login else {
        return RIGHTS.not_applicable("the profile does not name the application's user (`store.application`)");
    };
    let asked = async {
        let address = client(access).primary(&access.location).await?;
        let mut connection = Client::stranger(access, Some(login.clone())).patient().connect(&address).await?;
        cmd("MULTI").query_async::<Value>(&mut connection).await?;
        let held_back: String = cmd("PING").query_async(&mut connection).await?;
        if held_back != "QUEUED" {
            return Err(RedisError::from((ErrorKind::Client, "it holds no command back in a transaction")));
        }
        let mut allowed = Vec::new();
        for words in DANGEROUS {
            match cmd(words[0]).arg(&words[1..]).query_async::<Value>(&mut connection).await {
                Ok(_) => allowed.push(words[0]),
                // No right to it, or there is no such command on this server.
                Err(error) if error.code() == Some("NOPERM") || is_unknown_command(&error) => {}
                Err(error) => return Err(error),
            }
        }
        cmd("DISCARD").query_async::<Value>(&mut connection).await?;
        Ok(allowed)
    };
    match asked.await {
        Ok(allowed) if allowed.is_empty() => {
            RIGHTS.holds(true, format!("{} dangerous commands refused", DANGEROUS.len()))
        }
        Ok(allowed) => RIGHTS.holds(false, format!("may run {}", allowed.join(", "))),
        Err(error) => RIGHTS.unknown(error.to_string()),
    }
}

fn is_unknown_command(error: &RedisError) -> bool {
    error.detail().is_some_and(|detail| detail.contains("unknown command"))
}

async fn times_to_live(access: &RedisAccess, idle_timeout: Option<Duration>) -> Vec<Check> {
    if access.session_prefixes.is_empty() {
        let why = "the profile does not say what keys of sessions start with (`store.session_prefixes`)";
        return [TTL, IDLE].map(|p| p.not_applicable(why)).to_vec();
    }
    let times = match session_times(access).await {
        Ok(times) if times.is_empty() => {
            return [TTL, IDLE].map(|p| p.unknown("no key of a session was found")).to_vec();
        }
        Ok(times) => times,
        Err(error) => return [TTL, IDLE].map(|p| p.unknown(error.to_string())).to_vec(),
    };
    let without = times.iter().filter(|ms| **ms < 0).count();
    let longest = Duration::from_millis(times.iter().max().copied().unwrap_or_default().max(0) as u64);
    let within = match idle_timeout {
        None => IDLE.not_applicable("the profile names no `session.idle_timeout`"),
        Some(agreed) if without > 0 => {
            IDLE.holds(false, format!("sessions never end, {:.0} s agreed", agreed.as_secs_f64()))
        }
        // The clock of the store ticks in milliseconds.
        Some(agreed) => IDLE.holds(
            longest <= agreed + Duration::from_millis(1),
            format!("{:.0} s at most, {:.0} s agreed", longest.as_secs_f64(), agreed.as_secs_f64()),
        ),
    };
    vec![TTL.holds(without == 0, format!("{without} of {} keys have no time to live", times.len())), within]
}

/// Milliseconds to live of keys of sessions; -1: for ever.
async fn session_times(access: &RedisAccess) -> redis::RedisResult<Vec<i64>> {
    let mut times = Vec::new();
    for shard in client(access).shards(&access.location).await? {
        let mut primary = client(access).connect(&shard.primary).await?;
        times.extend(session_times_of(access, &mut primary).await?);
    }
    Ok(times)
}

async fn session_times_of(access: &RedisAccess, primary: &mut MultiplexedConnection) -> redis::RedisResult<Vec<i64>> {
    let mut times = Vec::new();
    let (mut cursor, mut seen) = (0, 0);
    loop {
        let (next, keys): (u64, Vec<Vec<u8>>) =
            cmd("SCAN").arg(cursor).arg("COUNT").arg(KEYS_SAMPLED).query_async(primary).await?;
        let mut question = pipe();
        seen += keys.len();
        let is_session =
            |key: &&Vec<u8>| access.session_prefixes.iter().any(|prefix| key.starts_with(prefix.as_bytes()));
        for key in keys.iter().filter(is_session) {
            question.cmd("PTTL").arg(key);
        }
        if !question.is_empty() {
            let found: Vec<i64> = question.query_async(primary).await?;
            times.extend(found.into_iter().filter(|ms| *ms != -2));
        }
        cursor = next;
        if cursor == 0 || times.len() >= KEYS_SAMPLED || seen >= KEYS_SEEN {
            return Ok(times);
        }
    }
}
