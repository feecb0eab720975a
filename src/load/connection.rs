//! Connections that a session owns: when one is opened, to which balancer address, how old it is and when it must
//! be replaced is what this tool is about, and a pooled client hides it.

use super::nudge::Nudge;
use super::target::{Origin, TargetError};
use super::tls;
use crate::plan::{ConnectionMode, Plan};
use bytes::Bytes;
use hickory_resolver::TokioResolver;
use http_body_util::Full;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rand::RngExt as _;
use rustls::pki_types::ServerName;
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_util::either::Either;

type Io = TokioIo<Either<TcpStream, Box<TlsStream<TcpStream>>>>;
pub type RequestBody = Full<Bytes>;

/// An open connection.
pub struct Connection {
    pub link: Link,
    pub address: SocketAddr,
    expires: Option<Instant>,
    requests_left: u32,
}

pub enum Link {
    /// Driven by the slot that owns it: no task of its own, so an idle connection costs only its buffers.
    Http1 {
        sender: http1::SendRequest<RequestBody>,
        driver: Http1Driver,
    },
    Http2(http2::SendRequest<RequestBody>),
}

/// The part of an HTTP/1.1 connection that moves bytes.
pub struct Http1Driver {
    /// None once the connection has ended.
    connection: Option<Pin<Box<http1::Connection<Io, RequestBody>>>>,
    pub nudge: Arc<Nudge>,
    /// Of the nudge.
    waker: Waker,
}

impl Http1Driver {
    fn new(connection: http1::Connection<Io, RequestBody>, task: &Waker) -> Http1Driver {
        let nudge = Nudge::new(task);
        Http1Driver { connection: Some(Box::pin(connection)), waker: nudge.clone().into(), nudge }
    }

    /// Moves bytes both ways, and has the connection's task woken when there are more. Whether the connection has
    /// ended.
    pub fn has_ended(&mut self) -> bool {
        if let Some(connection) = &mut self.connection
            && connection.as_mut().poll(&mut Context::from_waker(&self.waker)).is_ready()
        {
            self.connection = None;
        }
        self.connection.is_none()
    }

    /// Whether the connection has ended since it was last driven. One that nobody has woken since is as it was.
    fn has_ended_meanwhile(&mut self) -> bool {
        if self.nudge.take() { self.has_ended() } else { self.connection.is_none() }
    }
}

impl Connection {
    /// Whether the next request may go over it by the connection mode's limits.
    pub fn is_fresh(&self) -> bool {
        self.requests_left > 0 && self.expires.is_none_or(|expires| Instant::now() < expires)
    }

    /// Whether the other side has closed it.
    pub fn is_closed(&mut self) -> bool {
        match &mut self.link {
            Link::Http1 { driver, .. } => driver.has_ended_meanwhile(),
            Link::Http2(sender) => sender.is_closed(),
        }
    }

    pub fn is_http2(&self) -> bool {
        matches!(self.link, Link::Http2(_))
    }

    pub fn count_request(&mut self) {
        self.requests_left -= 1;
    }
}

/// Opens connections for one load thread.
pub struct Connector {
    tls: tokio_rustls::TlsConnector,
    /// None where this machine has no DNS configured; addresses and `localhost` still work.
    resolver: Option<TokioResolver>,
    mode: ConnectionMode,
    turn: AtomicUsize,
    /// Addresses that names were seen to stand for.
    seen: Mutex<BTreeSet<SocketAddr>>,
}

impl Connector {
    pub fn new(plan: &Plan) -> Result<Connector, TargetError> {
        let tls = tls::client_config(plan.target.ca_file.as_deref(), plan.connections.http)?;
        Ok(Connector {
            tls: tls.into(),
            resolver: TokioResolver::builder_tokio().and_then(|builder| builder.build()).ok(),
            mode: plan.connections.mode,
            turn: AtomicUsize::new(0),
            seen: Mutex::default(),
        })
    }

    /// Opens a connection to one of the origin's addresses, taking them in turn and trying the others when one
    /// does not answer.
    pub async fn open(&self, origin: &Origin) -> Result<Connection, TargetError> {
        let addresses = self.resolve(origin).await?;
        let first = self.turn.fetch_add(1, Relaxed);
        let mut last_error = None;
        for at in 0..addresses.len() {
            let address = SocketAddr::new(addresses[(first + at) % addresses.len()], origin.port);
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    // Nagle's delay would be measured as the server's.
                    let _ = stream.set_nodelay(true);
                    return self.greet(origin, address, stream).await;
                }
                Err(error) => last_error = Some((address, error)),
            }
        }
        let (address, error) = last_error.expect("a name that resolves has at least one address");
        Err(TargetError::Connect { address: address.to_string(), reason: error.to_string() })
    }

    async fn resolve(&self, origin: &Origin) -> Result<Vec<IpAddr>, TargetError> {
        if let Ok(address) = origin.host.parse() {
            return Ok(vec![address]);
        }
        let unresolved = |reason: String| TargetError::Resolve { host: origin.host.clone(), reason };
        let Some(resolver) = &self.resolver else {
            return match origin.host.as_str() {
                "localhost" => Ok(vec![IpAddr::from([127, 0, 0, 1])]),
                _ => Err(unresolved("this machine has no DNS configured".to_owned())),
            };
        };
        let found = resolver.lookup_ip(&*origin.host).await.map_err(|e| unresolved(e.to_string()))?;
        let addresses: Vec<IpAddr> = found.iter().collect();
        if addresses.is_empty() {
            return Err(unresolved("it has no address".to_owned()));
        }
        let mut seen = self.seen.lock().expect("no holder of this lock panics");
        seen.extend(addresses.iter().map(|ip| SocketAddr::new(*ip, origin.port)));
        Ok(addresses)
    }

    /// Addresses that names stood for so far.
    pub fn seen_addresses(&self) -> Vec<SocketAddr> {
        self.seen.lock().expect("no holder of this lock panics").iter().copied().collect()
    }

    async fn greet(&self, origin: &Origin, address: SocketAddr, tcp: TcpStream) -> Result<Connection, TargetError> {
        let failed = |reason: String| TargetError::Handshake { host: origin.host.clone(), reason };
        let (io, h2) = if origin.https {
            let name = ServerName::try_from(origin.host.clone()).map_err(|e| failed(e.to_string()))?;
            let stream = self.tls.connect(name, tcp).await.map_err(|e| failed(e.to_string()))?;
            let h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            (Either::Right(Box::new(stream)), h2)
        } else {
            (Either::Left(tcp), false)
        };
        let io = TokioIo::new(io);
        let link = if h2 {
            let (sender, driver) = http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .handshake(io)
                .await
                .map_err(|e| failed(e.to_string()))?;
            // Its end is seen by the sender; there is nobody else to tell.
            tokio::spawn(async move { drop(driver.await) });
            Link::Http2(sender)
        } else {
            // Requests are small: one buffer costs less than a list of them.
            let (sender, connection) =
                http1::Builder::new().writev(false).handshake(io).await.map_err(|e| failed(e.to_string()))?;
            let task = std::future::poll_fn(|context| Poll::Ready(context.waker().clone())).await;
            Link::Http1 { sender, driver: Http1Driver::new(connection, &task) }
        };
        let (expires, requests_left) = self.limits();
        Ok(Connection { link, address, expires, requests_left })
    }

    /// When the connection must be replaced. With a mode that rotates, each connection draws its own limits, so that
    /// they don't all go at once.
    fn limits(&self) -> (Option<Instant>, u32) {
        match self.mode {
            ConnectionMode::Browser | ConnectionMode::Pinned => (None, u32::MAX),
            ConnectionMode::PerRequest => (None, 1),
            ConnectionMode::Rotate { max_age, max_requests, jitter } => {
                let spread = |rng: &mut rand::rngs::ThreadRng| 1.0 + jitter * rng.random_range(-1.0..=1.0);
                let mut rng = rand::rng();
                let age = Duration::from_secs_f64(max_age.as_secs_f64() * spread(&mut rng));
                let requests = (f64::from(max_requests) * spread(&mut rng)).round().max(1.0) as u32;
                (Some(Instant::now() + age), requests)
            }
        }
    }
}
