use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::super::super::config::AppConfig;
use super::super::super::jobs::{Job, JobState, Lease, MOST_ATTEMPTS, Owner};
use super::super::Keys;
use super::super::error::{Repeat, StoreError};
use super::item::{EXPIRES_AT, ID, Item, expiry, now_ms, number, text};
use super::table::Table;

/// Jobs in the table: an item for each. Those that are unfinished are in the index [`INDEX`] as well, sorted by the time
/// at which anyone may take them. A queued job's time is when it was queued; a running one's is when its lease runs out.
///
/// Taking a job, and each step after that, is on condition that nobody else has taken it. Times are the instances', so
/// their clocks have to agree to well within a lease.
#[derive(Debug)]
pub struct DynamodbJobs {
    keys: Keys,
    lease_ms: u64,
    ttl: Duration,
}

const INDEX: &str = "jobs";
const QUEUE: &str = "queue_name";
const FREE_AT: &str = "free_at";
/// How many of those that may be taken are looked at, when others are quicker.
const CANDIDATES: i32 = 8;

impl DynamodbJobs {
    pub fn new(keys: Keys, config: &AppConfig) -> Self {
        Self { keys, lease_ms: config.jobs.lease_ms, ttl: Duration::from_millis(config.user_data_ttl_ms) }
    }

    fn key(&self, id: &str) -> String {
        format!("{}{id}", self.keys.job_prefix())
    }

    pub async fn enqueue(&self, table: &Table, job: &Job) -> Result<(), StoreError> {
        let put = table
            .client
            .put_item()
            .table_name(&table.name)
            .item(ID, text(self.key(&job.id)))
            .item("job_id", text(&job.id))
            .item("job_user", text(&job.user))
            .item("job_kind", encode(&job.kind))
            .item("job_seconds", encode(&job.seconds))
            .item("job_state", encode(&job.state))
            .item("job_progress", encode(&job.progress))
            .item(QUEUE, text(self.keys.unfinished_jobs()))
            .item(FREE_AT, number(now_ms()))
            .item(EXPIRES_AT, number(expiry(self.ttl)))
            .condition_expression("attribute_not_exists(id)");
        // The id is random: a job that is there already is this one, by an attempt that was thought not to have come.
        table.change(Repeat::IfNotDone, || put.clone().send()).await.map(drop)
    }

    pub async fn get(&self, table: &Table, id: &str) -> Result<Option<Job>, StoreError> {
        Ok(table.get(&self.key(id)).await?.as_ref().and_then(decode))
    }

    pub async fn claim(&self, table: &Table, owner: &Owner) -> Result<Option<Job>, StoreError> {
        let query = table
            .client
            .query()
            .table_name(&table.name)
            .index_name(INDEX)
            .key_condition_expression("queue_name = :queue AND free_at <= :now")
            .expression_attribute_values(":queue", text(self.keys.unfinished_jobs()))
            .expression_attribute_values(":now", number(now_ms()))
            .limit(CANDIDATES);
        let found = table.change(Repeat::Freely, || query.clone().send()).await?;
        for candidate in found.and_then(|answer| answer.items).unwrap_or_default().into_iter().map(Item) {
            let (Some(key), Some(free_at)) = (candidate.text(ID), candidate.number(FREE_AT)) else { continue };
            if let Some(taken) = self.take(table, key, free_at, owner).await? {
                if taken.number("job_attempts").is_some_and(|attempts| attempts <= u64::from(MOST_ATTEMPTS)) {
                    return Ok(decode(&taken));
                }
                self.give_up(table, key, owner).await?;
            }
        }
        Ok(None)
    }

    /// The job as it then is; `None` when somebody else was quicker.
    async fn take(&self, table: &Table, key: &str, free_at: u64, owner: &Owner) -> Result<Option<Item>, StoreError> {
        let update = table
            .update(key)
            .update_expression(
                "SET job_state = :running, job_by = :instance, job_nonce = :nonce, free_at = :lease_end \
                 ADD job_attempts :one",
            )
            .condition_expression("free_at = :seen")
            .expression_attribute_values(":running", encode(&JobState::Running))
            .expression_attribute_values(":instance", text(&owner.instance))
            .expression_attribute_values(":nonce", text(&owner.nonce))
            .expression_attribute_values(":lease_end", number(now_ms() + self.lease_ms))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":seen", number(free_at))
            .return_values(ReturnValue::AllNew);
        let taken = table.change(Repeat::IfNotDone, || update.clone().send()).await?;
        Ok(taken.and_then(|answer| answer.attributes).map(Item))
    }

    /// More instances have ended under it than can be a coincidence.
    async fn give_up(&self, table: &Table, key: &str, owner: &Owner) -> Result<(), StoreError> {
        let update = table
            .update(key)
            .update_expression("SET job_state = :failed REMOVE queue_name, free_at")
            .condition_expression("job_nonce = :nonce")
            .expression_attribute_values(":failed", encode(&JobState::Failed))
            .expression_attribute_values(":nonce", text(&owner.nonce));
        table.change(Repeat::Freely, || update.clone().send()).await.map(drop)
    }

    pub async fn save(&self, table: &Table, id: &str, owner: &Owner, progress: f64) -> Result<Lease, StoreError> {
        let key = self.key(id);
        let update = if progress < 1.0 {
            table
                .update(&key)
                .update_expression("SET job_progress = :progress, free_at = :lease_end")
                .expression_attribute_values(":lease_end", number(now_ms() + self.lease_ms))
        } else {
            table
                .update(&key)
                .update_expression("SET job_progress = :progress, job_state = :done REMOVE queue_name, free_at")
                .expression_attribute_values(":done", encode(&JobState::Done))
        };
        let update = update
            .condition_expression("job_nonce = :nonce")
            .expression_attribute_values(":progress", encode(&progress))
            .expression_attribute_values(":nonce", text(&owner.nonce));
        // Saying twice how far it is does no harm.
        let held = table.change(Repeat::Freely, || update.clone().send()).await?.is_some();
        Ok(if held { Lease::Held } else { Lease::Lost })
    }

    pub async fn hand_back(&self, table: &Table, id: &str, owner: &Owner) -> Result<(), StoreError> {
        let update = table
            .update(&self.key(id))
            .update_expression("SET job_state = :queued, free_at = :now REMOVE job_nonce ADD job_attempts :less")
            .condition_expression("job_nonce = :nonce")
            .expression_attribute_values(":queued", encode(&JobState::Queued))
            .expression_attribute_values(":now", number(now_ms()))
            .expression_attribute_values(":less", number(-1))
            .expression_attribute_values(":nonce", text(&owner.nonce));
        table.change(Repeat::IfNotDone, || update.clone().send()).await.map(drop)
    }
}

fn encode(value: &impl Serialize) -> AttributeValue {
    text(serde_json::json!(value).to_string())
}

fn decode(item: &Item) -> Option<Job> {
    fn field<T: DeserializeOwned>(item: &Item, name: &str) -> Option<T> {
        serde_json::from_str(item.text(name)?).ok()
    }
    Some(Job {
        id: item.text("job_id")?.to_owned(),
        user: item.text("job_user")?.to_owned(),
        kind: field(item, "job_kind")?,
        seconds: field(item, "job_seconds")?,
        state: field(item, "job_state")?,
        progress: field(item, "job_progress")?,
        by: item.text("job_by").map(str::to_owned),
    })
}
