use super::table::{EXPIRES_AT, ID, Table, reason, unix_now};
use super::watched::WatchedStore;
use crate::history::{SessionKeyGauges, StoreNodeGauges, StoreRole, TableGauges};
use crate::plan::DynamodbAccess;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::{
    AttributeValue, ConsumedCapacity, KeysAndAttributes, ReturnConsumedCapacity, ReturnValue,
};
use futures_util::future::join_all;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A DynamoDB table. The canary's numbers are in sets of [`NUMBERS_AN_ITEM`], so that a write costs one unit however
/// many there are.
#[derive(Clone, Debug)]
pub struct DynamodbStore {
    table: Table,
    /// What ids of the canary's items start with.
    prefix: String,
    seen: Arc<Mutex<Seen>>,
    cursor: Option<HashMap<String, AttributeValue>>,
}

/// What those who write and those who look tell each other.
#[derive(Debug, Default)]
struct Seen {
    /// How many numbers each item had when it was last written.
    items: BTreeMap<u64, usize>,
    newest: u64,
    consumed_units: f64,
    throttled: u64,
}

/// Some six bytes each: an item stays below the one kilobyte that a unit of writing pays for.
const NUMBERS_AN_ITEM: u64 = 100;
const NUMBERS: &str = "canary_numbers";
/// What a run that was killed leaves behind ends after this.
const CANARY_LIVES: Duration = Duration::from_secs(3600);
const ITEMS_A_LOOK: i32 = 200;
/// As many as one `BatchGetItem` takes.
const ITEMS_A_BATCH: usize = 100;
const BATCHES: u32 = 8;

impl DynamodbStore {
    /// `run`: a word that no other run uses.
    pub async fn new(access: DynamodbAccess, run: &str) -> DynamodbStore {
        let prefix = format!("{}{run}:", access.canary_prefix);
        DynamodbStore { table: Table::new(access).await, prefix, seen: Arc::default(), cursor: None }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn id(&self, item: u64) -> AttributeValue {
        AttributeValue::S(format!("{}{item}", self.prefix))
    }

    fn consumed(&self, capacity: Option<&ConsumedCapacity>) {
        self.seen().consumed_units += capacity.and_then(ConsumedCapacity::capacity_units).unwrap_or_default();
    }

    /// Notes a refusal for lack of capacity, and says what went wrong.
    fn failed<E: std::error::Error + ProvideErrorMetadata + 'static>(&self, error: &SdkError<E>) -> String {
        let throttled = ["ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException"];
        if error.code().is_some_and(|code| throttled.contains(&code)) {
            self.seen().throttled += 1;
        }
        reason(error)
    }

    /// The newest number that a read of this kind finds.
    async fn newest(&self, consistent: bool) -> Result<u64, String> {
        let item = self.seen().newest / NUMBERS_AN_ITEM;
        let get = self
            .table
            .client
            .get_item()
            .table_name(&self.table.access.table)
            .key(ID, self.id(item))
            .consistent_read(consistent)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = get.send().await.map_err(|error| self.failed(&error))?;
        self.consumed(answer.consumed_capacity());
        let newest = answer.item().and_then(|item| numbers(item).into_iter().max());
        // An item that is not there yet: the one before it is full.
        Ok(newest.unwrap_or_else(|| (item * NUMBERS_AN_ITEM).saturating_sub(1)))
    }

    async fn read_items(&self, items: &[u64]) -> Result<Vec<u64>, String> {
        let keys = items.iter().map(|item| HashMap::from([(ID.to_owned(), self.id(*item))]));
        let wanted = KeysAndAttributes::builder().set_keys(Some(keys.collect())).consistent_read(true).build();
        let mut wanted = HashMap::from([(self.table.access.table.clone(), wanted.map_err(|e| e.to_string())?)]);
        let mut found = Vec::new();
        for _ in 0..BATCHES {
            let batch = self
                .table
                .client
                .batch_get_item()
                .set_request_items(Some(wanted))
                .return_consumed_capacity(ReturnConsumedCapacity::Total);
            let answer = batch.send().await.map_err(|error| self.failed(&error))?;
            answer.consumed_capacity().iter().for_each(|capacity| self.consumed(Some(capacity)));
            found.extend(answer.responses().into_iter().flat_map(|tables| tables.values()).flatten().flat_map(numbers));
            wanted = answer.unprocessed_keys.unwrap_or_default();
            if wanted.is_empty() {
                return Ok(found);
            }
        }
        Err(format!("not all of it was read in {BATCHES} requests"))
    }

    async fn delete(&self, items: Vec<u64>) -> Result<(), String> {
        let deletions = items.iter().map(|item| {
            let delete = self.table.client.delete_item().table_name(&self.table.access.table).key(ID, self.id(*item));
            async move { delete.send().await.map_err(|error| self.failed(&error)) }
        });
        join_all(deletions).await.into_iter().collect::<Result<Vec<_>, String>>()?;
        self.seen().items.retain(|item, _| !items.contains(item));
        Ok(())
    }
}

fn numbers(item: &HashMap<String, AttributeValue>) -> Vec<u64> {
    let set = item.get(NUMBERS).and_then(|value| value.as_ns().ok());
    set.into_iter().flatten().filter_map(|number| number.parse().ok()).collect()
}

impl WatchedStore for DynamodbStore {
    async fn write(&mut self, number: u64) -> Result<usize, String> {
        let item = number / NUMBERS_AN_ITEM;
        let end = (unix_now() + CANARY_LIVES).as_secs().to_string();
        let update = self
            .table
            .client
            .update_item()
            .table_name(&self.table.access.table)
            .key(ID, self.id(item))
            .update_expression(format!("SET {EXPIRES_AT} = :end ADD {NUMBERS} :number"))
            .expression_attribute_values(":end", AttributeValue::N(end))
            .expression_attribute_values(":number", AttributeValue::Ns(vec![number.to_string()]))
            .return_values(ReturnValue::UpdatedNew)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        // Also one in doubt may be there, and is to be looked for and removed.
        self.seen().items.entry(item).or_default();
        let answer = update.send().await.map_err(|error| self.failed(&error))?;
        self.consumed(answer.consumed_capacity());
        let mut seen = self.seen();
        seen.newest = number;
        seen.items.insert(item, answer.attributes().map(numbers).unwrap_or_default().len());
        Ok(seen.items.values().sum())
    }

    async fn written(&mut self) -> Result<Vec<u64>, String> {
        let items: Vec<u64> = self.seen().items.keys().copied().collect();
        let mut found = Vec::new();
        for items in items.chunks(ITEMS_A_BATCH) {
            found.extend(self.read_items(items).await?);
        }
        Ok(found)
    }

    /// Those that share an item with some that are kept are kept, too.
    async fn trim(&mut self, first: u64) -> Result<(), String> {
        let before: Vec<u64> = self.seen().items.range(..first / NUMBERS_AN_ITEM).map(|(item, _)| *item).collect();
        self.delete(before).await
    }

    async fn clear(&mut self) -> Result<(), String> {
        let all: Vec<u64> = self.seen().items.keys().copied().collect();
        self.delete(all).await
    }

    /// Eventual reads, as if they were of a replica: how far they are behind consistent ones. A primary there is none.
    async fn nodes(&mut self) -> Vec<StoreNodeGauges> {
        let (consistent, eventual) = tokio::join!(self.newest(true), self.newest(false));
        vec![StoreNodeGauges {
            node: format!("{}, eventual reads", self.table.access.table),
            zone: String::new(),
            role: if eventual.is_ok() { StoreRole::Replica } else { StoreRole::Unreachable },
            behind_writes: consistent.and_then(|newest| Ok(newest.saturating_sub(eventual?))).ok(),
        }]
    }

    async fn table(&mut self) -> Result<TableGauges, String> {
        let (status, expiry) = tokio::join!(self.table.status(), self.table.expiry_attribute());
        let seen = self.seen();
        Ok(TableGauges {
            status: status?,
            expires: expiry?.is_some(),
            consumed_units: seen.consumed_units,
            throttled: seen.throttled,
        })
    }

    async fn session_keys(&mut self) -> Result<Option<SessionKeyGauges>, String> {
        let sampled = self.table.sample_sessions(ITEMS_A_LOOK, self.cursor.take()).await?;
        self.cursor = sampled.next;
        let living = || sampled.lives.iter().filter_map(|life| *life);
        let count = sampled.lives.len() as u64;
        Ok((count > 0).then(|| SessionKeyGauges {
            sampled: count,
            without_ttl: count - living().count() as u64,
            shortest_ttl_ms: living().min().unwrap_or_default(),
            longest_ttl_ms: living().max().unwrap_or_default(),
        }))
    }
}
