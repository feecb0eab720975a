use super::super::LabError;
use super::super::certificates::Certificates;
use super::super::guard::Runner;
use super::super::ports::free_ports;
use super::super::private_file::write_private;
use super::config::{self, CANARY_PREFIX, KEY_PREFIX, MASTER_NAME, Passwords, ServerPorts, Watched};
use super::data::Node;
use super::host::Host;
use crate::plan::{Defect, LabPlan, LabStore, RedisAccess, StoreKind, StoreLocation, StoreNode, StoreTransport};
use crate::store::Client;
use futures_util::future::try_join_all;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::sleep;

/// A Redis that is up.
#[derive(Clone, Debug)]
pub(in crate::lab) struct Store {
    pub(in crate::lab) location: StoreLocation,
    pub(in crate::lab) passwords: Passwords,
    pub(super) nodes: Vec<Node>,
    pub(super) sentinels: Vec<Host>,
    pub(super) plan: LabStore,
    pub(super) certificates: Certificates,
    pub(super) runner: Runner,
    /// The last snapshot. Held by whichever action is under way: there is one at a time.
    pub(super) snapshot: Arc<Mutex<Option<PathBuf>>>,
}

/// What a store is started with.
#[derive(Clone, Copy, Debug)]
pub(in crate::lab) struct StoreStart<'a> {
    pub(in crate::lab) plan: &'a LabPlan,
    /// The program that is the store.
    pub(in crate::lab) server: &'a Path,
    /// rushhour itself, which has the relay as a sub-command.
    pub(in crate::lab) rushhour: &'a Path,
    pub(in crate::lab) runner: &'a Runner,
    pub(in crate::lab) certificates: &'a Certificates,
}

/// Nodes of a store that can fail over, and its sentinels.
const NODES: usize = 3;
const SENTINELS: usize = 3;

pub(super) const READY_WITHIN: Duration = Duration::from_secs(20);
const ASK_EVERY: Duration = Duration::from_millis(20);
/// A chosen port can be taken by somebody else before Redis binds it.
const ATTEMPTS: u32 = 4;

impl Store {
    /// Starts the servers and returns once the replicas are in sync and the sentinels agree that they could fail over.
    pub(in crate::lab) async fn start(start: StoreStart<'_>) -> Result<Store, LabError> {
        let mut attempt = 1;
        loop {
            let passwords = Passwords::random();
            let client = Client::new(&start.certificates.ca_pem, Some(passwords.probe_login()));
            let setup = Setup { start, passwords, client, attempt };
            let mut started = Started::default();
            let up = match start.plan.store.kind {
                StoreKind::Single => setup.single(&mut started).await,
                StoreKind::Cluster => setup.cluster(&mut started).await,
                StoreKind::Sentinel => setup.replicated(&mut started).await,
                StoreKind::Dynamodb => Err(LabError::WithoutDynamodb),
            };
            match up {
                Ok(location) => {
                    return Ok(Store {
                        location,
                        passwords: setup.passwords,
                        nodes: started.nodes,
                        sentinels: started.sentinels,
                        plan: start.plan.store.clone(),
                        certificates: start.certificates.clone(),
                        runner: start.runner.clone(),
                        snapshot: Arc::default(),
                    });
                }
                Err(error) if error.is_port_clash() && attempt < ATTEMPTS => {
                    for host in started.nodes.iter().map(|node| &node.host).chain(&started.sentinels) {
                        host.daemons().for_each(|daemon| start.runner.kill(daemon.name()));
                    }
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    pub(in crate::lab) fn hosts(&self) -> impl Iterator<Item = &Host> {
        self.nodes.iter().map(|node| &node.host).chain(&self.sentinels)
    }

    /// How the probe reaches it.
    pub(super) fn access(&self) -> RedisAccess {
        let node = |node: &Node| StoreNode {
            name: node.host.name().to_owned(),
            zone: node.host.zone.clone().unwrap_or_default(),
            address: node.host.address(),
        };
        RedisAccess {
            location: self.location.clone(),
            nodes: self.nodes.iter().map(node).collect(),
            transport: StoreTransport::Tls { ca_pem: Some(self.certificates.ca_pem.clone()) },
            login: Some(self.passwords.probe_login()),
            sentinel_login: Some(self.passwords.probe_login()),
            app_login: Some(self.passwords.app_login()),
            session_prefixes: ["session:", "token:"].map(|kind| format!("{KEY_PREFIX}{kind}")).to_vec(),
            canary_prefix: CANARY_PREFIX.to_owned(),
            wait_for_replicas: self.plan.wait_for_replicas,
        }
    }
}

#[derive(Default)]
pub(super) struct Started {
    pub(super) nodes: Vec<Node>,
    sentinels: Vec<Host>,
}

pub(super) struct Setup<'a> {
    pub(super) start: StoreStart<'a>,
    passwords: Passwords,
    client: Client,
    attempt: u32,
}

impl Setup<'_> {
    async fn single(&self, started: &mut Started) -> Result<StoreLocation, LabError> {
        let [announced, plain] = free_ports()?;
        let ports = ServerPorts { announced, listening: announced, plain: self.plain(plain), bus: None, follows: None };
        self.node(started, ports, self.zone(0), None)?;
        started.nodes[0].host.until(self.answers(announced), READY_WITHIN).await?;
        Ok(StoreLocation::Direct(address(announced)))
    }

    async fn replicated(&self, started: &mut Started) -> Result<StoreLocation, LabError> {
        let [a, b, c, behind @ ..] = free_ports::<{ 3 * NODES + SENTINELS }>()?;
        let [d, e, f, plain @ ..] = behind;
        let [g, h, i, sentinel_ports @ ..] = plain;
        let (announced, behind, plain) = ([a, b, c], [d, e, f], [g, h, i]);
        let relayed = !self.start.plan.store.link_delay.is_zero();
        let ports = |index: usize, follows| ServerPorts {
            announced: announced[index],
            listening: if relayed { behind[index] } else { announced[index] },
            plain: self.plain(plain[index]),
            bus: None,
            follows,
        };
        self.node(started, ports(0, None), self.zone(0), None)?;
        // A replica tries its primary when it starts and then once a second: it must not come too early.
        started.nodes[0].host.until(self.answers(announced[0]), READY_WITHIN).await?;
        for index in 1..NODES {
            self.node(started, ports(index, Some(announced[0])), self.zone(index), None)?;
        }
        let id = || format!("{:040x}", rand::random::<u128>());
        let watched = Watched {
            primary: announced[0],
            replicas: announced[1..].to_vec(),
            sentinels: sentinel_ports.map(|port| (port, id())).to_vec(),
        };
        for index in 0..SENTINELS {
            self.sentinel(started, index, &watched)?;
        }
        let replicas = &started.nodes[1..];
        let in_sync = replicas.iter().map(|Node { host, .. }| async move {
            let ready = async {
                self.in_sync(announced[0], replicas.len()).await;
                // That went from server to server. Everybody else comes by its link.
                self.answers(host.port).await;
            };
            host.until(ready, READY_WITHIN).await
        });
        // For all at once: one whose port is taken has ended, and without it no other is ever ready.
        try_join_all(in_sync).await?;
        let agree = started.sentinels.iter().map(|s| s.until(self.agrees(s.port), READY_WITHIN));
        try_join_all(agree).await?;
        Ok(StoreLocation::Sentinels { addresses: sentinel_ports.map(address).to_vec(), name: MASTER_NAME.to_owned() })
    }

    /// Nodes are spread over the zones in turn.
    fn zone(&self, index: usize) -> &str {
        &self.start.plan.zones[index % self.start.plan.zones.len()]
    }

    pub(super) fn plain(&self, port: u16) -> u16 {
        if self.start.plan.defect == Some(Defect::PlainTextPort) { port } else { 0 }
    }

    /// Starts the next data node. `cluster`: what it knows of the cluster it is in.
    pub(super) fn node(
        &self,
        started: &mut Started,
        ports: ServerPorts,
        zone: &str,
        cluster: Option<&str>,
    ) -> Result<(), LabError> {
        let StoreStart { plan, runner, server: redis_server, rushhour, certificates } = self.start;
        let name = self.unique(&format!("redis-{}", started.nodes.len() + 1));
        let directory = self.directory(&name)?;
        let acl = config::acl(&self.passwords, plan.store.kind, plan.defect);
        let acl = write_private(&directory.join("users.acl"), &acl)?;
        if let Some(known) = cluster {
            write_private(&directory.join(config::NODES_FILE), known)?;
        }
        let config = config::server(ports, &plan.store, &directory, &acl, certificates, &self.passwords);
        let file = write_private(&directory.join("redis.conf"), &config)?;
        let relay = (ports.announced != ports.listening).then(|| {
            let args = [
                "relay".to_owned(),
                format!("--listen={}", address(ports.announced)),
                format!("--to={}", address(ports.listening)),
                format!("--slow-from={}", config::REPLICATION_SOURCE),
                format!("--delay-ms={}", plan.store.link_delay.as_millis()),
            ];
            runner.run(&format!("{name}-link"), rushhour, args.to_vec())
        });
        let server = runner.run(&name, redis_server, vec![file.display().to_string()]);
        let host = Host::new(Some(zone.to_owned()), ports.announced, server, relay);
        started.nodes.push(Node { host, ports, directory, acl });
        Ok(())
    }

    /// Starts a sentinel: one in each zone, and those beyond in none, so that with two zones the third one decides when
    /// either goes dark.
    fn sentinel(&self, started: &mut Started, index: usize, watched: &Watched) -> Result<(), LabError> {
        let StoreStart { plan, runner, server: redis_server, certificates, .. } = self.start;
        let name = self.unique(&format!("sentinel-{}", index + 1));
        let directory = self.directory(&name)?;
        let text = config::sentinel(index, watched, &plan.store, &directory, certificates, &self.passwords);
        let file = write_private(&directory.join("sentinel.conf"), &text)?;
        let args = vec![file.display().to_string(), "--sentinel".to_owned()];
        let server = runner.run(&name, redis_server, args);
        started.sentinels.push(Host::new(plan.zones.get(index).cloned(), watched.sentinels[index].0, server, None));
        Ok(())
    }

    fn directory(&self, name: &str) -> Result<PathBuf, LabError> {
        let directory = self.start.runner.directory().join(name);
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

    pub(super) async fn in_sync(&self, primary: u16, replicas: usize) {
        self.poll(primary, redis::cmd("INFO").arg("replication").clone(), |info| {
            let online = |line: &&str| line.starts_with("slave") && line.contains("state=online");
            info.lines().filter(online).count() == replicas
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
    pub(super) async fn poll(&self, port: u16, ask: redis::Cmd, wanted: impl Fn(&str) -> bool) {
        let mut connection = None;
        loop {
            if connection.is_none() {
                connection = self.client.connect(&address(port)).await.ok();
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

pub(super) fn address(port: u16) -> String {
    format!("127.0.0.1:{port}")
}
