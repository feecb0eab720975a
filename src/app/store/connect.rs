use std::io;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, ErrorKind, RedisConnectionInfo, RedisError, RedisResult};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::super::config::Tls;
use super::super::error::AppError;

/// Opens a connection to a Redis at `host:port`, within a time that is also that of each answer.
///
/// By hand, for the redis crate would read all certificates that the machine trusts for each connection: while a store is
/// away many are tried, and the processor is wanted for other things then.
///
/// # Errors
/// It cannot be reached in time, or does not let this user in.
pub async fn open(
    address: &str,
    login: &RedisConnectionInfo,
    tls: Option<&TlsConnector>,
    within: Duration,
) -> RedisResult<MultiplexedConnection> {
    let no_address = || RedisError::from((ErrorKind::InvalidClientConfig, "wanted host:port"));
    let (host, _) = address.rsplit_once(':').ok_or_else(no_address)?;
    let connecting = async {
        let stream = TcpStream::connect(address).await?;
        // Commands are small and awaited: held back by Nagle's algorithm each would wait for the last one's
        // acknowledgement.
        stream.set_nodelay(true)?;
        match tls {
            Some(tls) => {
                let name = ServerName::try_from(host.trim_matches(['[', ']'])).map_err(|_| no_address())?;
                over(tls.connect(name.to_owned(), stream).await?, login, within).await
            }
            None => over(stream, login, within).await,
        }
    };
    timeout(within, connecting).await.map_err(io::Error::from)?
}

async fn over(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    login: &RedisConnectionInfo,
    within: Duration,
) -> RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new().set_response_timeout(Some(within));
    let (connection, driver) = MultiplexedConnection::new_with_config(login, stream, config).await?;
    // It ends with the connection's last owner.
    tokio::spawn(driver);
    Ok(connection)
}

/// TLS to servers with certificates of the authority in the file; of those that the machine trusts without one.
///
/// # Errors
/// [`AppError::CaFile`] and [`AppError::Tls`].
pub fn connector(tls: &Tls) -> Result<TlsConnector, AppError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(AppError::Tls)?;
    let config = match &tls.ca_file {
        Some(path) => {
            let refused = |reason: String| AppError::CaFile { path: path.clone(), reason };
            let mut roots = RootCertStore::empty();
            for certificate in CertificateDer::pem_file_iter(path).map_err(|error| refused(error.to_string()))? {
                let certificate = certificate.map_err(|error| refused(error.to_string()))?;
                roots.add(certificate).map_err(|error| refused(error.to_string()))?;
            }
            if roots.is_empty() {
                return Err(refused("it holds no PEM certificate".into()));
            }
            config.with_root_certificates(roots)
        }
        None => {
            let verifier = rustls_platform_verifier::Verifier::new(provider).map_err(AppError::Tls)?;
            config.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
        }
    };
    Ok(TlsConnector::from(Arc::new(config.with_no_client_auth())))
}
