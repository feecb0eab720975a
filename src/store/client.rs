use crate::plan::{StoreAccess, StoreLocation, StoreLogin, StoreTransport};
use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::{
    AsyncConnectionConfig, ConnectionAddr, ErrorKind, IntoConnectionInfo, RedisConnectionInfo, RedisError, RedisResult,
    TlsCertificates,
};
use std::time::Duration;

/// Opens connections to nodes and sentinels of a store, as one of its users. Nothing is waited for longer than
/// [`Client::ANSWER_WITHIN`], and nothing is tried twice: whoever asks decides on that.
#[derive(Clone)]
pub struct Client {
    /// None: in plain text.
    certificates: Option<TlsCertificates>,
    /// None: as whoever the store takes a stranger for.
    login: Option<StoreLogin>,
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
        Client { certificates: Some(certificates), sentinel_login: login.clone(), login }
    }

    /// The probe.
    pub fn of(access: &StoreAccess) -> Client {
        Client { sentinel_login: access.sentinel_login.clone(), ..Client::stranger(access, access.login.clone()) }
    }

    /// Anybody who comes to the nodes of a store.
    pub fn stranger(access: &StoreAccess, login: Option<StoreLogin>) -> Client {
        let certificates = match &access.transport {
            StoreTransport::Tls { ca_pem } => Some(TlsCertificates { client_tls: None, root_cert: ca_pem.clone() }),
            StoreTransport::Plain => None,
        };
        Client { certificates, login, sentinel_login: None }
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

    /// The address of the primary, as the first sentinel that answers knows it.
    ///
    /// # Errors
    /// No sentinel answers.
    pub async fn primary(&self, location: &StoreLocation) -> RedisResult<String> {
        let (addresses, name) = match location {
            StoreLocation::Direct(address) => return Ok(address.clone()),
            StoreLocation::Sentinels { addresses, name } => (addresses, name),
        };
        let mut failure = RedisError::from((ErrorKind::Client, "no sentinel is known"));
        for sentinel in addresses {
            match self.ask_sentinel(sentinel, name).await {
                Ok(address) => return Ok(address),
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
}
