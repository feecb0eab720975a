use super::super::LabError;
use super::config::{Affinity, BACKEND};
use super::stat::{Stat, parse};
use std::io;
use std::path::PathBuf;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::{Instant, sleep, timeout};

/// HAProxy's control socket ("Runtime API").
#[derive(Clone, Debug)]
pub(in crate::lab) struct Control {
    socket: PathBuf,
    health_interval: Duration,
    affinity: Affinity,
}

/// The weight of a server that gets its full share, so that shares of a hundredth can be told.
pub(in crate::lab) const FULL_WEIGHT: u32 = 100;

const ANSWER_WITHIN: Duration = Duration::from_secs(2);
const DELETE_WITHIN: Duration = Duration::from_secs(5);
const DELETE_EVERY: Duration = Duration::from_millis(50);

impl Control {
    pub(super) fn new(socket: PathBuf, health_interval: Duration, affinity: Affinity) -> Control {
        Control { socket, health_interval, affinity }
    }

    /// Adds a server that gets its first request only after two health checks have passed.
    ///
    /// HAProxy (2.6) takes a server that leaves maintenance for healthy until a check says otherwise, and does not
    /// check while it is in maintenance. So it leaves maintenance by way of `drain`, in which it gets nothing, is
    /// declared down there, and only then made ready: from here on HAProxy's own checks raise it.
    pub(in crate::lab) async fn add(&self, server: &str, address: &str, weight: u32) -> Result<(), LabError> {
        let every = self.health_interval.as_millis();
        let it = format!("{BACKEND}/{server}");
        // A server added at run time has no dynamic cookie until the cookies of all are made again.
        let cookie = match self.affinity {
            Affinity::Cookie => format!("enable dynamic-cookie backend {BACKEND}; "),
            Affinity::None => String::new(),
        };
        let added = self
            .command(&format!(
                "add server {it} {address} weight {weight} check inter {every}ms rise 2 fall 2; {cookie}enable health {it}; \
                 set server {it} state drain; set server {it} health down; set server {it} state ready"
            ))
            .await?;
        // Each refusal is a line; only the first command has something to say when it is obeyed.
        if added == "New server registered." { Ok(()) } else { Err(self.refused(&format!("add server {it}"), added)) }
    }

    /// The server's share of new requests, over the sum of all weights.
    pub(in crate::lab) async fn set_weight(&self, server: &str, weight: u32) -> Result<(), LabError> {
        self.obeyed(&format!("set server {BACKEND}/{server} weight {weight}")).await
    }

    /// No new requests to this server, except those that carry its affinity cookie.
    pub(in crate::lab) async fn drain(&self, server: &str) -> Result<(), LabError> {
        self.obeyed(&format!("set server {BACKEND}/{server} state drain")).await
    }

    /// Forgets a server that has ended.
    pub(in crate::lab) async fn delete(&self, server: &str) -> Result<(), LabError> {
        let it = format!("{BACKEND}/{server}");
        self.obeyed(&format!("set server {it} state maint")).await?;
        let deadline = Instant::now() + DELETE_WITHIN;
        loop {
            // Refused for as long as a connection to it exists.
            let answer = self.command(&format!("shutdown sessions server {it}; del server {it}")).await?;
            if answer.contains("Server deleted.") || answer.contains("No such server.") {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(self.refused(&format!("del server {it}"), answer));
            }
            sleep(DELETE_EVERY).await;
        }
    }

    /// What HAProxy sees of its servers.
    pub(in crate::lab) async fn stat(&self) -> Result<Stat, LabError> {
        // 6 = 2 (backends) + 4 (servers).
        let command = format!("show stat {BACKEND} 6 -1");
        let answer = self.command(&command).await?;
        parse(&answer).ok_or_else(|| self.refused(&command, answer))
    }

    async fn obeyed(&self, command: &str) -> Result<(), LabError> {
        let answer = self.command(command).await?;
        if answer.is_empty() { Ok(()) } else { Err(self.refused(command, answer)) }
    }

    fn refused(&self, command: &str, mut answer: String) -> LabError {
        if let Some((end, _)) = answer.char_indices().nth(200) {
            answer.truncate(end);
        }
        LabError::Balancer { command: command.to_owned(), answer }
    }

    /// Sends a line and reads the whole answer; HAProxy closes the connection after it.
    async fn command(&self, line: &str) -> Result<String, LabError> {
        let talk = async {
            let mut stream = UnixStream::connect(&self.socket).await?;
            stream.write_all(format!("{line}\n").as_bytes()).await?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await?;
            // Answers to several commands in a line are set apart by empty lines.
            let lines: Vec<&str> = answer.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
            Ok(lines.join("\n"))
        };
        let answer = timeout(ANSWER_WITHIN, talk).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        answer.map_err(LabError::io("ask HAProxy on its control socket"))
    }
}
