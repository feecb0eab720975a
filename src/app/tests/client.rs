use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

use super::server::Server;

/// A browser with one tab: follows nothing, keeps the session cookie, opens a connection a request.
#[derive(Clone)]
pub struct Client {
    address: SocketAddr,
    pub sid: Option<String>,
    pub token: Option<String>,
    pub accept: &'static str,
}

pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Client {
    pub fn of(server: &Server) -> Self {
        Self::at(server.address)
    }

    pub fn at(address: SocketAddr) -> Self {
        Self { address, sid: None, token: None, accept: "text/html" }
    }

    /// A client logged in by form as `user` at `server`.
    pub fn logged_in(server: &Server, user: &str) -> Self {
        let mut client = Self::of(server);
        let reply = client.log_in(user, "open sesame");
        assert_eq!((reply.status, reply.header("location")), (303, Some("/me")), "{}", reply.body);
        client
    }

    pub fn log_in(&mut self, user: &str, password: &str) -> Reply {
        let csrf = self.get("/login").csrf();
        self.send_form("/login", &[("username", user), ("password", password), ("csrf", &csrf)])
    }

    /// The same visitor, sent to another instance.
    pub fn moved_to(mut self, server: &Server) -> Self {
        self.address = server.address;
        self
    }

    pub fn get(&mut self, path: &str) -> Reply {
        self.send("GET", path, None, "")
    }

    pub fn post(&mut self, path: &str, json: Value) -> Reply {
        self.send("POST", path, Some("application/json"), &json.to_string())
    }

    pub fn put(&mut self, path: &str, json: Value) -> Reply {
        self.send("PUT", path, Some("application/json"), &json.to_string())
    }

    pub fn delete(&mut self, path: &str) -> Reply {
        self.send("DELETE", path, None, "")
    }

    pub fn send_form(&mut self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.send("POST", path, Some("application/x-www-form-urlencoded"), &body)
    }

    fn send(&mut self, method: &str, path: &str, content_type: Option<&str>, body: &str) -> Reply {
        let mut request = format!("{method} {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n");
        request += &format!("accept: {}\r\ncontent-length: {}\r\n", self.accept, body.len());
        for (name, value) in [
            ("content-type", content_type.map(str::to_owned)),
            ("cookie", self.sid.as_ref().map(|sid| format!("sid={sid}"))),
            ("authorization", self.token.as_ref().map(|token| format!("Bearer {token}"))),
        ] {
            if let Some(value) = value {
                request += &format!("{name}: {value}\r\n");
            }
        }
        request += "\r\n";
        request += body;
        let reply = exchange(self.address, &request);
        self.keep_cookie(&reply);
        reply
    }

    fn keep_cookie(&mut self, reply: &Reply) {
        for value in reply.all("set-cookie") {
            let Some(sid) = value.split(';').next().and_then(|pair| pair.strip_prefix("sid=")) else { continue };
            self.sid = (!sid.is_empty()).then(|| sid.to_owned());
        }
    }
}

fn exchange(address: SocketAddr, request: &str) -> Reply {
    let mut stream = TcpStream::connect(address).expect("the instance accepts");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a time-out");
    stream.write_all(request.as_bytes()).expect("the instance reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the instance answers");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a whole head");
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|s| s.parse().ok()).expect("a status");
    let headers = lines.filter_map(|line| line.split_once(": ")).map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
    Reply { status, headers, body: body.to_owned() }
}

impl Reply {
    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.body))
    }

    /// The token in a login form.
    pub fn csrf(&self) -> String {
        let (_, rest) = self.body.split_once("name=\"csrf\" value=\"").expect("a login form");
        rest.split('"').next().expect("a value").to_owned()
    }

    /// Whether it sends the visitor to the login page.
    pub fn asks_for_login(&self) -> bool {
        self.status == 303 && self.header("location").is_some_and(|to| to.starts_with("/login"))
    }
}
