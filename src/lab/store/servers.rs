use super::super::LabError;
use super::super::certificates::Certificates;
use super::super::guard::{Daemon, Runner};
use super::super::ports::free_ports;
use super::super::private_file::write_private;
use super::config::{self, MASTER_NAME, Passwords, SENTINELS};
use super::probe::Client;
use crate::plan::Redis;
use std::path::Path;
use std::time::Duration;
use tokio::time::sleep;

/// A store that is up.
#[derive(Clone, Debug)]
pub(in crate::lab) struct Store {
    pub(in crate::lab) location: Location,
    pub(in crate::lab) passwords: Passwords,
    pub(in crate::lab) daemons: Vec<Daemon>,
    pub(super) client: Client,
}

/// Where to find the primary: addresses as `host:port`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::lab) enum Location {
    Direct(String),
    Sentinels(Vec<String>),
}

const READY_WITHIN: Duration = Duration::from_secs(20);
const ASK_EVERY: Duration = Duration::from_millis(20);
/// A chosen port can be taken by somebody else before Redis binds it.
const ATTEMPTS: u32 = 4;

impl Store {
    /// Starts the servers and returns once the replica is in sync and the sentinels agree that they could fail over.
    pub(in crate::lab) async fn start(
        kind: Redis,
        program: &Path,
        runner: &Runner,
        certificates: &Certificates,
    ) -> Result<Store, LabError> {
        let mut attempt = 1;
        loop {
            let setup = Setup {
                program,
                runner,
                certificates,
                passwords: Passwords::random(),
                client: Client::new(&certificates.ca_pem),
                attempt,
            };
            let mut daemons = Vec::new();
            let started = match kind {
                Redis::Single => setup.single(&mut daemons).await,
                Redis::Sentinel => setup.replicated(&mut daemons).await,
            };
            match started {
                Ok(location) => {
                    let Setup { passwords, client, .. } = setup;
                    return Ok(Store { location, passwords, daemons, client });
                }
                Err(error) if error.is_port_clash() && attempt < ATTEMPTS => {
                    daemons.iter().for_each(|daemon| runner.kill(daemon.name()));
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

struct Setup<'a> {
    program: &'a Path,
    runner: &'a Runner,
    certificates: &'a Certificates,
    passwords: Passwords,
    client: Client,
    attempt: u32,
}

impl Setup<'_> {
    async fn single(&self, daemons: &mut Vec<Daemon>) -> Result<Location, LabError> {
        let [port] = free_ports()?;
        let server = self.server("redis", port, None)?;
        daemons.push(server.clone());
        server.until(self.answers(port), READY_WITHIN).await?;
        Ok(Location::Direct(address(port)))
    }

    async fn replicated(&self, daemons: &mut Vec<Daemon>) -> Result<Location, LabError> {
        let [primary_port, replica_port, sentinel_ports @ ..] = free_ports::<{ 2 + SENTINELS }>()?;
        let primary = self.server("redis-primary", primary_port, None)?;
        daemons.push(primary.clone());
        // A replica tries its primary when it starts and then once a second: it must not come too early.
        primary.until(self.answers(primary_port), READY_WITHIN).await?;
        let replica = self.server("redis-replica", replica_port, Some(primary_port))?;
        daemons.push(replica.clone());
        let ids: [String; SENTINELS] = std::array::from_fn(|_| format!("{:040x}", rand::random::<u128>()));
        let mut sentinels = Vec::new();
        for index in 0..SENTINELS {
            let name = format!("sentinel-{}", index + 1);
            let directory = self.directory(&name)?;
            let text = config::sentinel(
                index,
                &sentinel_ports,
                &ids,
                (primary_port, replica_port),
                &directory,
                self.certificates,
                &self.passwords,
            );
            let file = write_private(&directory.join("sentinel.conf"), &text)?;
            let args = vec![file.display().to_string(), "--sentinel".to_owned()];
            let daemon = self.runner.run(&self.unique(&name), self.program, args);
            daemons.push(daemon.clone());
            sentinels.push((daemon, sentinel_ports[index]));
        }
        replica.until(self.in_sync(primary_port), READY_WITHIN).await?;
        for (sentinel, port) in &sentinels {
            sentinel.until(self.agrees(*port), READY_WITHIN).await?;
        }
        Ok(Location::Sentinels(sentinel_ports.map(address).to_vec()))
    }

    fn server(&self, name: &str, port: u16, primary: Option<u16>) -> Result<Daemon, LabError> {
        let directory = self.directory(name)?;
        let acl = write_private(&directory.join("users.acl"), &config::acl(&self.passwords))?;
        let text = config::server(port, primary, &directory, &acl, self.certificates, &self.passwords);
        let file = write_private(&directory.join("redis.conf"), &text)?;
        Ok(self.runner.run(&self.unique(name), self.program, vec![file.display().to_string()]))
    }

    fn directory(&self, name: &str) -> Result<std::path::PathBuf, LabError> {
        let directory = self.runner.directory().join(self.unique(name));
        std::fs::create_dir(&directory).map_err(LabError::io(format!("make {}", directory.display())))?;
        Ok(directory)
    }

    /// Names of a later attempt differ from those of the one before, which may still be ending.
    fn unique(&self, name: &str) -> String {
        match self.attempt {
            1 => name.to_owned(),
            again => format!("{name}-{again}"),
        }
    }

    async fn answers(&self, port: u16) {
        self.poll(port, redis::cmd("PING"), |_| true).await;
    }

    async fn in_sync(&self, primary: u16) {
        self.poll(primary, redis::cmd("INFO").arg("replication").clone(), |info| {
            info.lines().any(|line| line.starts_with("slave0:") && line.contains("state=online"))
        })
        .await;
    }

    /// The answer to CKQUORUM is an error unless enough sentinels can be reached; all are to be.
    async fn agrees(&self, sentinel: u16) {
        let ask = redis::cmd("SENTINEL").arg("CKQUORUM").arg(MASTER_NAME).clone();
        let all = format!("OK {SENTINELS} usable");
        self.poll(sentinel, ask, |answer| answer.starts_with(&all)).await;
    }

    /// Asks until the answer is as wanted; connections that fail and errors are asked again.
    async fn poll(&self, port: u16, ask: redis::Cmd, wanted: impl Fn(&str) -> bool) {
        let mut connection = None;
        loop {
            if connection.is_none() {
                connection = self.client.connect(&address(port), &self.passwords).await.ok();
            }
            if let Some(open) = &mut connection {
                match ask.query_async::<String>(open).await {
                    Ok(answer) if wanted(&answer) => return,
                    Ok(_) => {}
                    Err(error) if error.is_io_error() => connection = None,
                    Err(_) => {}
                }
            }
            sleep(ASK_EVERY).await;
        }
    }
}

fn address(port: u16) -> String {
    format!("127.0.0.1:{port}")
}
