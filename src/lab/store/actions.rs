use super::data::Node;
use super::host::Host;
use super::servers::Store;
use crate::fleet::NoticeSender;
use crate::history::{EventKind, EventSource, Notice};
use crate::plan::{Action, Failover, LabStore, Outage, Persistence, StoreLocation};
use crate::store::{Client, Shard};
use futures_util::future::join_all;
use redis::aio::MultiplexedConnection;
use redis::{Cmd, FromRedisValue, InfoDict, Value, cmd};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout};

/// Beyond `down_after`: election, promotion, and the timers of those who elect.
const FAILOVER_WITHIN: Duration = Duration::from_secs(15);
pub(super) const UP_WITHIN: Duration = Duration::from_secs(10);
pub(super) const ASK_EVERY: Duration = Duration::from_millis(20);
/// What stops users for as long as it is asked, less often.
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(500);
/// Longer than a handover takes; it is ended before that.
const WRITES_PAUSED: Duration = Duration::from_secs(10);

const CANNOT_FAIL_OVER: &str = "a single server has none to fail over to";

/// What went wrong, for whoever reads the events.
pub(super) type Outcome = Result<String, String>;

/// What the timeline does to the store. One action at a time: two would undo each other.
impl Store {
    pub(in crate::lab) async fn apply(&self, action: &Action, notices: &NoticeSender) -> Outcome {
        let Ok(mut snapshot) = self.snapshot.try_lock() else {
            return Err("another action on the store is under way".to_owned());
        };
        match action {
            Action::StoreFailover { how: Failover::Graceful } => self.hand_over().await,
            Action::StoreFailover { how: Failover::Kill } => self.kill_primary().await,
            Action::StoreOutage => Ok(self.freeze_all()),
            Action::StoreRecovery => self.revive(|host| !host.is_dark()).await,
            Action::StoreRestart => self.restart(notices).await,
            Action::Snapshot | Action::Restore if self.is_cluster() => {
                Err("the primaries of a cluster have no common moment that a snapshot could hold".to_owned())
            }
            Action::Snapshot => {
                *snapshot = Some(self.take_snapshot(notices).await?);
                Ok(String::new())
            }
            Action::Restore => {
                let taken = snapshot.as_ref().ok_or("there is no snapshot: the timeline needs `snapshot` before")?;
                self.restore(taken.clone(), notices).await
            }
            Action::Evict { policy, memory_share } => self.limit_memory(*policy, *memory_share, notices).await,
            other => Err(format!("the store cannot do `{}`", other.name())),
        }
    }

    /// The zone's nodes and its sentinel go dark.
    pub(in crate::lab) async fn zone_goes_dark(&self, zone: &str, how: Outage) {
        for host in self.hosts().filter(|host| host.is_in(zone)) {
            host.darken(true);
            match how {
                Outage::Kill => host.kill(&self.runner).await,
                Outage::Freeze => host.freeze(&self.runner),
            }
        }
    }

    /// They come back, as replicas of whoever is the primary by then.
    pub(in crate::lab) async fn zone_comes_back(&self, zone: &str) -> Outcome {
        self.hosts().filter(|host| host.is_in(zone)).for_each(|host| host.darken(false));
        self.revive(|host| host.is_in(zone)).await
    }

    pub(super) fn operator(&self) -> Client {
        Client::new(&self.certificates.ca_pem, Some(self.passwords.operator_login()))
    }

    pub(super) async fn shards(&self) -> Result<Vec<Shard>, String> {
        self.operator().shards(&self.location).await.map_err(|error| format!("who is the primary? {error}"))
    }

    pub(super) fn node_at(&self, address: &str) -> Result<&Node, String> {
        let node = self.nodes.iter().find(|node| node.host.address() == address);
        node.ok_or_else(|| format!("{address} is no node of this store"))
    }

    /// The primary, as the sentinels know it; that of the first shard, as a cluster does.
    pub(super) async fn primary(&self) -> Result<&Node, String> {
        let shards = self.shards().await?;
        self.node_at(&shards.first().ok_or("no node of the cluster has any slot")?.primary)
    }

    pub(super) fn is_cluster(&self) -> bool {
        matches!(self.location, StoreLocation::Cluster(_))
    }

    async fn connect(&self, node: &Node) -> Result<MultiplexedConnection, String> {
        let failed = |error| format!("{} cannot be reached: {error}", node.host.name());
        self.operator().connect(&node.host.address()).await.map_err(failed)
    }

    pub(super) async fn ask<T: FromRedisValue>(&self, node: &Node, command: &Cmd) -> Result<T, String> {
        let mut connection = self.connect(node).await?;
        command.query_async(&mut connection).await.map_err(|error| format!("{}: {error}", node.host.name()))
    }

    pub(super) async fn info(&self, node: &Node, section: &str) -> Result<InfoDict, String> {
        self.ask(node, cmd("INFO").arg(section)).await
    }

    async fn hand_over(&self) -> Outcome {
        match &self.location {
            StoreLocation::Direct(_) => Err(CANNOT_FAIL_OVER.to_owned()),
            StoreLocation::Sentinels { addresses, .. } => self.hand_over_by_sentinels(addresses).await,
            StoreLocation::Cluster(_) => self.hand_over_in_cluster().await,
        }
    }

    /// The primary gives its role away. `SENTINEL FAILOVER` alone does not stop it from taking writes, and those that it
    /// acknowledges until it learns that it is none any more are lost: an operator who means well pauses them first, and
    /// tells it right after.
    async fn hand_over_by_sentinels(&self, sentinels: &[String]) -> Outcome {
        let old = self.primary().await?;
        let begun = self.begin_failover(old, sentinels).await?;
        let new = match self.new_primary(old).await {
            Ok(new) => new,
            Err(error) => {
                let _ = self.unpause(old).await;
                return Err(error);
            }
        };
        self.ask::<()>(old, cmd("REPLICAOF").arg("127.0.0.1").arg(new.host.port)).await?;
        self.ask::<Value>(old, cmd("CLIENT").arg("KILL").arg("TYPE").arg("NORMAL")).await?;
        self.unpause(old).await?;
        Ok(took_over(new, old, begun))
    }

    /// Pauses writes and has a sentinel begin. For a moment after a failover or a start sentinels have not heard from any
    /// replica, and refuse (`NOGOODSLAVE`), or have not done with the last one: they are asked again, and users write
    /// meanwhile. Returns when the last pause began.
    async fn begin_failover(&self, old: &Node, sentinels: &[String]) -> Result<Instant, String> {
        self.until_replicas_follow(old).await;
        let first = Instant::now();
        loop {
            let begun = Instant::now();
            let pause = WRITES_PAUSED.as_millis() as u64;
            self.ask::<()>(old, cmd("CLIENT").arg("PAUSE").arg(pause).arg("WRITE")).await?;
            let Err(error) = self.ask_a_sentinel(sentinels).await else { return Ok(begun) };
            self.unpause(old).await?;
            if first.elapsed() > UP_WITHIN {
                return Err(error);
            }
            sleep(ASK_AGAIN_AFTER).await;
        }
    }

    /// Sentinels also choose a replica that has just started. While it loads what the primary sent it does not hear that it
    /// is promoted, and they wait for it in vain.
    async fn until_replicas_follow(&self, primary: &Node) {
        let follows = async |node: &Node| {
            let info = self.info(node, "replication").await;
            info.is_ok_and(|info| info.get::<String>("master_link_status").as_deref() == Some("up"))
        };
        let all_follow = async {
            for node in self.nodes.iter().filter(|node| node.host.port != primary.host.port) {
                while node.host.runs() && !follows(node).await {
                    sleep(ASK_EVERY).await;
                }
            }
        };
        // One that hangs does not; the others may.
        let _ = timeout(UP_WITHIN, all_follow).await;
    }

    async fn unpause(&self, node: &Node) -> Result<(), String> {
        self.ask(node, cmd("CLIENT").arg("UNPAUSE")).await
    }

    async fn ask_a_sentinel(&self, sentinels: &[String]) -> Result<(), String> {
        let mut failure = "no sentinel answers".to_owned();
        for address in sentinels {
            let asked = async {
                let mut sentinel = self.operator().connect(address).await?;
                cmd("SENTINEL").arg("FAILOVER").arg(super::MASTER_NAME).query_async::<()>(&mut sentinel).await
            };
            match asked.await {
                Ok(()) => return Ok(()),
                Err(error) => failure = format!("sentinel {address}: {error}"),
            }
        }
        Err(failure)
    }

    async fn kill_primary(&self) -> Outcome {
        if let StoreLocation::Direct(_) = self.location {
            return Err(CANNOT_FAIL_OVER.to_owned());
        }
        let old = self.primary().await?;
        let begun = Instant::now();
        old.host.kill(&self.runner).await;
        let new = self.new_primary(old).await?;
        Ok(took_over(new, old, begun))
    }

    /// Waits until another primary than `old` is named, and is one.
    pub(super) async fn new_primary(&self, old: &Node) -> Result<&Node, String> {
        let waiting = async {
            loop {
                if let Ok(node) = self.primary().await
                    && node.host.port != old.host.port
                    && let Ok((role, ..)) = self.ask::<(String, Value, Value)>(node, &cmd("ROLE")).await
                    && role == "master"
                {
                    return node;
                }
                sleep(ASK_EVERY).await;
            }
        };
        let within = self.plan.down_after + FAILOVER_WITHIN;
        let late = |_| format!("no replica took over from {} within {} s", old.host.name(), within.as_secs());
        timeout(within, waiting).await.map_err(late)
    }

    fn freeze_all(&self) -> String {
        self.nodes.iter().for_each(|node| node.host.freeze(&self.runner));
        format!("{} nodes hang", self.nodes.len())
    }

    /// Brings back what hangs or is dead: nodes as replicas of the primary, which comes first if it is among them. Sentinels
    /// come last, if others are there to ask: one that was away takes whoever was the primary then for the primary, and a
    /// node would come back beside the real one.
    async fn revive(&self, wanted: impl Fn(&Host) -> bool) -> Outcome {
        let hosts: Vec<&Host> = self.hosts().filter(|host| wanted(host)).collect();
        hosts.iter().for_each(|host| host.thaw(&self.runner));
        let dead: Vec<&Host> = hosts.iter().copied().filter(|host| !host.runs()).collect();
        let start_sentinels = || {
            for sentinel in self.sentinels.iter().filter(|host| wanted(host) && !host.runs()) {
                sentinel.start(&self.runner);
            }
        };
        if !self.sentinels.iter().any(Host::runs) {
            start_sentinels();
        }
        let mut nodes: Vec<&Node> = self.nodes.iter().filter(|n| wanted(&n.host) && !n.host.runs()).collect();
        if self.is_cluster() {
            self.start_in_cluster(&nodes).await?;
            self.until_whole(&self.nodes.iter().filter(|n| wanted(&n.host)).collect::<Vec<_>>()).await?;
        } else if !nodes.is_empty() {
            let primary = self.eventually_the_primary().await?;
            nodes.sort_by_key(|node| node.host.port != primary.host.port);
            for node in nodes {
                let follows = (node.host.port != primary.host.port).then_some(primary.host.port);
                self.start_node(node, follows, &self.plan).await?;
            }
        }
        start_sentinels();
        let names: Vec<&str> = dead.iter().map(|host| host.name()).collect();
        Ok(if names.is_empty() { "all go on".to_owned() } else { format!("{} started again", names.join(", ")) })
    }

    /// Sentinels that were just started take a moment to answer.
    async fn eventually_the_primary(&self) -> Result<&Node, String> {
        let begun = Instant::now();
        loop {
            match self.primary().await {
                Ok(primary) => return Ok(primary),
                Err(error) if begun.elapsed() > UP_WITHIN => return Err(error),
                Err(_) => sleep(ASK_EVERY).await,
            }
        }
    }

    async fn start_node(&self, node: &Node, follows: Option<u16>, plan: &LabStore) -> Result<(), String> {
        self.configure(node, follows, plan).map_err(|error| error.to_string())?;
        node.host.start(&self.runner);
        self.until_it_answers(node).await
    }

    pub(super) async fn until_it_answers(&self, node: &Node) -> Result<(), String> {
        let answers = async {
            while self.ask::<String>(node, &cmd("PING")).await.is_err() {
                sleep(ASK_EVERY).await;
            }
        };
        node.host.until(answers, UP_WITHIN).await.map_err(|error| error.to_string())
    }

    /// Stops all nodes that run in good order and starts them with what they persisted.
    async fn restart(&self, notices: &NoticeSender) -> Outcome {
        let begun = Instant::now();
        let primary = if self.is_cluster() { None } else { Some(self.primary().await?) };
        if let Some(primary) = primary.filter(|primary| !primary.host.runs()) {
            return Err(format!("the primary, {}, does not run", primary.host.name()));
        }
        let nodes: Vec<&Node> = self.nodes.iter().filter(|n| n.host.runs() && !n.host.is_dark()).collect();
        let again = async {
            // At once: those that are left would take the others for dead and elect.
            join_all(nodes.iter().map(|node| self.shut_down(node))).await;
            match primary {
                Some(primary) => self.start_all(primary, &nodes, &self.plan).await,
                None => {
                    self.start_in_cluster(&nodes).await?;
                    self.until_whole(&nodes).await
                }
            }
        };
        self.unwatched(again).await?;
        let kept = self.plan.persistence != Persistence::None;
        let took_us = begun.elapsed().as_micros() as u64;
        self.tell(notices, EventKind::StoreRestarted { kept, took_us });
        Ok(if kept { "with what was persisted" } else { "empty, for nothing is persisted" }.to_owned())
    }

    /// Without sentinels: one that sees the primary go and is late to see it back promotes a replica, and there are two.
    async fn unwatched<T>(&self, done: impl Future<Output = Result<T, String>>) -> Result<T, String> {
        let sentinels: Vec<&Host> = self.sentinels.iter().filter(|sentinel| sentinel.runs()).collect();
        for sentinel in &sentinels {
            sentinel.kill(&self.runner).await;
        }
        let done = done.await;
        sentinels.iter().for_each(|sentinel| sentinel.start(&self.runner));
        let done = done?;
        if !self.is_cluster() {
            self.eventually_the_primary().await?;
        }
        Ok(done)
    }

    /// Ends a server in good order; one that hangs is killed.
    async fn shut_down(&self, node: &Node) {
        node.host.expect_end();
        let save = if self.plan.persistence == Persistence::Snapshot { "SAVE" } else { "NOSAVE" };
        let asked = async {
            loop {
                // It ends instead of answering, unless it is too busy with its disk to do so now.
                let _ = self.ask::<()>(node, cmd("SHUTDOWN").arg(save).arg("NOW")).await;
                sleep(ASK_AGAIN_AFTER).await;
            }
        };
        let mut server = node.host.server.clone();
        let ended = async {
            tokio::select! {
                _ = server.ended() => {}
                () = asked => {}
            }
        };
        if timeout(UP_WITHIN, ended).await.is_err() {
            node.host.kill(&self.runner).await;
        }
    }

    /// Has a node keep its log. One that is given all data by its primary refuses for that long.
    async fn keep_log(&self, node: &Node) -> Result<(), String> {
        let begun = Instant::now();
        loop {
            match self.ask::<()>(node, cmd("CONFIG").arg("SET").arg("appendonly").arg("yes")).await {
                Err(_) if begun.elapsed() < UP_WITHIN => sleep(ASK_EVERY).await,
                kept => return kept,
            }
        }
    }

    /// The primary first, with the data it finds; the others come to have what it has.
    async fn start_all(&self, primary: &Node, nodes: &[&Node], plan: &LabStore) -> Result<(), String> {
        self.start_node(primary, None, plan).await?;
        for node in nodes.iter().filter(|node| node.host.port != primary.host.port) {
            self.start_node(node, Some(primary.host.port), plan).await?;
        }
        Ok(())
    }

    /// The snapshot holds the moment at which the primary forked: some time between asking and the answer.
    async fn take_snapshot(&self, notices: &NoticeSender) -> Result<PathBuf, String> {
        let primary = self.primary().await?;
        let begun = Instant::now();
        // Refused while a replica is given all data.
        let asked = loop {
            let asked = Instant::now();
            match self.ask::<Value>(primary, &cmd("BGSAVE")).await {
                Ok(_) => break asked,
                Err(_) if begun.elapsed() < UP_WITHIN => sleep(ASK_EVERY).await,
                Err(error) => return Err(error),
            }
        };
        let node = primary.host.name().to_owned();
        let forked = Notice::now(EventSource::Provider, EventKind::StoreSnapshotTaken { node });
        let forked = Notice { resolution: asked.elapsed(), ..forked };
        let saved = async {
            loop {
                let info = self.info(primary, "persistence").await?;
                if info.get::<u8>("rdb_bgsave_in_progress") == Some(0) {
                    return Ok::<Option<String>, String>(info.get("rdb_last_bgsave_status"));
                }
                sleep(ASK_EVERY).await;
            }
        };
        match timeout(UP_WITHIN, saved).await {
            Ok(Ok(Some(status))) if status == "ok" => {}
            Ok(Err(error)) => return Err(error),
            Ok(Ok(status)) => return Err(format!("{} could not save: {status:?}", primary.host.name())),
            Err(_) => return Err(format!("{} did not save within {} s", primary.host.name(), UP_WITHIN.as_secs())),
        }
        let kept = self.runner.directory().join("snapshot.rdb");
        std::fs::copy(primary.snapshot(), &kept).map_err(|error| format!("the snapshot cannot be copied: {error}"))?;
        let _ = notices.send(forked);
        Ok(kept)
    }

    /// Everything is lost, and what a snapshot kept comes back.
    async fn restore(&self, snapshot: PathBuf, notices: &NoticeSender) -> Outcome {
        let primary = self.primary().await?;
        if primary.host.is_dark() {
            return Err(format!("the primary, {}, is in a dark zone", primary.host.name()));
        }
        let begun = Instant::now();
        let restoring = async {
            for node in &self.nodes {
                node.host.kill(&self.runner).await;
                node.wipe().map_err(|error| format!("{} cannot be wiped: {error}", node.host.name()))?;
            }
            // Whatever was answered sooner came from what is lost now, and what comes later from the snapshot.
            let lost = Instant::now();
            primary.place(&snapshot).map_err(|error| format!("the snapshot cannot be put back: {error}"))?;
            let nodes: Vec<&Node> = self.nodes.iter().filter(|node| !node.host.is_dark()).collect();
            // A server that is to keep a log would read that and not the snapshot.
            let first = LabStore { persistence: Persistence::Snapshot, ..self.plan.clone() };
            self.start_all(primary, &nodes, &first).await?;
            if self.plan.persistence == Persistence::AppendOnly {
                for node in nodes {
                    self.keep_log(node).await?;
                }
            }
            Ok(lost)
        };
        let lost = self.unwatched(restoring).await?;
        self.tell(notices, EventKind::StoreRestored { took_us: lost.elapsed().as_micros() as u64 });
        Ok(format!("{} has the snapshot, after {:.1} s", primary.host.name(), begun.elapsed().as_secs_f64()))
    }

    /// Each primary, with itself and its replicas as far as they run.
    pub(super) async fn primaries_with_their_nodes(&self) -> Result<Vec<(Shard, &Node, Vec<&Node>)>, String> {
        if self.is_cluster() {
            return self.nodes_by_shard().await;
        }
        let running = self.nodes.iter().filter(|node| node.host.runs()).collect();
        let shard = self.shards().await?.remove(0);
        let primary = self.node_at(&shard.primary)?;
        Ok(vec![(shard, primary, running)])
    }

    pub(super) fn tell(&self, notices: &NoticeSender, kind: EventKind) {
        let _ = notices.send(Notice::now(EventSource::Provider, kind));
    }
}

pub(super) fn took_over(new: &Node, old: &Node, begun: Instant) -> String {
    let seconds = begun.elapsed().as_secs_f64();
    format!("{} took over from {} after {seconds:.1} s", new.host.name(), old.host.name())
}
