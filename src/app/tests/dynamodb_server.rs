use std::collections::HashMap;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials as Key, Region};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType,
};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::runtime::Runtime;

use super::super::config::{Credentials, Dynamodb, Reads, Secret, StoreLocation};
use super::redis_server::{free_port, until};
use super::running_store::RunningStore;

/// An emulator of one test's own, gone with it, with the table that [`Dynamodb`] asks for.
pub struct DynamodbServer {
    child: Child,
    port: u16,
    runtime: Runtime,
    client: Client,
    _dir: tempfile::TempDir,
}

const TABLE: &str = "test";

pub type Item = HashMap<String, AttributeValue>;

impl DynamodbServer {
    pub fn start() -> Self {
        let (port, dir) = (free_port(), tempfile::tempdir().expect("a temporary directory"));
        let child = Command::new("ministack")
            .env("BIND_HOST", "127.0.0.1")
            .env("GATEWAY_PORT", port.to_string())
            .env("SERVICES", "dynamodb")
            .env("TMPDIR", dir.path())
            .env("STATE_DIR", dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("ministack runs; scripts/test installs it");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let loading = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(format!("http://127.0.0.1:{port}"))
            .credentials_provider(Key::new("test", "test", None, None, "test"));
        let client = Client::new(&runtime.block_on(loading.load()));
        let server = Self { child, port, runtime, client, _dir: dir };
        until("the emulator answers", || server.ask(server.client.list_tables().send()).is_ok());
        server.make_table();
        server
    }

    fn ask<T>(&self, question: impl Future<Output = T>) -> T {
        self.runtime.block_on(question)
    }

    fn make_table(&self) {
        let attribute = |name: &str, kind| {
            AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build().expect("complete")
        };
        let key = |name: &str, kind| {
            KeySchemaElement::builder().attribute_name(name).key_type(kind).build().expect("complete")
        };
        let jobs = GlobalSecondaryIndex::builder()
            .index_name("jobs")
            .key_schema(key("queue_name", KeyType::Hash))
            .key_schema(key("free_at", KeyType::Range))
            .projection(Projection::builder().projection_type(ProjectionType::KeysOnly).build());
        let create = self
            .client
            .create_table()
            .table_name(TABLE)
            .billing_mode(BillingMode::PayPerRequest)
            .attribute_definitions(attribute("id", ScalarAttributeType::S))
            .attribute_definitions(attribute("queue_name", ScalarAttributeType::S))
            .attribute_definitions(attribute("free_at", ScalarAttributeType::N))
            .key_schema(key("id", KeyType::Hash))
            .global_secondary_indexes(jobs.build().expect("complete"));
        self.ask(create.send()).expect("a table");
        until("the table can be used", || self.ask(self.client.scan().table_name(TABLE).send()).is_ok());
    }

    /// Stops it where it stands.
    pub fn freeze(&self) {
        self.signal(Signal::SIGSTOP);
    }

    pub fn thaw(&self) {
        self.signal(Signal::SIGCONT);
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).expect("it runs");
    }

    pub fn item(&self, id: &str) -> Option<Item> {
        let get = self.client.get_item().table_name(TABLE).key("id", AttributeValue::S(id.into()));
        self.ask(get.consistent_read(true).send()).expect("an answer").item
    }

    /// Moves the end of an item, which DynamoDB may leave there for days after that.
    pub fn set_expiry(&self, id: &str, unix_seconds: u64) {
        let update = self
            .client
            .update_item()
            .table_name(TABLE)
            .key("id", AttributeValue::S(id.into()))
            .update_expression("SET expires_at = :end")
            .condition_expression("attribute_exists(id)")
            .expression_attribute_values(":end", AttributeValue::N(unix_seconds.to_string()));
        self.ask(update.send()).expect("the item is there");
    }

    fn items(&self) -> Vec<Item> {
        self.ask(self.client.scan().table_name(TABLE).consistent_read(true).send())
            .expect("an answer")
            .items
            .unwrap_or_default()
    }
}

pub fn number(item: &Item, name: &str) -> u64 {
    item[name].as_n().expect("a number").parse().expect("a whole one")
}

fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock").as_secs()
}

impl RunningStore for DynamodbServer {
    fn location(&self) -> StoreLocation {
        StoreLocation::Dynamodb(Dynamodb {
            table: TABLE.into(),
            region: "us-east-1".into(),
            endpoint_url: Some(format!("http://127.0.0.1:{}", self.port)),
            reads: Reads::Consistent,
            credentials: Some(Credentials { access_key_id: "test".into(), secret_access_key: Secret::new("test") }),
        })
    }

    fn sessions(&self) -> Vec<String> {
        let ids = self.items().into_iter().map(|item| item["id"].as_s().expect("a string").clone());
        ids.filter(|id| id.starts_with("test:session:")).collect()
    }

    fn time_left(&self, key: &str) -> Duration {
        let end = number(&self.item(key).expect("it is there"), "expires_at");
        Duration::from_secs(end.saturating_sub(now()))
    }

    fn set_time_left(&self, key: &str, left: Duration) {
        self.set_expiry(key, now() + left.as_secs());
    }

    fn remove(&self, key: &str) {
        let delete = self.client.delete_item().table_name(TABLE).key("id", AttributeValue::S(key.into()));
        self.ask(delete.send()).expect("an answer");
    }

    fn unfinished_jobs(&self) -> usize {
        self.items().iter().filter(|item| item.contains_key("queue_name")).count()
    }
}

impl Drop for DynamodbServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
