//! A server that says what a test tells it to, byte by byte if need be.

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub struct Request {
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Which request of its connection it is, from 0.
    pub on_connection: usize,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// What to send back.
pub enum Reply {
    /// These bytes, then on with the connection.
    Bytes(Vec<u8>),
    /// These bytes, then the connection is closed.
    Last(Vec<u8>),
    /// These bytes one at a time, with a pause after each, until the other side is gone.
    Drip(Vec<u8>, Duration),
}

impl Reply {
    /// A 200 from the instance `i-1` of zone `a`.
    pub fn ok(body: &str) -> Reply {
        Reply::with("200 OK", "X-Instance: i-1\r\nX-Zone: a\r\n", body)
    }

    pub fn with(status: &str, headers: &str, body: &str) -> Reply {
        let length = body.len();
        Reply::Bytes(format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n\r\n{body}").into_bytes())
    }
}

type Handler = Arc<dyn Fn(&Request) -> Reply + Send + Sync>;

pub struct Server {
    address: SocketAddr,
    stopping: Arc<AtomicBool>,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Server {
    pub fn start(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Server {
        Server::start_on(SocketAddr::from(([127, 0, 0, 1], 0)), None, Arc::new(handler))
    }

    pub fn start_tls(config: Arc<ServerConfig>, handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Server {
        Server::start_on(SocketAddr::from(([127, 0, 0, 1], 0)), Some(config), Arc::new(handler))
    }

    /// A server on the address that another one had.
    pub fn start_at(address: SocketAddr, handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Server {
        Server::start_on(address, None, Arc::new(handler))
    }

    fn start_on(address: SocketAddr, tls: Option<Arc<ServerConfig>>, handler: Handler) -> Server {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let stopping = Arc::new(AtomicBool::new(false));
        let open = Arc::new(Mutex::new(Vec::new()));
        let (stop, connections) = (stopping.clone(), open.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let stream = stream.unwrap();
                connections.lock().unwrap().push(stream.try_clone().unwrap());
                let (handler, tls) = (handler.clone(), tls.clone());
                std::thread::spawn(move || {
                    let closing = stream.try_clone().unwrap();
                    match tls {
                        None => serve(stream, &handler),
                        Some(config) => {
                            serve(StreamOwned::new(ServerConnection::new(config).unwrap(), stream), &handler)
                        }
                    }
                    // The other handle in `open` would keep it open.
                    let _ = closing.shutdown(std::net::Shutdown::Both);
                });
            }
        });
        Server { address, stopping, open }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Closes everything at once, as a process that dies does.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        // Wakes the listener, so that it goes away.
        let _ = TcpStream::connect(self.address);
        for stream in self.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

fn serve(stream: impl Read + Write, handler: &Handler) {
    let mut stream = BufReader::new(stream);
    for on_connection in 0.. {
        let Some(request) = read(&mut stream, on_connection) else { return };
        let written = match handler(&request) {
            Reply::Bytes(bytes) => stream.get_mut().write_all(&bytes).and_then(|()| stream.get_mut().flush()),
            Reply::Last(bytes) => {
                let _ = stream.get_mut().write_all(&bytes);
                let _ = stream.get_mut().flush();
                return;
            }
            Reply::Drip(bytes, pause) => bytes.iter().try_for_each(|byte| {
                stream.get_mut().write_all(&[*byte])?;
                stream.get_mut().flush()?;
                std::thread::sleep(pause);
                Ok(())
            }),
        };
        if written.is_err() {
            return;
        }
    }
}

fn read(stream: &mut impl BufRead, on_connection: usize) -> Option<Request> {
    let line = |stream: &mut dyn BufRead| {
        let mut line = String::new();
        match stream.read_line(&mut line) {
            Ok(read) if read > 0 => Some(line.trim_end().to_owned()),
            _ => None,
        }
    };
    let first = line(stream)?;
    let mut words = first.split(' ').map(str::to_owned);
    let path = words.nth(1)?;
    let mut headers = Vec::new();
    loop {
        let next = line(stream)?;
        if next.is_empty() {
            break;
        }
        let (name, value) = next.split_once(':')?;
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let mut request = Request { path, headers, body: Vec::new(), on_connection };
    let length = request.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    request.body = vec![0; length];
    stream.read_exact(&mut request.body).ok()?;
    Some(request)
}
