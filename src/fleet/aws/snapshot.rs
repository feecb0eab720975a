//! `snapshot`: ElastiCache keeps the store's data aside. It stays after the run: whoever asked for it wants it.

use super::act::refused;
use super::call::CallError;
use super::clients::{Clients, replication_group};
use super::clock::now;
use super::fleet::Aws;
use crate::fleet::FleetError;
use crate::plan::Action;
use std::time::{Duration, UNIX_EPOCH};
use tokio::time::sleep;

const LOOK_EVERY: Duration = Duration::from_secs(10);
const DONE_WITHIN: Duration = Duration::from_secs(60 * 60);

impl Aws {
    pub(super) async fn take_snapshot(&self, action: &Action) -> Result<String, FleetError> {
        let (id, _) = self.store_for(action).await?;
        let wall = self.watch.clock.wall(now()).duration_since(UNIX_EPOCH).unwrap_or_default();
        let name = format!("rushhour-{id}-{}", wall.as_secs());
        let clients = &self.watch.clients;
        clients.create_snapshot(id, &name).await?;
        let begun = now();
        while now() - begun < DONE_WITHIN {
            sleep(LOOK_EVERY).await;
            // Passing trouble is told by whoever watches the store.
            match clients.snapshot_status(&name).await.as_deref() {
                Ok("available") => return Ok(format!("`{name}`, which stays")),
                Ok("failed") => return Err(refused(action, format!("the snapshot `{name}` failed"))),
                _ => {}
            }
        }
        Err(refused(action, format!("the snapshot `{name}` is not there after {} minutes", DONE_WITHIN.as_secs() / 60)))
    }
}

impl Clients {
    async fn create_snapshot(&self, id: &str, name: &str) -> Result<(), CallError> {
        let call = self.call("CreateSnapshot", replication_group(id));
        let asked = self.elasticache.create_snapshot().replication_group_id(id).snapshot_name(name);
        asked.send().await.map(drop).map_err(|error| call.failed(error))
    }

    async fn snapshot_status(&self, name: &str) -> Result<String, CallError> {
        let call = self.call("DescribeSnapshots", format!("the snapshot `{name}`"));
        let answer = self.elasticache.describe_snapshots().snapshot_name(name).send().await;
        let answer = answer.map_err(|error| call.failed(error))?;
        Ok(answer.snapshots().first().and_then(|found| found.snapshot_status.clone()).unwrap_or_default())
    }
}
