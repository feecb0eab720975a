use super::shards::{Shard, shards};
use crate::plan::{RedisAccess, StoreLocation, StoreLogin, StoreTransport};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, ErrorKind, RedisConnectionInfo, RedisError, RedisResult, Value};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// Opens connections to nodes and sentinels of a store, as one of its users. Nothing is waited for longer than
/// [`Client::ANSWER_WITHIN`] unless it is [`Client::patient`], and nothing is tried twice: whoever asks decides on that.
#[derive(Clone)]
pub struct Client {
    /// None: in plain text. What is wrong with the authority is told whoever connects.
    ///
    /// The connections are opened here, for the redis crate would read all certificates that the machine trusts for each
    /// one. While a store is away many are tried.
    tls: Option<RedisResult<TlsConnector>>,
    /// None: as whoever the store takes a stranger for.
    login: Option<StoreLogin>,
    /// The sentinel or node that answered last. It is asked first, for another may hang, and over the same connection:
    /// while there is no primary it is asked over and over.
    informant: Arc<Mutex<Informant>>,
    sentinel_login: Option<StoreLogin>,
    within: Duration,
}

#[derive(Default)]
struct Informant {
    index: usize,
    connection: Option<MultiplexedConnection>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("login", &self.login).finish_non_exhaustive()
    }
}

impl Client {
    pub const ANSWER_WITHIN: Duration = Duration::from_millis(500);
    const PATIENCE: Duration = Duration::from_secs(5);

    /// A user of nodes and sentinels alike, over TLS.
    pub fn new(ca_pem: &[u8], login: Option<StoreLogin>) -> Client {
        Client {
            tls: Some(connector(Some(ca_pem))),
            sentinel_login: login.clone(),
            login,
            informant: Arc::default(),
            within: Self::ANSWER_WITHIN,
        }
    }

    /// The probe.
    pub fn of(access: &RedisAccess) -> Client {
        Client { sentinel_login: access.sentinel_login.clone(), ..Client::stranger(access, access.login.clone()) }
    }

    /// Anybody who comes to the nodes of a store.
    pub fn stranger(access: &RedisAccess, login: Option<StoreLogin>) -> Client {
        let tls = match &access.transport {
            StoreTransport::Tls { ca_pem } => Some(connector(ca_pem.as_deref())),
            StoreTransport::Plain => None,
        };
        Client { tls, login, sentinel_login: None, informant: Arc::default(), within: Self::ANSWER_WITHIN }
    }

    /// For questions that are asked once, and whose answer is worth waiting for: of a store that is far away, or busy.
    pub fn patient(self) -> Client {
        Client { within: Self::PATIENCE, ..self }
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
        let (host, _) = address.rsplit_once(':').ok_or_else(no_address)?;
        let mut settings = RedisConnectionInfo::default();
        if let Some(StoreLogin { user, password }) = login {
            settings = settings.set_username(user).set_password(password.expose());
        }
        let connecting = async {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            match &self.tls {
                Some(tls) => {
                    let name = ServerName::try_from(host.trim_matches(['[', ']'])).map_err(|_| no_address())?;
                    let stream = tls.clone()?.connect(name.to_owned(), stream).await?;
                    open(stream, &settings, self.within).await
                }
                None => open(stream, &settings, self.within).await,
            }
        };
        timeout(self.within, connecting).await.map_err(io::Error::from)?
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
        let mut informant = self.informant.lock().await;
        let first = informant.index;
        for turn in first..first + addresses.len() {
            let index = turn % addresses.len();
            let open = if index == first { informant.connection.take() } else { None };
            match self.ask(location, &addresses[index], open).await {
                Ok((shards, connection)) => {
                    *informant = Informant { index, connection: Some(connection) };
                    return Ok(shards);
                }
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    async fn ask(
        &self,
        location: &StoreLocation,
        address: &str,
        open: Option<MultiplexedConnection>,
    ) -> RedisResult<(Vec<Shard>, MultiplexedConnection)> {
        let by_sentinels = matches!(location, StoreLocation::Sentinels { .. });
        let mut connection = match open {
            Some(open) => open,
            None if by_sentinels => self.connect_to_sentinel(address).await?,
            None => self.connect(address).await?,
        };
        let shards = match location {
            StoreLocation::Sentinels { name, .. } => {
                let question = redis::cmd("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME").arg(name).to_owned();
                let (host, port): (String, u16) = question.query_async(&mut connection).await?;
                vec![Shard::whole(format!("{host}:{port}"))]
            }
            _ => {
                let answer: Vec<Value> = redis::cmd("CLUSTER").arg("SLOTS").query_async(&mut connection).await?;
                shards(&answer)
            }
        };
        Ok((shards, connection))
    }
}

async fn open(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    settings: &RedisConnectionInfo,
    within: Duration,
) -> RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new().set_response_timeout(Some(within));
    let (connection, driver) = MultiplexedConnection::new_with_config(settings, stream, config).await?;
    // It ends with the connection's last owner.
    tokio::spawn(driver);
    Ok(connection)
}

/// TLS to servers with certificates of this authority; of those that the machine trusts without one.
fn connector(ca_pem: Option<&[u8]>) -> RedisResult<TlsConnector> {
    let unusable = |what: &'static str, error: &dyn std::fmt::Display| {
        RedisError::from((ErrorKind::InvalidClientConfig, what, error.to_string()))
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable("TLS cannot be used", &error))?;
    let config = if let Some(pem) = ca_pem {
        let unusable = |error: &dyn std::fmt::Display| unusable("the certificate authority cannot be used", error);
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            roots.add(certificate.map_err(|error| unusable(&error))?).map_err(|error| unusable(&error))?;
        }
        config.with_root_certificates(roots)
    } else {
        let verifier = rustls_platform_verifier::Verifier::new(provider)
            .map_err(|error| unusable("the machine's certificate authorities cannot be used", &error))?;
        config.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
    };
    Ok(TlsConnector::from(Arc::new(config.with_no_client_auth())))
}
