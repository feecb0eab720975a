use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::Url;

/// Asks a site one question at a time, each on a connection of its own: what a new visitor would get.
#[derive(Clone)]
pub(super) struct Site {
    pub url: Url,
    tls: Option<TlsConnector>,
}

pub(super) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

const ANSWER_WITHIN: Duration = Duration::from_secs(5);
const LONGEST_BODY: usize = 1 << 20;

impl Site {
    /// `ca`: a certificate authority (PEM) to be trusted.
    ///
    /// # Errors
    /// What is wrong with the URL or the authority.
    pub(super) fn new(url: &str, ca: Option<&Path>) -> Result<Site, String> {
        let url = Url::parse(url).map_err(|error| format!("{url}: {error}"))?;
        let tls = match (url.scheme(), ca) {
            ("https", Some(ca)) => Some(trusting(ca)?),
            ("https", None) => return Err("no certificate authority to trust is known".to_owned()),
            _ => None,
        };
        Ok(Site { url, tls })
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.tls.is_some()
    }

    pub(super) async fn get(&self, path: &str, cookie: Option<&str>) -> Result<Answer, String> {
        self.ask(Method::GET, path, cookie, None).await
    }

    /// `form`: names and values.
    pub(super) async fn post(&self, path: &str, cookie: Option<&str>, form: &[(&str, &str)]) -> Result<Answer, String> {
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        self.ask(Method::POST, path, cookie, Some(form)).await
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        cookie: Option<&str>,
        form: Option<String>,
    ) -> Result<Answer, String> {
        let host = self.url.host_str().unwrap_or_default();
        let port = self.url.port_or_known_default().unwrap_or(80);
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, format!("{host}:{port}"))
            .header(header::ACCEPT, "text/html");
        if let Some(cookie) = cookie {
            request = request.header(header::COOKIE, cookie);
        }
        if form.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        let request =
            request.body(Full::new(Bytes::from(form.unwrap_or_default()))).map_err(|error| error.to_string())?;
        let answer = async {
            let stream = TcpStream::connect((host, port)).await.map_err(|error| error.to_string())?;
            match &self.tls {
                None => send(TokioIo::new(stream), request).await,
                Some(tls) => {
                    let name = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
                    let stream = tls.connect(name, stream).await.map_err(|error| error.to_string())?;
                    send(TokioIo::new(stream), request).await
                }
            }
        };
        timeout(ANSWER_WITHIN, answer).await.unwrap_or_else(|_| Err(format!("{path}: no answer within 5 s")))
    }
}

async fn send(
    io: impl hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> Result<Answer, String> {
    let told = |error: hyper::Error| error.to_string();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.map_err(told)?;
    tokio::spawn(connection);
    let (head, body) = sender.send_request(request).await.map_err(told)?.into_parts();
    let body = Limited::new(body, LONGEST_BODY).collect().await.map_err(|error| error.to_string())?.to_bytes();
    let body = String::from_utf8_lossy(&body).into_owned();
    Ok(Answer { status: head.status, headers: head.headers, body })
}

fn trusting(ca: &Path) -> Result<TlsConnector, String> {
    let told = |error: &dyn std::fmt::Display| format!("{}: {error}", ca.display());
    let certificate = rustls::pki_types::CertificateDer::from_pem_file(ca).map_err(|error| told(&error))?;
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate).map_err(|error| told(&error))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| told(&error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(super) fn cookies(&self) -> impl Iterator<Item = &str> {
        self.headers.get_all(header::SET_COOKIE).iter().filter_map(|value| value.to_str().ok())
    }

    /// The whole `Set-Cookie` line of the session cookie: the one that is no affinity cookie of a balancer.
    pub(super) fn session_cookie(&self) -> Option<&str> {
        self.cookies().find(|cookie| !is_affinity(cookie))
    }
}

/// Names that balancers give to theirs.
pub(super) fn is_affinity(cookie: &str) -> bool {
    ["AWSALB", "AWSELB", "SERVERID", "ROUTEID", "JSESSIONID_ROUTE"].iter().any(|name| cookie.starts_with(name))
}
