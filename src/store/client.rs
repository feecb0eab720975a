use crate::plan::{StoreLocation, StoreLogin};
use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::{
    AsyncConnectionConfig, ConnectionAddr, ErrorKind, IntoConnectionInfo, RedisConnectionInfo, RedisError, RedisResult,
    TlsCertificates,
};
use std::time::Duration;

/// Opens connections to nodes and sentinels of a store, over TLS, as one of its users. Nothing is waited for longer
/// than [`Client::ANSWER_WITHIN`], and nothing is tried twice: whoever asks decides on that.
#[derive(Clone)]
pub struct Client {
    certificates: TlsCertificates,
    /// None: as whoever the store takes a stranger for.
    login: Option<StoreLogin>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("login", &self.login).finish_non_exhaustive()
    }
}

impl Client {
    pub const ANSWER_WITHIN: Duration = Duration::from_millis(500);

    pub fn new(ca_pem: &[u8], login: Option<StoreLogin>) -> Client {
        Client { certificates: TlsCertificates { client_tls: None, root_cert: Some(ca_pem.to_owned()) }, login }
    }

    /// `address` is `host:port`.
    ///
    /// # Errors
    /// It cannot be reached, or does not let this user in.
    pub async fn connect(&self, address: &str) -> RedisResult<MultiplexedConnection> {
        let no_address = || RedisError::from((ErrorKind::InvalidClientConfig, "wanted host:port"));
        let (host, port) = address.rsplit_once(':').ok_or_else(no_address)?;
        let port = port.parse().map_err(|_| no_address())?;
        let mut settings = RedisConnectionInfo::default();
        if let Some(StoreLogin { user, password }) = &self.login {
            settings = settings.set_username(user).set_password(password.expose());
        }
        let info = ConnectionAddr::TcpTls { host: host.to_owned(), port, insecure: false, tls_params: None }
            .into_connection_info()?
            .set_redis_settings(settings)
            .set_tcp_settings(TcpSettings::default().set_nodelay(true));
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(Self::ANSWER_WITHIN))
            .set_response_timeout(Some(Self::ANSWER_WITHIN));
        redis::Client::build_with_tls(info, self.certificates.clone())?
            .get_multiplexed_async_connection_with_config(&config)
            .await
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
        let mut connection = self.connect(sentinel).await?;
        let (host, port): (String, u16) =
            redis::cmd("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME").arg(name).query_async(&mut connection).await?;
        Ok(format!("{host}:{port}"))
    }
}
