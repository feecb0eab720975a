//! `store-failover`: ElastiCache's own test of it.

use super::act::refused;
use super::call::CallError;
use super::clients::{Clients, replication_group};
use super::clock::now;
use super::fleet::Aws;
use super::permission::permitted;
use super::reading::StoreReading;
use crate::fleet::FleetError;
use crate::plan::Action;
use aws_sdk_elasticache::operation::test_failover::TestFailoverError;
use aws_sdk_elasticache::types::SourceType;
use std::time::{Duration, SystemTime};
use tokio::time::sleep;

const LOOK_EVERY: Duration = Duration::from_secs(5);
/// ElastiCache makes another replica after the fail-over, and is done when that is there.
const DONE_WITHIN: Duration = Duration::from_secs(20 * 60);

impl Aws {
    pub(super) async fn fail_over(&self, action: &Action) -> Result<String, FleetError> {
        let (id, store) = self.store_for(action).await?;
        let since = self.watch.clock.wall(now());
        let shard = store.shards.first().cloned().unwrap_or_default();
        if let Some(reason) = self.watch.clients.test_failover(id, &shard).await? {
            return Err(refused(action, reason));
        }
        let came = self.until_failed_over(id, &store).await.map_err(|reason| refused(action, reason))?;
        // What it did in between is an extra: without it the fail-over is done all the same.
        Ok(match self.watch.clients.store_events(id, since).await {
            Ok(events) if !events.is_empty() => format!("{came}; ElastiCache tells: {}", events.join(", ")),
            _ => came,
        })
    }

    /// The store as it is now, if the action may change it.
    pub(super) async fn store_for(&self, action: &Action) -> Result<(&str, StoreReading), FleetError> {
        let Some(id) = &self.plan.elasticache else {
            return Err(refused(action, "the profile names no `elasticache` under [fleet.aws]"));
        };
        let clients = &self.watch.clients;
        let store = clients.replication_group(id).await?;
        let tags = clients.tags_of_store(&store, id).await?;
        permitted(action.name(), &replication_group(id), &tags).map_err(|reason| refused(action, reason))?;
        Ok((id, store))
    }

    /// The test has another primary, and then as many nodes as before.
    async fn until_failed_over(&self, id: &str, before: &StoreReading) -> Result<String, String> {
        let begun = now();
        let mut under_way = false;
        let was = primary(before);
        loop {
            sleep(LOOK_EVERY).await;
            if now() - begun >= DONE_WITHIN {
                let minutes = DONE_WITHIN.as_secs() / 60;
                return Err(format!("the fail-over is not done after {minutes} minutes"));
            }
            // Passing trouble is told by whoever watches the store.
            let Ok(store) = self.watch.clients.replication_group(id).await else { continue };
            let available = store.status == "available";
            under_way |= !available || primary(&store) != was;
            if under_way && available {
                return Ok(match (was, primary(&store)) {
                    (Some(was), Some(is)) => format!("the primary was {was} and is {is}"),
                    _ => format!("shard {} failed over", before.shards.first().map_or("", String::as_str)),
                });
            }
        }
    }
}

fn primary(store: &StoreReading) -> Option<String> {
    store.nodes.iter().find(|node| node.primary).map(|node| node.id.clone())
}

impl Clients {
    /// Why it is refused, where that is no fault of the call.
    async fn test_failover(&self, id: &str, shard: &str) -> Result<Option<String>, CallError> {
        let call = self.call("TestFailover", replication_group(id));
        let asked = self.elasticache.test_failover().replication_group_id(id).node_group_id(shard);
        let error = match asked.send().await {
            Ok(_) => return Ok(None),
            Err(error) => error,
        };
        let explained = match error.as_service_error() {
            Some(TestFailoverError::ApiCallRateForCustomerExceededFault(_)) => {
                "ElastiCache tests the fail-over of at most 15 shards of an account in 24 hours; try again tomorrow"
            }
            Some(TestFailoverError::InvalidReplicationGroupStateFault(_)) => {
                "the replication group is not `available`: another change of it is under way"
            }
            Some(TestFailoverError::TestFailoverNotAvailableFault(_)) => {
                "the replication group cannot fail over: it needs automatic failover, and a replica"
            }
            _ => return Err(call.failed(error)),
        };
        Ok(Some(format!("{explained} ({})", call.failed(error).said)))
    }

    /// What ElastiCache says that it did since then, oldest first.
    async fn store_events(&self, id: &str, since: SystemTime) -> Result<Vec<String>, CallError> {
        let call = self.call("DescribeEvents", replication_group(id));
        let asked = self.elasticache.describe_events().source_type(SourceType::ReplicationGroup).source_identifier(id);
        let events =
            asked.start_time(since.into()).into_paginator().items().send().collect::<Result<Vec<_>, _>>().await;
        let mut events = events.map_err(|error| call.failed(error))?;
        events.sort_by_key(|event| event.date.map(|date| date.as_nanos()));
        let told = |event: aws_sdk_elasticache::types::Event| {
            let after = SystemTime::try_from(event.date?).ok()?.duration_since(since).unwrap_or_default();
            Some(format!("{} ({:.0} s)", event.message?.trim_end_matches('.'), after.as_secs_f64()))
        };
        Ok(events.into_iter().filter_map(told).collect())
    }

    async fn tags_of_store(&self, store: &StoreReading, id: &str) -> Result<Vec<(String, String)>, CallError> {
        let call = self.call("ListTagsForResource", replication_group(id));
        let answer = self.elasticache.list_tags_for_resource().resource_name(&store.arn).send().await;
        let answer = answer.map_err(|error| call.failed(error))?;
        let tags = answer.tag_list().iter();
        Ok(tags.filter_map(|tag| Some((tag.key.clone()?, tag.value.clone().unwrap_or_default()))).collect())
    }
}
