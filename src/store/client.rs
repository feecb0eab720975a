use super::shards::{Shard, shards};
use crate::plan::{RedisAccess, StoreLocation, StoreLogin, StoreTransport};
use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::{
    AsyncConnectionConfig, ConnectionAddr, ErrorKind, IntoConnectionInfo, RedisConnectionInfo, RedisError, RedisResult,
    TlsCertificates, Value,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Opens connections to nodes and sentinels of a store, as one of its users. Nothing is waited for longer than
/// [`Client::ANSWER_WITHIN`], and nothing is tried twice: whoever asks decides on that.
#[derive(Clone)]
pub struct Client {
    /// None: in plain text.
    certificates: Option<TlsCertificates>,
    /// None: as whoever the store takes a stranger for.
    login: Option<StoreLogin>,
    /// Which sentinel or node is asked first: the one that answered last, for another may hang.
    first: Arc<AtomicUsize>,
    sentinel_login: Option<StoreLogin>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("login", &self.login).finish_non_exhaustive()
    }
}

impl Client {
    pub const ANSWER_WITHIN: Duration = Duration::from_millis(500);

    /// A user of nodes and sentinels alike, over TLS.
    pub fn new(ca_pem: &[u8], login: Option<StoreLogin>) -> Client {
        let certificates = TlsCertificates { client_tls: None, root_cert: Some(ca_pem.to_owned()) };
        Client { certificates: Some(certificates), sentinel_login: login.clone(), login, first: Arc::default() }
    }

    /// The probe.
    pub fn of(access: &RedisAccess) -> Client {
        Client { sentinel_login: access.sentinel_login.clone(), ..Client::stranger(access, access.login.clone()) }
    }

    /// Anybody who comes to the nodes of a store.
    pub fn stranger(access: &RedisAccess, login: Option<StoreLogin>) -> Client {
        let certificates = match &access.transport {
            StoreTransport::Tls { ca_pem } => Some(TlsCertificates { client_tls: None, root_cert: ca_pem.clone() }),
            StoreTransport::Plain => None,
        };
        Client { certificates, login, sentinel_login: None, first: Arc::default() }
    }

    /// `address` is `host:port`.
    ///
    /// # Errors
    /// It cannot be reached, or does not let this user in.
    pub async fn connect(&self, address: &str) -> RedisResult<MultiplexedConnection> {
        self.connect_as(address, self.login.as_ref()).await
    }

    /// The same, to a sentinel.
    ///
    /// # Errors
    /// As with [`Client::connect`].
    pub async fn connect_to_sentinel(&self, address: &str) -> RedisResult<MultiplexedConnection> {
        self.connect_as(address, self.sentinel_login.as_ref()).await
    }

    async fn connect_as(&self, address: &str, login: Option<&StoreLogin>) -> RedisResult<MultiplexedConnection> {
        let no_address = || RedisError::from((ErrorKind::InvalidClientConfig, "wanted host:port"));
        let (host, port) = address.rsplit_once(':').ok_or_else(no_address)?;
        let port = port.parse().map_err(|_| no_address())?;
        let host = host.trim_matches(['[', ']']).to_owned();
        let mut settings = RedisConnectionInfo::default();
        if let Some(StoreLogin { user, password }) = login {
            settings = settings.set_username(user).set_password(password.expose());
        }
        let address = match self.certificates {
            Some(_) => ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None },
            None => ConnectionAddr::Tcp(host, port),
        };
        let info = address
            .into_connection_info()?
            .set_redis_settings(settings)
            .set_tcp_settings(TcpSettings::default().set_nodelay(true));
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(Self::ANSWER_WITHIN))
            .set_response_timeout(Some(Self::ANSWER_WITHIN));
        let client = match &self.certificates {
            Some(certificates) => redis::Client::build_with_tls(info, certificates.clone())?,
            None => redis::Client::open(info)?,
        };
        client.get_multiplexed_async_connection_with_config(&config).await
    }

    /// The primary, or that of a cluster's first shard.
    ///
    /// # Errors
    /// As [`Client::shards`].
    pub async fn primary(&self, location: &StoreLocation) -> RedisResult<String> {
        let no_shard = || RedisError::from((ErrorKind::Client, "no node of the cluster has any slot"));
        self.shards(location).await?.into_iter().next().map(|shard| shard.primary).ok_or_else(no_shard)
    }

    /// The primaries, as the first sentinel or node that answers knows them.
    ///
    /// # Errors
    /// Nobody answers who could know.
    pub async fn shards(&self, location: &StoreLocation) -> RedisResult<Vec<Shard>> {
        let addresses = match location {
            StoreLocation::Direct(address) => return Ok(vec![Shard::whole(address.clone())]),
            StoreLocation::Sentinels { addresses, .. } | StoreLocation::Cluster(addresses) => addresses,
        };
        let mut failure = RedisError::from((ErrorKind::Client, "nobody is known who could be asked for the primary"));
        let first = self.first.load(Ordering::Relaxed);
        for turn in first..first + addresses.len() {
            let address = &addresses[turn % addresses.len()];
            let answer = match location {
                StoreLocation::Sentinels { name, .. } => {
                    self.ask_sentinel(address, name).await.map(|primary| vec![Shard::whole(primary)])
                }
                _ => self.ask_node(address).await,
            };
            match answer {
                Ok(shards) => {
                    self.first.store(turn % addresses.len(), Ordering::Relaxed);
                    return Ok(shards);
                }
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    async fn ask_sentinel(&self, sentinel: &str, name: &str) -> RedisResult<String> {
        let mut connection = self.connect_to_sentinel(sentinel).await?;
        let (host, port): (String, u16) =
            redis::cmd("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME").arg(name).query_async(&mut connection).await?;
        Ok(format!("{host}:{port}"))
    }

    async fn ask_node(&self, node: &str) -> RedisResult<Vec<Shard>> {
        let mut connection = self.connect(node).await?;
        let answer: Vec<Value> = redis::cmd("CLUSTER").arg("SLOTS").query_async(&mut connection).await?;
        Ok(shards(&answer))
    }
}
