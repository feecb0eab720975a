//! A store that a profile names, before anything depends on it: found, or told why not.

use super::client::Client;
use super::redis_store::REPLICAS_WITHIN;
use super::rights::{probe_rule, sentinel_rule};
use crate::plan::{RedisAccess, StoreLocation, StoreLogin, StoreNode};
use redis::aio::MultiplexedConnection;
use redis::{Cmd, ErrorKind, FromRedisValue, RedisError, Value, cmd};
use std::collections::HashMap;

/// Why the store that a profile names cannot be watched.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(
        "{what} at {address} cannot be reached: {reason}; check the address under [store], that this machine may reach \
         it, and `transport` and `ca_file`"
    )]
    Unreachable { what: &'static str, address: String, reason: String },
    #[error(
        "{what} at {address} does not let the probe in as `{user}`: {reason}; check `user` and `password` under \
         [{section}]"
    )]
    Login { what: &'static str, address: String, user: String, reason: String, section: &'static str },
    #[error("{what} at {address} asks for a password; give `user` and `password` under [{section}]")]
    NoLogin { what: &'static str, address: String, section: &'static str },
    #[error(
        "the sentinel at {address} knows no primary by the name `{name}`; make `name` under [store.sentinels] the one \
         that its `sentinel monitor` has"
    )]
    Name { address: String, name: String },
    #[error("the store does not let the probe {what}: {reason}; give its user what it needs:\n  {rule}")]
    Rights { what: String, reason: String, rule: String },
    #[error("{address} is no primary: {reason}; `address` under [store] has to lead to the primary")]
    NoPrimary { address: String, reason: String },
    #[error(
        "{found} of the {wanted} replicas that `wait_for_replicas` under [store] asks for have a write within 0.4 s; \
         lower it, or look at the store's replicas"
    )]
    Replicas { found: u32, wanted: u32 },
    #[error("the store at {address} does not answer as Redis does: {reason}")]
    Strange { address: String, reason: String },
}

impl StoreError {
    /// Whether somebody has to change something before it can go on.
    pub(super) fn is_refusal(&self) -> bool {
        matches!(self, StoreError::Login { .. } | StoreError::NoLogin { .. } | StoreError::Rights { .. })
    }
}

/// Finds the primary, and the nodes where they are not known.
///
/// # Errors
/// Nobody is there, or the probe is not let in.
pub async fn reach(access: &RedisAccess) -> Result<RedisAccess, StoreError> {
    let mut found = access.clone();
    if found.nodes.is_empty()
        && let StoreLocation::Sentinels { addresses, name } = &access.location
    {
        found.nodes = nodes_by_sentinels(access, addresses, name).await?;
    }
    Primary::of(access).await?;
    Ok(found)
}

/// Does once all that the probe will do, and takes it back.
///
/// # Errors
/// As [`reach`]; or the probe may not do it.
pub async fn rehearse(access: &RedisAccess) -> Result<(), StoreError> {
    let mut primary = Primary::of(access).await?;
    let reads = [
        ("ask for its role", cmd("ROLE")),
        ("read its figures", cmd("INFO")),
        ("count its keys", cmd("DBSIZE")),
        ("look for keys", cmd("SCAN").arg(0).arg("COUNT").arg(1).take()),
    ];
    for (what, command) in &reads {
        primary.ask::<Value>(what, command).await?;
    }
    for prefix in &access.session_prefixes {
        let what = format!("read when a key under `{prefix}` expires");
        primary.ask::<Value>(&what, cmd("PTTL").arg(format!("{prefix}rushhour"))).await?;
    }
    let key = format!("{}{:032x}", access.canary_prefix, rand::random::<u128>());
    let what = format!("write under `{}`", access.canary_prefix);
    primary.ask::<Value>(&what, cmd("RPUSH").arg(&key).arg(1)).await?;
    let used = primary.use_canary(&what, &key).await;
    primary.ask::<Value>(&what, cmd("DEL").arg(&key)).await?;
    used
}

/// A connection to the primary, as the probe.
struct Primary<'a> {
    access: &'a RedisAccess,
    address: String,
    connection: MultiplexedConnection,
}

const STORE: &str = "the store";
const SENTINEL: &str = "the sentinel";

impl Primary<'_> {
    async fn of(access: &RedisAccess) -> Result<Primary<'_>, StoreError> {
        let address = match &access.location {
            StoreLocation::Direct(address) => address.clone(),
            StoreLocation::Sentinels { addresses, name } => primary_by_sentinels(access, addresses, name).await?,
            StoreLocation::Cluster(nodes) => primary_of_cluster(access, nodes).await?,
        };
        let connected = Client::of(access).patient().connect(&address).await;
        let connection = connected.map_err(|error| not_let_in(STORE, &address, access.login.as_ref(), &error))?;
        let mut primary = Primary { access, address, connection };
        primary.ask::<Value>("say hello", &cmd("PING")).await?;
        Ok(primary)
    }

    async fn ask<T: FromRedisValue>(&mut self, what: &str, command: &Cmd) -> Result<T, StoreError> {
        let answer = command.query_async(&mut self.connection).await;
        answer.map_err(|error| match error.code() {
            Some("NOPERM") => {
                let (what, rule) = (what.to_owned(), probe_rule(self.access));
                StoreError::Rights { what, reason: error.to_string(), rule }
            }
            Some("READONLY") => StoreError::NoPrimary { address: self.address.clone(), reason: error.to_string() },
            _ => not_let_in(STORE, &self.address, self.access.login.as_ref(), &error),
        })
    }

    async fn use_canary(&mut self, what: &str, key: &str) -> Result<(), StoreError> {
        self.ask::<Value>(what, cmd("EXPIRE").arg(key).arg(60)).await?;
        self.ask::<Value>(what, cmd("LRANGE").arg(key).arg(0).arg(-1)).await?;
        self.ask::<Value>(what, cmd("LTRIM").arg(key).arg(-1).arg(-1)).await?;
        let wanted = self.access.wait_for_replicas;
        let within = REPLICAS_WITHIN.as_millis() as u64;
        let found: u32 = match wanted {
            0 => return Ok(()),
            _ => self.ask("wait for replicas", cmd("WAIT").arg(wanted).arg(within)).await?,
        };
        if found < wanted { Err(StoreError::Replicas { found, wanted }) } else { Ok(()) }
    }
}

async fn primary_of_cluster(access: &RedisAccess, nodes: &[String]) -> Result<String, StoreError> {
    let found = Client::of(access).patient().primary(&access.location).await;
    found.map_err(|error| not_let_in(STORE, &nodes.join(", "), access.login.as_ref(), &error))
}

async fn primary_by_sentinels(access: &RedisAccess, addresses: &[String], name: &str) -> Result<String, StoreError> {
    let question = cmd("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME").arg(name).take();
    let (sentinel, answer): (String, Option<(String, u16)>) = ask_sentinels(access, addresses, &question).await?;
    match answer {
        Some((host, port)) => Ok(format!("{host}:{port}")),
        None => Err(StoreError::Name { address: sentinel, name: name.to_owned() }),
    }
}

/// The primary first, then its replicas.
async fn nodes_by_sentinels(
    access: &RedisAccess,
    addresses: &[String],
    name: &str,
) -> Result<Vec<StoreNode>, StoreError> {
    let mut nodes = vec![StoreNode::at(primary_by_sentinels(access, addresses, name).await?)];
    let question = cmd("SENTINEL").arg("REPLICAS").arg(name).take();
    let (_, replicas): (_, Vec<HashMap<String, String>>) = ask_sentinels(access, addresses, &question).await?;
    let places = replicas.iter().filter_map(|replica| Some(format!("{}:{}", replica.get("ip")?, replica.get("port")?)));
    nodes.extend(places.map(StoreNode::at));
    Ok(nodes)
}

/// The first sentinel that answers, and its answer.
async fn ask_sentinels<T: FromRedisValue>(
    access: &RedisAccess,
    addresses: &[String],
    question: &Cmd,
) -> Result<(String, T), StoreError> {
    let mut failure = None;
    for address in addresses {
        let asked = async {
            let mut sentinel = Client::of(access).patient().connect_to_sentinel(address).await?;
            question.query_async(&mut sentinel).await
        };
        match asked.await {
            Ok(answer) => return Ok((address.clone(), answer)),
            Err(error) if error.code() == Some("NOPERM") => {
                let (what, rule) = ("ask the sentinels".to_owned(), sentinel_rule(access));
                return Err(StoreError::Rights { what, reason: error.to_string(), rule });
            }
            Err(error) => failure = Some(not_let_in(SENTINEL, address, access.sentinel_login.as_ref(), &error)),
        }
    }
    Err(failure.expect("a profile names at least one sentinel"))
}

fn not_let_in(what: &'static str, address: &str, login: Option<&StoreLogin>, error: &RedisError) -> StoreError {
    let (address, reason) = (address.to_owned(), error.to_string());
    let section = if what == SENTINEL { "store.sentinels" } else { "store" };
    let refused =
        error.kind() == ErrorKind::AuthenticationFailed || matches!(error.code(), Some("WRONGPASS" | "NOAUTH"));
    match login {
        Some(login) if refused => StoreError::Login { what, address, user: login.user.clone(), reason, section },
        None if refused => StoreError::NoLogin { what, address, section },
        _ if error.is_io_error() || error.is_timeout() || error.is_connection_dropped() => {
            StoreError::Unreachable { what, address, reason }
        }
        _ => StoreError::Strange { address, reason },
    }
}
