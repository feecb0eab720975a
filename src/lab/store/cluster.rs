use super::super::LabError;
use super::super::ports::free_ports;
use super::config::ServerPorts;
use super::servers::{READY_WITHIN, Setup, Started, address};
use crate::plan::StoreLocation;
use futures_util::future::try_join_all;
use std::fmt::Write as _;

/// Nodes of a cluster: the primaries, and a replica of each.
const NODES: usize = 6;
const PRIMARIES: usize = 3;
const SLOTS: usize = 16_384;

/// Someone in a cluster, as its nodes know it.
#[derive(Clone, Debug)]
struct Member {
    id: String,
    port: u16,
    bus: u16,
}

impl Setup<'_> {
    pub(super) async fn cluster(&self, started: &mut Started) -> Result<StoreLocation, LabError> {
        let free = free_ports::<{ 4 * NODES }>()?;
        let relayed = !self.start.plan.store.link_delay.is_zero();
        let ports: Vec<ServerPorts> = (free.chunks_exact(4))
            .map(|free| ServerPorts {
                announced: free[0],
                listening: if relayed { free[1] } else { free[0] },
                plain: self.plain(free[2]),
                bus: Some(free[3]),
                follows: None,
            })
            .collect();
        let id = || format!("{:040x}", rand::random::<u128>());
        let members: Vec<Member> = (ports.iter().zip(free.chunks_exact(4)))
            .map(|(ports, free)| Member { id: id(), port: ports.announced, bus: free[3] })
            .collect();
        for (index, ports) in ports.iter().enumerate() {
            let zone = &self.start.plan.zones[zone_of(index, self.start.plan.zones.len())];
            self.node(started, *ports, zone, Some(&nodes_conf(index, &members)))?;
        }
        let waits = started.nodes.iter().enumerate().map(|(index, node)| async move {
            let port = node.host.port;
            let ready = async {
                self.whole(port).await;
                if index < PRIMARIES {
                    self.in_sync(port, 1).await;
                }
            };
            node.host.until(ready, READY_WITHIN).await
        });
        // For all at once: one whose port is taken has ended, and without it no other is ever ready.
        try_join_all(waits).await?;
        Ok(StoreLocation::Cluster(ports.iter().map(|ports| address(ports.announced)).collect()))
    }

    /// Waits until a node sees all slots served.
    async fn whole(&self, port: u16) {
        let ask = redis::cmd("CLUSTER").arg("INFO").clone();
        self.poll(port, ask, |info| info.contains("cluster_state:ok")).await;
    }
}

/// The zone of a node: primaries in turn, and each one's replica in the zone after its own.
fn zone_of(index: usize, zones: usize) -> usize {
    (index % PRIMARIES + index / PRIMARIES) % zones
}

/// What node `index` knows of its cluster from the start: all members and who has which slots. Left to themselves they
/// would have to be introduced, and to agree.
fn nodes_conf(index: usize, members: &[Member]) -> String {
    let mut text = String::new();
    for (other, Member { id, port, bus }) in members.iter().enumerate() {
        let shard = other % PRIMARIES;
        let myself = if other == index { "myself," } else { "" };
        let (role, primary) = if other == shard { ("master", "-") } else { ("slave", members[shard].id.as_str()) };
        let epoch = shard + 1;
        let _ = write!(text, "{id} 127.0.0.1:{port}@{bus} {myself}{role} {primary} 0 0 {epoch} connected");
        if other == shard {
            let (from, to) = (shard * SLOTS / PRIMARIES, (shard + 1) * SLOTS / PRIMARIES - 1);
            let _ = write!(text, " {from}-{to}");
        }
        text.push('\n');
    }
    let _ = writeln!(text, "vars currentEpoch {PRIMARIES} lastVoteEpoch 0");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_primary_and_its_replica_are_in_different_zones() {
        for zones in 2..=6 {
            for shard in 0..PRIMARIES {
                assert_ne!(zone_of(shard, zones), zone_of(shard + PRIMARIES, zones), "{zones} zones, shard {shard}");
            }
        }
        let of_three: Vec<usize> = (0..NODES).map(|index| zone_of(index, 3)).collect();
        assert_eq!(of_three, [0, 1, 2, 1, 2, 0], "each zone has one primary");
        assert_eq!(zone_of(5, 1), 0);
    }

    #[test]
    fn a_node_knows_all_others_from_the_start() {
        let member =
            |number: u16| Member { id: number.to_string().repeat(40), port: 7000 + number, bus: 7100 + number };
        let members: Vec<Member> = (1..=6).map(member).collect();
        insta::assert_snapshot!(nodes_conf(4, &members));
    }
}
