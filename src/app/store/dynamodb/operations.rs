use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use tokio::time::timeout;

use super::super::super::config::{AppConfig, Dynamodb as Location};
use super::super::super::jobs::{Job, Lease, Owner};
use super::super::Keys;
use super::super::error::{Repeat, StoreError};
use super::super::operations::{Cart, Store};
use super::item::{Attributes, EXPIRES_AT, GONE, ID, Item, LIVE, expiry, now, number, text};
use super::jobs::DynamodbJobs;
use super::table::Table;

const DATA: &str = "session_data";
const CART_COUNT: &str = "cart_count";
const CART_LINES: &str = "cart_lines";
const THEME: &str = "theme_name";
const THEME_VERSION: &str = "theme_version";

/// Others changing the same item at the same moment are no reason to give up at once.
const ROUNDS: u32 = 8;

/// What users own, in a table.
#[derive(Debug)]
pub struct Dynamodb {
    table: Table,
    keys: Keys,
    user_data_ttl: Duration,
    jobs: DynamodbJobs,
}

impl Dynamodb {
    pub async fn new(config: &AppConfig, location: &Location, keys: Keys) -> Self {
        let table = Table::new(location, Duration::from_millis(config.store.timeout_ms)).await;
        let jobs = DynamodbJobs::new(keys.clone(), config);
        Self { table, keys, user_data_ttl: Duration::from_millis(config.user_data_ttl_ms), jobs }
    }

    /// Stores a session if `condition` holds for what is there; whether it did.
    async fn put(&self, key: &str, value: String, condition: &str, ttl: Option<Duration>) -> Result<bool, StoreError> {
        let mut item: Attributes = HashMap::from([(ID.to_owned(), text(key)), (DATA.to_owned(), text(value))]);
        if let Some(ttl) = ttl {
            item.insert(EXPIRES_AT.to_owned(), number(expiry(ttl)));
        }
        let put = self
            .table
            .client
            .put_item()
            .table_name(&self.table.name)
            .set_item(Some(item))
            .condition_expression(condition)
            .expression_attribute_values(":now", number(now()));
        self.table
            .in_time(async { Ok(self.table.change(Repeat::IfNotDone, || put.clone().send()).await?.is_some()) })
            .await
    }

    /// An item, its time-out started anew. At most once a second, for that is how finely it is kept; and not if it has
    /// gone away meanwhile, which a read that is not consistent may have missed.
    async fn read_and_slide(&self, id: &str, ttl: Option<Duration>) -> Result<Option<Item>, StoreError> {
        let Some(item) = self.table.get(id).await? else { return Ok(None) };
        if let Some(expires) = ttl.map(expiry)
            && item.number(EXPIRES_AT).is_none_or(|known| known < expires)
            && !self.table.slide(id, expires).await?
        {
            return Ok(None);
        }
        Ok(Some(item))
    }

    /// Line and count in one item, so that one write changes both.
    async fn add_line(&self, id: &str, line: String) -> Result<Item, StoreError> {
        let lines = |lines: Vec<AttributeValue>| AttributeValue::L(lines);
        for _ in 0..ROUNDS {
            let update = self
                .table
                .update(id)
                .update_expression(
                    "SET cart_lines = list_append(:line, if_not_exists(cart_lines, :none)), expires_at = :expires \
                     ADD cart_count :one",
                )
                .condition_expression("attribute_not_exists(id) OR expires_at > :now")
                .expression_attribute_values(":line", lines(vec![text(&line)]))
                .expression_attribute_values(":none", lines(Vec::new()))
                .expression_attribute_values(":one", number(1))
                .expression_attribute_values(":expires", number(expiry(self.user_data_ttl)))
                .expression_attribute_values(":now", number(now()))
                .return_values(ReturnValue::UpdatedNew);
            match self.table.change(Repeat::IfNotDone, || update.clone().send()).await? {
                Some(answer) => return Ok(Item(answer.attributes.unwrap_or_default())),
                // A cart that has ended is not to be counted on.
                None => self.table.bury(id).await?,
            }
        }
        Err(too_busy(id))
    }

    /// A list cannot be added to and cut in one write, so it is cut now and then, if nobody has added to it since. The
    /// line is there whatever becomes of this, so nobody waits for it.
    fn trim(&self, id: &str, cart: &Cart) {
        let beyond: Vec<String> =
            (Cart::LINES_KEPT..cart.lines.len()).map(|index| format!("{CART_LINES}[{index}]")).collect();
        let update = self
            .table
            .update(id)
            .update_expression(format!("REMOVE {}", beyond.join(", ")))
            .condition_expression("cart_count = :count")
            .expression_attribute_values(":count", number(cart.count));
        tokio::spawn(timeout(self.table.timeout, update.send()));
    }

    /// Each write is on condition that nobody has written since it looked. One that was given up and is carried out late,
    /// after a later one, then changes nothing.
    async fn write_theme(&self, id: &str, theme: &str) -> Result<(), StoreError> {
        for _ in 0..ROUNDS {
            let seen = self.table.get_consistent(id).await?.and_then(|item| item.number(THEME_VERSION));
            let update = self
                .table
                .update(id)
                .update_expression("SET theme_name = :theme, theme_version = :next, expires_at = :expires")
                .expression_attribute_values(":theme", text(theme))
                .expression_attribute_values(":next", number(seen.unwrap_or(0) + 1))
                .expression_attribute_values(":expires", number(expiry(self.user_data_ttl)));
            let update = match seen {
                Some(version) => update
                    .condition_expression("theme_version = :seen")
                    .expression_attribute_values(":seen", number(version)),
                None => update.condition_expression(GONE).expression_attribute_values(":now", number(now())),
            };
            if self.table.change(Repeat::IfNotDone, || update.clone().send()).await?.is_some() {
                return Ok(());
            }
        }
        Err(too_busy(id))
    }
}

fn too_busy(id: &str) -> StoreError {
    StoreError::Failed(format!("{id} was changed by others {ROUNDS} times in a row"))
}

fn cart(item: &Item) -> Cart {
    Cart { count: item.number(CART_COUNT).unwrap_or(0), lines: item.texts(CART_LINES) }
}

#[async_trait]
impl Store for Dynamodb {
    /// Reads an item that does not exist, with the rights and at the price of any other read.
    async fn ping(&self) -> Result<(), StoreError> {
        self.table.in_time(async { self.table.get(&self.keys.session("")).await.map(drop) }).await
    }

    async fn read(&self, key: &str, ttl: Option<Duration>) -> Result<Option<String>, StoreError> {
        let item = self.table.in_time(self.read_and_slide(key, ttl)).await?;
        Ok(item.and_then(|item| item.text(DATA).map(str::to_owned)))
    }

    async fn create(&self, key: &str, value: String, ttl: Option<Duration>) -> Result<bool, StoreError> {
        self.put(key, value, GONE, ttl).await
    }

    async fn replace(&self, key: &str, value: String, ttl: Option<Duration>) -> Result<(), StoreError> {
        self.put(key, value, LIVE, ttl).await.map(drop)
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.table.in_time(self.table.delete(key, Repeat::Freely)).await
    }

    async fn add_to_cart(&self, user: &str, line: String) -> Result<u64, StoreError> {
        let id = self.keys.cart(user);
        let added = cart(&self.table.in_time(self.add_line(&id, line)).await?);
        if added.lines.len() >= 2 * Cart::LINES_KEPT {
            self.trim(&id, &added);
        }
        Ok(added.count)
    }

    async fn cart(&self, user: &str) -> Result<Cart, StoreError> {
        let item = self.table.in_time(self.table.get(&self.keys.cart(user))).await?;
        let mut cart = item.as_ref().map(cart).unwrap_or_default();
        cart.lines.truncate(Cart::LINES_KEPT);
        Ok(cart)
    }

    async fn empty_cart(&self, user: &str) -> Result<(), StoreError> {
        self.table.in_time(self.table.delete(&self.keys.cart(user), Repeat::IfNotDone)).await
    }

    async fn theme(&self, user: &str) -> Result<Option<String>, StoreError> {
        let key = self.keys.preferences(user);
        let item = self.table.in_time(self.read_and_slide(&key, Some(self.user_data_ttl))).await?;
        Ok(item.and_then(|item| item.text(THEME).map(str::to_owned)))
    }

    async fn set_theme(&self, user: &str, theme: &str) -> Result<(), StoreError> {
        self.table.in_time(self.write_theme(&self.keys.preferences(user), theme)).await
    }

    async fn enqueue_job(&self, job: &Job) -> Result<(), StoreError> {
        self.table.in_time(self.jobs.enqueue(&self.table, job)).await
    }

    async fn job(&self, id: &str) -> Result<Option<Job>, StoreError> {
        self.table.in_time(self.jobs.get(&self.table, id)).await
    }

    async fn claim_job(&self, owner: &Owner) -> Result<Option<Job>, StoreError> {
        self.table.in_time(self.jobs.claim(&self.table, owner)).await
    }

    async fn save_job(&self, id: &str, owner: &Owner, progress: f64) -> Result<Lease, StoreError> {
        self.table.in_time(self.jobs.save(&self.table, id, owner, progress)).await
    }

    async fn hand_back_job(&self, id: &str, owner: &Owner) -> Result<(), StoreError> {
        self.table.in_time(self.jobs.hand_back(&self.table, id, owner)).await
    }
}
