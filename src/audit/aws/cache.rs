use super::judge::Look;
use crate::audit::check::{Check, Practice};
use crate::fleet::aws::{CacheSetup, Encryption};
use std::collections::BTreeSet;

pub(super) const LOOKS: [Look<CacheSetup>; 7] = [
    (
        Practice {
            name: "ElastiCache: nodes over zones",
            why: "with all nodes of a shard in one zone, the zone's outage takes its sessions with it",
            remedy: "give each shard a replica, and switch Multi-AZ on",
        },
        zones,
    ),
    (
        Practice {
            name: "ElastiCache: automatic failover",
            why: "without it a store that has lost its primary is away until somebody wakes up",
            remedy: "switch automatic failover on; it needs a replica",
        },
        |practice, cache| practice.holds(cache.automatic_failover, on(cache.automatic_failover)),
    ),
    (
        Practice {
            name: "ElastiCache: encrypted in transit",
            why: "session data and passwords can be read on the way",
            remedy: "switch encryption in transit on, with the mode `required`",
        },
        in_transit,
    ),
    (
        Practice {
            name: "ElastiCache: encrypted at rest",
            why: "a disk or a snapshot in wrong hands is everybody's session",
            remedy: "encryption at rest is chosen when a replication group is made: make another, with it",
        },
        |practice, cache| practice.holds(cache.at_rest, on(cache.at_rest)),
    ),
    (
        Practice {
            name: "ElastiCache: access control",
            why: "whoever reaches the store's port reads and writes every session",
            remedy: "use a user group whose user `default` is off or has a password, and an own user for the application",
        },
        access,
    ),
    (
        Practice {
            name: "ElastiCache: snapshots",
            why: "what is in memory only is gone when all nodes are, or when somebody deletes it by mistake",
            remedy: "keep automatic snapshots for at least a day",
        },
        snapshots,
    ),
    (
        Practice {
            name: "ElastiCache: eviction policy fit for sessions",
            why: "an evicted session is a user who is asked to log in for no reason",
            remedy: "use a parameter group with `maxmemory-policy` `noeviction`, and an alarm on the memory in use",
        },
        |practice, cache| match &cache.eviction {
            Ok(policy) => practice.holds(policy == "noeviction", policy.as_str()),
            Err(why) => practice.unknown(why.clone()),
        },
    ),
];

fn on(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

fn zones(practice: Practice, cache: &CacheSetup) -> Check {
    let spread = |shard: &Vec<String>| shard.iter().collect::<BTreeSet<_>>().len() >= 2;
    let told: Vec<String> = cache.shards.iter().map(|shard| shard.join(" and ")).collect();
    let told = format!("{}; Multi-AZ is {}", told.join(", "), on(cache.multi_az));
    practice.holds(cache.multi_az && !cache.shards.is_empty() && cache.shards.iter().all(spread), told)
}

fn in_transit(practice: Practice, cache: &CacheSetup) -> Check {
    practice.holds(
        cache.in_transit == Encryption::Required,
        match cache.in_transit {
            Encryption::Off => "off",
            Encryption::Preferred => "preferred: clients in plain text are served, too",
            Encryption::Required => "required",
        },
    )
}

fn access(practice: Practice, cache: &CacheSetup) -> Check {
    let users = match &cache.users {
        Ok(users) => users,
        Err(why) => return practice.unknown(why.clone()),
    };
    if users.is_empty() {
        let told =
            if cache.has_token { "one password for everybody (AUTH token)" } else { "neither users nor a password" };
        return practice.holds(cache.has_token, told);
    }
    // The first word of an access string switches a user on or off.
    let is_off = |access: &str| access.split_whitespace().any(|word| word == "off");
    let open: Vec<&str> = users
        .iter()
        .filter(|user| user.without_password && !is_off(&user.access))
        .map(|user| user.name.as_str())
        .collect();
    match open.as_slice() {
        [] => {
            let names: Vec<&str> = users.iter().map(|user| user.name.as_str()).collect();
            practice.holds(true, format!("users {}, none without a password", names.join(", ")))
        }
        open => practice.holds(false, format!("no password is needed for {}", open.join(", "))),
    }
}

fn snapshots(practice: Practice, cache: &CacheSetup) -> Check {
    let durable = cache.durability.as_deref().filter(|mode| *mode != "disabled");
    let log = durable.map_or(String::new(), |mode| format!("; write-ahead log: {mode}"));
    let told = match cache.snapshots_kept {
        0 => format!("none{log}"),
        1 => format!("kept for a day{log}"),
        days => format!("kept for {days} days{log}"),
    };
    practice.holds(cache.snapshots_kept > 0, told)
}
