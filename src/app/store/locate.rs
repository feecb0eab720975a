use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisConnectionInfo,
    RedisResult, TlsCertificates, Value,
};

use super::super::config::{Secret, Sentinels, StoreConfig, StoreLocation, Tls};
use super::super::error::AppError;
use super::redis_store::StoreError;
use super::slots::{SLOTS, Slot, Slots, primary_for, slot_of};

/// A connection to a primary, and what it serves.
#[derive(Debug, Clone)]
pub struct Primary {
    pub slots: Slots,
    pub connection: MultiplexedConnection,
}

/// Knows how to get a connection to whichever Redis is the primary now.
#[derive(Debug)]
pub struct Locator {
    location: StoreLocation,
    login: RedisConnectionInfo,
    sentinel_login: RedisConnectionInfo,
    tls: Option<TlsCertificates>,
    sentinel_tls: bool,
    timeout: Duration,
    /// Which sentinel or node is asked first: the next one each time, so that one that hangs costs one attempt.
    first: AtomicUsize,
    informant: Mutex<Option<Informant>>,
}

/// The node of a cluster that was asked last, who has what. While a shard has no primary each request that wants it asks
/// again: over a connection that is there, or handshakes would take the processor from everybody else.
#[derive(Debug, Clone)]
struct Informant {
    node: String,
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
            StoreLocation::Direct(_) | StoreLocation::Cluster(_) => None,
        };
        Ok(Self {
            location: config.location.clone(),
            login: login(config.username.as_deref(), config.password.as_ref()),
            sentinel_login: login(
                sentinel.and_then(|s| s.username.as_deref()),
                sentinel.and_then(|s| s.password.as_ref()),
            ),
            tls: config.tls.as_ref().map(certificates).transpose()?,
            sentinel_tls: sentinel.is_some_and(|s| s.tls),
            timeout: Duration::from_millis(config.timeout_ms),
            first: AtomicUsize::new(0),
            informant: Mutex::default(),
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
        if let Some(informant) = self.informant() {
            told = self.ask_node(informant, slot).await;
        }
        if told.is_err() {
            for node in self.in_turn(nodes) {
                told = match self.open(node, &self.login, self.tls.as_ref(), self.share()).await {
                    Ok(connection) => {
                        let informant = Informant { node: node.clone(), connection, since: Instant::now() };
                        self.ask_node(informant, slot).await
                    }
                    Err(error) => Err(error),
                };
                if told.is_ok() {
                    break;
                }
            }
        }
        let (primary, slots) = told?;
        let connection = self.open_primary(&primary).await?;
        Ok(Primary { slots, connection })
    }

    /// Not for longer than a request may take: it may be cut off from the others.
    fn informant(&self) -> Option<Informant> {
        let informant = self.informant.lock().unwrap_or_else(PoisonError::into_inner);
        informant.clone().filter(|informant| informant.since.elapsed() < self.timeout)
    }

    fn in_turn<'a>(&self, addresses: &'a [String]) -> impl Iterator<Item = &'a String> {
        let first = self.first.fetch_add(1, Ordering::Relaxed) % addresses.len().max(1);
        addresses.iter().cycle().skip(first).take(addresses.len())
    }

    async fn ask_sentinel(&self, sentinel: &str, master: &str) -> Result<String, StoreError> {
        let tls = self.tls.as_ref().filter(|_| self.sentinel_tls);
        let mut connection = self.open(sentinel, &self.sentinel_login, tls, self.share()).await?;
        let answer: Option<(String, u16)> = redis::cmd("SENTINEL")
            .arg("GET-MASTER-ADDR-BY-NAME")
            .arg(master)
            .query_async(&mut connection)
            .await
            .map_err(|error| StoreError::NotConnected(format!("sentinel {sentinel}: {error}")))?;
        let Some((host, port)) = answer else {
            return Err(StoreError::NotConnected(format!("sentinel {sentinel} knows no primary called {master}")));
        };
        Ok(format!("{host}:{port}"))
    }

    /// Who serves a slot, and what else. A node that answers may be asked again.
    async fn ask_node(&self, mut informant: Informant, slot: Slot) -> Result<(String, Slots), StoreError> {
        let answer: RedisResult<Vec<Value>> =
            redis::cmd("CLUSTER").arg("SLOTS").query_async(&mut informant.connection).await;
        let node = informant.node.clone();
        let not_connected = |reason: String| StoreError::NotConnected(format!("redis {node}: {reason}"));
        *self.informant.lock().unwrap_or_else(PoisonError::into_inner) = answer.is_ok().then_some(informant);
        let answer = answer.map_err(|error| not_connected(error.to_string()))?;
        let host = node.rsplit_once(':').map_or(node.as_str(), |(host, _)| host);
        primary_for(slot, &answer, host).ok_or_else(|| not_connected(format!("nobody serves slot {slot}")))
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
        tls: Option<&TlsCertificates>,
        timeout: Duration,
    ) -> Result<MultiplexedConnection, StoreError> {
        let not_connected = |reason: String| StoreError::NotConnected(format!("redis {address}: {reason}"));
        let (host, port) = address.rsplit_once(':').ok_or_else(|| not_connected("wanted host:port".into()))?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = port.parse().map_err(|_| not_connected(format!("{port:?} is no port")))?;
        let addr = match tls {
            None => ConnectionAddr::Tcp(host, port),
            Some(_) => ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None },
        };
        let info = connection_info(addr, login).map_err(|error| not_connected(error.to_string()))?;
        let client = match tls {
            None => Client::open(info),
            Some(certificates) => Client::build_with_tls(info, certificates.clone()),
        }
        .map_err(|error| not_connected(error.to_string()))?;
        let config =
            AsyncConnectionConfig::new().set_connection_timeout(Some(timeout)).set_response_timeout(Some(timeout));
        client
            .get_multiplexed_async_connection_with_config(&config)
            .await
            .map_err(|error| not_connected(error.to_string()))
    }
}

fn connection_info(addr: ConnectionAddr, login: &RedisConnectionInfo) -> redis::RedisResult<ConnectionInfo> {
    // Commands are small and awaited: held back by Nagle's algorithm each would wait for the last one's
    // acknowledgement.
    Ok(addr
        .into_connection_info()?
        .set_redis_settings(login.clone())
        .set_tcp_settings(TcpSettings::default().set_nodelay(true)))
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

fn certificates(tls: &Tls) -> Result<TlsCertificates, AppError> {
    let root_cert = match &tls.ca_file {
        None => None,
        Some(path) => {
            let refused = |reason: String| AppError::CaFile { path: path.clone(), reason };
            let pem = fs::read(path).map_err(|error| refused(error.to_string()))?;
            if memchr::memmem::find(&pem, b"-----BEGIN CERTIFICATE-----").is_none() {
                return Err(refused("it holds no PEM certificate".into()));
            }
            Some(pem)
        }
    };
    Ok(TlsCertificates { client_tls: None, root_cert })
}
