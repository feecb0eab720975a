use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{Cmd, FromRedisValue, RedisConnectionInfo, Value};
use tokio_rustls::TlsConnector;

use super::super::config::{Secret, Sentinels, StoreConfig, StoreLocation};
use super::super::error::AppError;
use super::connect::{connector, open};
use super::error::StoreError;
use super::slots::{SLOTS, Slot, Slots, primary_for, slot_of};

/// A connection to a primary, and what it serves.
#[derive(Debug, Clone)]
pub struct Primary {
    pub slots: Slots,
    pub connection: MultiplexedConnection,
}

/// Knows how to get a connection to whichever Redis is the primary now.
pub struct Locator {
    location: StoreLocation,
    login: RedisConnectionInfo,
    sentinel_login: RedisConnectionInfo,
    tls: Option<TlsConnector>,
    sentinel_tls: bool,
    timeout: Duration,
    /// Which sentinel or node is asked first: the next one each time, so that one that hangs costs one attempt.
    first: AtomicUsize,
    informants: Mutex<HashMap<String, Informant>>,
}

impl fmt::Debug for Locator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Locator").field("location", &self.location).finish_non_exhaustive()
    }
}

/// A sentinel or a node of a cluster that was asked who is the primary. While there is none each request that wants one
/// asks again: over a connection that is there, or handshakes would take the processor from everybody else.
#[derive(Debug, Clone)]
struct Informant {
    connection: MultiplexedConnection,
    since: Instant,
}

/// Whoever is asked for the primary, and the primary, each get a share of the store's time-out, so that one that hangs
/// leaves time for the next.
const SHARES_OF_TIMEOUT: u32 = 4;

impl Locator {
    /// # Errors
    /// [`AppError::CaFile`] when the authority's file cannot be read.
    pub fn new(config: &StoreConfig) -> Result<Self, AppError> {
        let sentinel = match &config.location {
            StoreLocation::Sentinels(sentinels) => Some(sentinels),
            StoreLocation::Direct(_) | StoreLocation::Cluster(_) | StoreLocation::Dynamodb(_) => None,
        };
        Ok(Self {
            location: config.location.clone(),
            login: login(config.username.as_deref(), config.password.as_ref()),
            sentinel_login: login(
                sentinel.and_then(|s| s.username.as_deref()),
                sentinel.and_then(|s| s.password.as_ref()),
            ),
            tls: config.tls.as_ref().map(connector).transpose()?,
            sentinel_tls: sentinel.is_some_and(|s| s.tls),
            timeout: Duration::from_millis(config.timeout_ms),
            first: AtomicUsize::new(0),
            informants: Mutex::default(),
        })
    }

    /// The slot that decides which primary has a key. What has no key may go to any.
    pub fn slot(&self, key: Option<&[u8]>) -> Slot {
        match (&self.location, key) {
            (StoreLocation::Cluster(_), Some(key)) => slot_of(key),
            (StoreLocation::Cluster(_), None) => rand::random_range(0..SLOTS),
            _ => 0,
        }
    }

    /// Connects to the primary that serves a slot.
    ///
    /// # Errors
    /// [`StoreError::NotConnected`] with the last reason when none of the ways led to a primary.
    pub async fn connect(&self, slot: Slot) -> Result<Primary, StoreError> {
        let connected = match &self.location {
            StoreLocation::Direct(address) => self.open(address, &self.login, self.tls.as_ref(), self.timeout).await,
            StoreLocation::Sentinels(sentinels) => self.connect_by_sentinels(sentinels).await,
            StoreLocation::Cluster(nodes) => return self.connect_in_cluster(nodes, slot).await,
            StoreLocation::Dynamodb(_) => return Err(StoreError::NotConnected("DynamoDB is no Redis".into())),
        };
        connected.map(|connection| Primary { slots: Slots::all(), connection })
    }

    async fn connect_by_sentinels(&self, sentinels: &Sentinels) -> Result<MultiplexedConnection, StoreError> {
        let mut last = StoreError::NotConnected("no sentinel is configured".into());
        for address in self.in_turn(&sentinels.addresses) {
            let connected = async {
                let primary = self.ask_sentinel(address, &sentinels.master_name).await?;
                self.open_primary(&primary).await
            };
            match connected.await {
                Ok(connection) => return Ok(connection),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// What one node tells is believed: the others know no better just now, and the next attempt may ask another.
    async fn connect_in_cluster(&self, nodes: &[String], slot: Slot) -> Result<Primary, StoreError> {
        let mut told = Err(StoreError::NotConnected("no node is configured".into()));
        for node in self.in_turn(nodes) {
            told = self.ask_node(node, slot).await;
            if told.is_ok() {
                break;
            }
        }
        let (primary, slots) = told?;
        let connection = self.open_primary(&primary).await?;
        Ok(Primary { slots, connection })
    }

    /// Asks a sentinel or a node over the connection of the last time, though not for longer than a request may take: it
    /// may lead to one that hangs.
    async fn inform<T: FromRedisValue>(
        &self,
        address: &str,
        login: &RedisConnectionInfo,
        tls: Option<&TlsConnector>,
        question: &Cmd,
    ) -> Result<T, StoreError> {
        let informants = || self.informants.lock().unwrap_or_else(PoisonError::into_inner);
        let known = informants().get(address).filter(|known| known.since.elapsed() < self.timeout).cloned();
        let mut informant = match known {
            Some(known) => known,
            None => {
                let connection = self.open(address, login, tls, self.share()).await?;
                let new = Informant { connection, since: Instant::now() };
                informants().insert(address.to_owned(), new.clone());
                new
            }
        };
        let answer = question.query_async(&mut informant.connection).await;
        answer.map_err(|error| {
            informants().remove(address);
            StoreError::NotConnected(format!("{address}: {error}"))
        })
    }

    fn in_turn<'a>(&self, addresses: &'a [String]) -> impl Iterator<Item = &'a String> {
        let first = self.first.fetch_add(1, Ordering::Relaxed) % addresses.len().max(1);
        addresses.iter().cycle().skip(first).take(addresses.len())
    }

    async fn ask_sentinel(&self, sentinel: &str, master: &str) -> Result<String, StoreError> {
        let tls = self.tls.as_ref().filter(|_| self.sentinel_tls);
        let question = redis::cmd("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME").arg(master).to_owned();
        let answer: Option<(String, u16)> = self.inform(sentinel, &self.sentinel_login, tls, &question).await?;
        let Some((host, port)) = answer else {
            return Err(StoreError::NotConnected(format!("sentinel {sentinel} knows no primary called {master}")));
        };
        Ok(format!("{host}:{port}"))
    }

    /// Who serves a slot, and what else.
    async fn ask_node(&self, node: &str, slot: Slot) -> Result<(String, Slots), StoreError> {
        let question = redis::cmd("CLUSTER").arg("SLOTS").to_owned();
        let answer: Vec<Value> = self.inform(node, &self.login, self.tls.as_ref(), &question).await?;
        let host = node.rsplit_once(':').map_or(node, |(host, _)| host);
        primary_for(slot, &answer, host)
            .ok_or_else(|| StoreError::NotConnected(format!("redis {node}: nobody serves slot {slot}")))
    }

    /// Whoever named it may not have heard of a failover yet, and then it may be a replica by now.
    async fn open_primary(&self, primary: &str) -> Result<MultiplexedConnection, StoreError> {
        let mut connection = self.open(primary, &self.login, self.tls.as_ref(), self.share()).await?;
        let role: Vec<Value> = redis::cmd("ROLE")
            .query_async(&mut connection)
            .await
            .map_err(|error| StoreError::NotConnected(format!("redis {primary}: {error}")))?;
        match role.first() {
            Some(Value::BulkString(name)) if name == b"master" => {}
            _ => return Err(StoreError::NotConnected(format!("redis {primary} is not the primary any more"))),
        }
        connection.set_response_timeout(self.timeout);
        Ok(connection)
    }

    fn share(&self) -> Duration {
        self.timeout / SHARES_OF_TIMEOUT
    }

    async fn open(
        &self,
        address: &str,
        login: &RedisConnectionInfo,
        tls: Option<&TlsConnector>,
        timeout: Duration,
    ) -> Result<MultiplexedConnection, StoreError> {
        let connected = open(address, login, tls, timeout).await;
        connected.map_err(|error| StoreError::NotConnected(format!("redis {address}: {error}")))
    }
}

fn login(username: Option<&str>, password: Option<&Secret>) -> RedisConnectionInfo {
    let mut login = RedisConnectionInfo::default();
    if let Some(username) = username {
        login = login.set_username(username);
    }
    if let Some(password) = password {
        login = login.set_password(password.reveal());
    }
    login
}
