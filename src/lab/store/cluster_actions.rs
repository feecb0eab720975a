use super::actions::{ASK_EVERY, Outcome, UP_WITHIN, took_over};
use super::data::Node;
use super::servers::{Store, address};
use crate::store::Shard;
use redis::cmd;
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout};

/// A replica that still catches up gives a hand-over up after five seconds (`CLUSTER_MF_TIMEOUT`), and says so only in its log.
const HAND_OVER_GIVEN_UP: Duration = Duration::from_millis(5500);

/// What is done differently where the store is a cluster. Its nodes keep who they are on disk, so one that comes back
/// finds its place by itself.
impl Store {
    /// A replica asks its primary to give its role away, which stops taking writes until the replica has all.
    pub(super) async fn hand_over_in_cluster(&self) -> Outcome {
        let begun = Instant::now();
        let old = self.primary().await?;
        let in_touch = async {
            loop {
                if let Some(replica) = self.replicas_of(old).await?.first() {
                    return Ok::<&Node, String>(replica);
                }
                sleep(ASK_EVERY).await;
            }
        };
        let alone = |_| format!("{} has no replica", old.host.name());
        let replica = timeout(UP_WITHIN, in_touch).await.map_err(alone)??;
        self.ask::<()>(replica, cmd("CLUSTER").arg("FAILOVER")).await?;
        let again = async {
            loop {
                sleep(HAND_OVER_GIVEN_UP).await;
                // Refused by a replica that is the primary by now.
                let _ = self.ask::<()>(replica, cmd("CLUSTER").arg("FAILOVER")).await;
            }
        };
        let new = tokio::select! {
            new = self.new_primary(old) => new?,
            () = again => unreachable!("it asks for as long as there is no new primary"),
        };
        Ok(took_over(new, old, begun))
    }

    /// The replicas that are in touch with a primary.
    async fn replicas_of(&self, primary: &Node) -> Result<Vec<&Node>, String> {
        let role: (String, u64, Vec<(String, u16, String)>) = self.ask(primary, &cmd("ROLE")).await?;
        role.2.iter().map(|(_, port, _)| self.node_at(&address(*port))).collect()
    }

    /// Each primary, with itself and its replicas.
    pub(super) async fn nodes_by_shard(&self) -> Result<Vec<(Shard, &Node, Vec<&Node>)>, String> {
        let mut all = Vec::new();
        for shard in self.shards().await? {
            let primary = self.node_at(&shard.primary)?;
            let replicas = self.replicas_of(primary).await?;
            all.push((shard, primary, [primary].into_iter().chain(replicas).collect()));
        }
        Ok(all)
    }

    /// Starts dead nodes, all at once: the others would take one that comes late for dead.
    pub(super) async fn start_in_cluster(&self, nodes: &[&Node]) -> Result<(), String> {
        for node in nodes {
            self.configure(node, None, &self.plan).map_err(|error| error.to_string())?;
            node.host.start(&self.runner);
        }
        for node in nodes {
            self.until_it_answers(node).await?;
        }
        Ok(())
    }

    /// Waits until these nodes are part of a cluster that works, and replicas among them have what their primaries have.
    pub(super) async fn until_whole(&self, nodes: &[&Node]) -> Result<(), String> {
        let whole = async {
            for node in nodes {
                while !self.is_in_its_place(node).await {
                    sleep(ASK_EVERY).await;
                }
            }
        };
        let late = |_| format!("the cluster did not come together within {} s", UP_WITHIN.as_secs());
        timeout(UP_WITHIN, whole).await.map_err(late)
    }

    async fn is_in_its_place(&self, node: &Node) -> bool {
        let cluster = self.ask::<String>(node, cmd("CLUSTER").arg("INFO")).await;
        let replication = self.ask::<String>(node, cmd("INFO").arg("replication")).await;
        cluster.is_ok_and(|info| info.contains("cluster_state:ok"))
            && replication.is_ok_and(|info| info.contains("role:master") || info.contains("master_link_status:up"))
    }
}
