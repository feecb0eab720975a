use super::Told;
use crate::fleet::aws::call::{CallError, CallFailure};
use crate::fleet::aws::clients::{Clients, replication_group};
use aws_sdk_elasticache::types::{
    AuthenticationType, AutomaticFailoverStatus, MultiAzStatus, NodeGroup, TransitEncryptionMode,
};

/// A replication group of ElastiCache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheSetup {
    /// Zones of the nodes of each shard.
    pub shards: Vec<Vec<String>>,
    pub multi_az: bool,
    pub automatic_failover: bool,
    pub in_transit: Encryption,
    pub at_rest: bool,
    /// Days for which automatic snapshots are kept; 0: none is made.
    pub snapshots_kept: u32,
    /// What the service says of its write-ahead log, where it has one: `sync`, `async`, …
    pub durability: Option<String>,
    /// One password for everybody.
    pub has_token: bool,
    /// Users of its user groups.
    pub users: Told<Vec<UserSetup>>,
    /// Redis' `maxmemory-policy`.
    pub eviction: Told<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    Off,
    /// Clients without it are served, too.
    Preferred,
    Required,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserSetup {
    pub name: String,
    /// As `ACL SETUSER` takes it: `on ~* +@all`.
    pub access: String,
    pub without_password: bool,
}

const EVICTION: &str = "maxmemory-policy";

impl Clients {
    pub(super) async fn cache_setup(&self, id: &str) -> Result<CacheSetup, CallError> {
        let group = self.whole_replication_group(id).await?;
        let encryption = match (group.transit_encryption_enabled, &group.transit_encryption_mode) {
            (Some(true), Some(TransitEncryptionMode::Preferred)) => Encryption::Preferred,
            (Some(true), _) => Encryption::Required,
            _ => Encryption::Off,
        };
        Ok(CacheSetup {
            shards: group.node_groups().iter().map(zones).collect(),
            multi_az: group.multi_az == Some(MultiAzStatus::Enabled),
            automatic_failover: group.automatic_failover == Some(AutomaticFailoverStatus::Enabled),
            in_transit: encryption,
            at_rest: group.at_rest_encryption_enabled == Some(true),
            snapshots_kept: group.snapshot_retention_limit.and_then(|days| u32::try_from(days).ok()).unwrap_or(0),
            durability: group.effective_durability.as_ref().map(|mode| mode.as_str().to_owned()),
            has_token: group.auth_token_enabled == Some(true),
            users: self.users(id, group.user_group_ids()).await.map_err(|error| error.to_string()),
            eviction: self.eviction(id, group.member_clusters()).await.map_err(|error| error.to_string()),
        })
    }

    async fn users(&self, id: &str, groups: &[String]) -> Result<Vec<UserSetup>, CallError> {
        if groups.is_empty() {
            return Ok(Vec::new());
        }
        let mut members = Vec::new();
        for group in groups {
            let call = self.call("DescribeUserGroups", format!("the user group `{group}`"));
            let answer = self.elasticache.describe_user_groups().user_group_id(group).send().await;
            let answer = answer.map_err(|error| call.failed(error))?;
            members.extend(answer.user_groups().iter().flat_map(|group| group.user_ids().to_vec()));
        }
        let call = self.call("DescribeUsers", format!("the users of {}", replication_group(id)));
        let asked = self.elasticache.describe_users().into_paginator().items().send();
        let all = asked.collect::<Result<Vec<_>, _>>().await.map_err(|error| call.failed(error))?;
        let ours = all.into_iter().filter(|user| user.user_id.as_ref().is_some_and(|id| members.contains(id)));
        Ok(ours
            .map(|user| UserSetup {
                without_password: user
                    .authentication
                    .is_some_and(|with| with.r#type == Some(AuthenticationType::NoPassword)),
                name: user.user_name.unwrap_or_default(),
                access: user.access_string.unwrap_or_default(),
            })
            .collect())
    }

    async fn eviction(&self, id: &str, nodes: &[String]) -> Result<String, CallError> {
        let call = self.call("DescribeCacheClusters", replication_group(id));
        let asked = self.elasticache.describe_cache_clusters().set_cache_cluster_id(nodes.first().cloned());
        let answer = asked.send().await.map_err(|error| call.failed(error))?;
        let node = answer.cache_clusters().first();
        let parameters = node.and_then(|node| node.cache_parameter_group.as_ref()?.cache_parameter_group_name.clone());
        let parameters = parameters.unwrap_or_default();
        let call = self.call("DescribeCacheParameters", format!("the parameter group `{parameters}`"));
        let asked = self.elasticache.describe_cache_parameters().cache_parameter_group_name(&parameters);
        let all = asked.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await;
        let mut all = all.map_err(|error| call.failed(error))?.into_iter();
        let found = all.find(|parameter| parameter.parameter_name.as_deref() == Some(EVICTION));
        let value = found.and_then(|parameter| parameter.parameter_value);
        value.ok_or_else(|| call.error(CallFailure::NotFound, format!("it has no `{EVICTION}`")))
    }
}

fn zones(shard: &NodeGroup) -> Vec<String> {
    let zone = |node: &aws_sdk_elasticache::types::NodeGroupMember| node.preferred_availability_zone.clone();
    shard.node_group_members().iter().map(|node| zone(node).unwrap_or_default()).collect()
}
