use super::check::{Check, Practice};
use super::store::{AT_REST, IDLE, TTL};
use crate::plan::DynamodbAccess;
use crate::store::{EXPIRES_AT, Table, reason};
use aws_sdk_dynamodb::error::ProvideErrorMetadata as _;
use aws_sdk_dynamodb::types::PointInTimeRecoveryStatus;
use std::time::Duration;

pub(super) const DELETED: Practice = Practice {
    name: "sessions are deleted once they have ended",
    why: "what nobody can use any more is paid for, and read by whoever finds it",
    remedy: "switch time to live on, on the attribute with a session's end (`expires_at` for the reference application)",
};
pub(super) const RECOVERY: Practice = Practice {
    name: "table can be put back",
    why: "after a mistake, with point-in-time recovery off, nobody's data comes back",
    remedy: "switch point-in-time recovery on",
};
const IN_TRANSIT: Practice = Practice {
    name: "store is reached by TLS",
    why: "session data can be read on the way",
    remedy: "leave `endpoint_url` out, or give one with https",
};

const SESSIONS_SAMPLED: usize = 1000;
const ITEMS_A_LOOK: i32 = 250;
const MOST_LOOKS: u32 = 40;

/// `idle_timeout`: after which a session may be gone.
pub(super) async fn table(access: DynamodbAccess, idle_timeout: Option<Duration>) -> Vec<Check> {
    let table = Table::new(access).await;
    let mut checks = vec![deleted(&table).await, recovery(&table).await, in_transit(&table), at_rest(&table).await];
    checks.extend(times_to_live(&table, idle_timeout).await);
    checks
}

async fn deleted(table: &Table) -> Check {
    match table.expiry_attribute().await {
        Ok(Some(name)) => DELETED.holds(name == EXPIRES_AT, format!("time to live is on, on `{name}`")),
        Ok(None) => DELETED.holds(false, "time to live is off"),
        Err(error) => DELETED.unknown(error),
    }
}

async fn recovery(table: &Table) -> Check {
    match table.client.describe_continuous_backups().table_name(&table.access.table).send().await {
        Ok(answer) => {
            let recovery =
                answer.continuous_backups_description.and_then(|found| found.point_in_time_recovery_description);
            let status = recovery.and_then(|found| found.point_in_time_recovery_status);
            let on = status == Some(PointInTimeRecoveryStatus::Enabled);
            RECOVERY.holds(on, if on { "point-in-time recovery is on" } else { "point-in-time recovery is off" })
        }
        Err(error) if error.code() == Some("UnknownOperationException") => {
            RECOVERY.not_applicable("an emulator has no backups")
        }
        Err(error) => RECOVERY.unknown(reason(&error)),
    }
}

fn in_transit(table: &Table) -> Check {
    match table.access.endpoint_url.as_deref() {
        None => IN_TRANSIT.holds(true, "the region's endpoint"),
        Some(url) if url.starts_with("https://") => IN_TRANSIT.holds(true, url),
        Some(url) if is_loopback(url) => IN_TRANSIT.not_applicable("an emulator, which is not reached by any network"),
        Some(url) => IN_TRANSIT.holds(false, url),
    }
}

fn is_loopback(url: &str) -> bool {
    url::Url::parse(url).is_ok_and(|url| match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        _ => false,
    })
}

/// DynamoDB itself encrypts every table; what is said of a key is which one.
async fn at_rest(table: &Table) -> Check {
    if table.access.endpoint_url.is_some() {
        return AT_REST.not_applicable("cannot be told of an endpoint that need not be DynamoDB's");
    }
    match table.client.describe_table().table_name(&table.access.table).send().await {
        Ok(answer) => {
            let key = answer.table.and_then(|found| found.sse_description).and_then(|found| found.kms_master_key_arn);
            AT_REST
                .holds(true, key.map_or_else(|| "with a key of DynamoDB's own".to_owned(), |key| format!("with {key}")))
        }
        Err(error) => AT_REST.unknown(reason(&error)),
    }
}

async fn times_to_live(table: &Table, idle_timeout: Option<Duration>) -> Vec<Check> {
    let lives = match sessions(table).await {
        Ok(lives) if lives.is_empty() => return [TTL, IDLE].map(|p| p.unknown("no session was found")).to_vec(),
        Ok(lives) => lives,
        Err(error) => return [TTL, IDLE].map(|p| p.unknown(error.clone())).to_vec(),
    };
    let without = lives.iter().filter(|life| life.is_none()).count();
    let longest = Duration::from_millis(lives.iter().flatten().max().copied().unwrap_or_default());
    let within = match idle_timeout {
        None => IDLE.not_applicable("the profile names no `session.idle_timeout`"),
        Some(agreed) if without > 0 => {
            IDLE.holds(false, format!("sessions never end, {:.0} s agreed", agreed.as_secs_f64()))
        }
        // Times to live are whole seconds, rounded up.
        Some(agreed) => IDLE.holds(
            longest <= agreed + Duration::from_secs(1),
            format!("{:.0} s at most, {:.0} s agreed", longest.as_secs_f64(), agreed.as_secs_f64()),
        ),
    };
    vec![TTL.holds(without == 0, format!("{without} of {} items have no time to live", lives.len())), within]
}

/// What sessions have to live; see [`crate::store::Table::sample_sessions`].
async fn sessions(table: &Table) -> Result<Vec<Option<u64>>, String> {
    let (mut lives, mut from) = (Vec::new(), None);
    for _ in 0..MOST_LOOKS {
        let sampled = table.sample_sessions(ITEMS_A_LOOK, from).await?;
        lives.extend(sampled.lives);
        from = sampled.next;
        if from.is_none() || lives.len() >= SESSIONS_SAMPLED {
            break;
        }
    }
    Ok(lives)
}
