use super::config::{CANARY_PREFIX, KEY_PREFIX};
use super::host::Host;
use super::servers::StoreStart;
use crate::lab::LabError;
use crate::lab::guard::Runner;
use crate::lab::ports::free_ports;
use crate::plan::{AccessKey, Action, DynamodbAccess, Secret};
use crate::store::{EXPIRES_AT, Table};
use aws_sdk_dynamodb::error::ProvideErrorMetadata as _;
use aws_sdk_dynamodb::operation::create_table::builders::CreateTableFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType,
    PointInTimeRecoverySpecification, Projection, ProjectionType, ScalarAttributeType, TimeToLiveSpecification,
};
use std::path::Path;
use std::time::Duration;
use tokio::time::sleep;

/// DynamoDB, as far as an emulator is that: one process with its data in memory, so a table that is lost with it.
#[derive(Clone, Debug)]
pub(in crate::lab) struct Emulator {
    host: Host,
    access: DynamodbAccess,
    runner: Runner,
}

const TABLE: &str = "sessions";
/// Where emulators are; nothing is sent there.
const REGION: &str = "us-east-1";

const READY_WITHIN: Duration = Duration::from_secs(20);
const ASK_EVERY: Duration = Duration::from_millis(50);
/// A chosen port can be taken by somebody else before the emulator binds it.
const ATTEMPTS: u32 = 4;

impl Emulator {
    /// Starts it and returns once it has the table.
    pub(super) async fn start(start: StoreStart<'_>) -> Result<Emulator, LabError> {
        let mut attempt = 1;
        loop {
            match Self::start_once(start, attempt).await {
                Err(error) if error.is_port_clash() && attempt < ATTEMPTS => attempt += 1,
                started => return started,
            }
        }
    }

    async fn start_once(start: StoreStart<'_>, attempt: u32) -> Result<Emulator, LabError> {
        let [port] = free_ports()?;
        let args = arguments(start.server, start.runner.directory(), port);
        let daemon = start.runner.run(&format!("dynamodb-{attempt}"), Path::new("env"), args);
        let access = DynamodbAccess {
            table: TABLE.to_owned(),
            region: REGION.to_owned(),
            endpoint_url: Some(format!("http://127.0.0.1:{port}")),
            // It lets anybody in; the SDK signs nothing without a key.
            key: Some(AccessKey {
                id: "lab".to_owned(),
                secret: Secret::new(format!("{:032x}", rand::random::<u128>())),
            }),
            session_prefixes: ["session:", "token:"].map(|kind| format!("{KEY_PREFIX}{kind}")).to_vec(),
            canary_prefix: CANARY_PREFIX.to_owned(),
        };
        let table = Table::new(access.clone()).await;
        daemon.until(made(&table), READY_WITHIN).await?;
        Ok(Emulator { host: Host::new(None, port, daemon, None), access, runner: start.runner.clone() })
    }

    pub(super) fn host(&self) -> &Host {
        &self.host
    }

    pub(in crate::lab) fn access(&self) -> &DynamodbAccess {
        &self.access
    }

    /// What the timeline does to it. It is never ended, for its data would be gone.
    pub(super) fn apply(&self, action: &Action) -> Result<String, String> {
        match action {
            Action::StoreOutage => {
                self.host.freeze(&self.runner);
                Ok("the emulator hangs".to_owned())
            }
            Action::StoreRecovery => {
                self.host.thaw(&self.runner);
                Ok("the emulator goes on".to_owned())
            }
            other => Err(format!("DynamoDB knows no `{}`", other.name())),
        }
    }
}

/// By way of `env`, because it takes nothing of this as an argument.
fn arguments(emulator: &Path, directory: &Path, port: u16) -> Vec<String> {
    vec![
        "BIND_HOST=127.0.0.1".to_owned(),
        format!("GATEWAY_PORT={port}"),
        "SERVICES=dynamodb".to_owned(),
        "LOG_LEVEL=WARNING".to_owned(),
        // It leaves a file with its process number, and makes a folder for what it is not to keep.
        format!("TMPDIR={}", directory.display()),
        format!("STATE_DIR={}", directory.join("dynamodb-state").display()),
        emulator.display().to_string(),
    ]
}

/// Makes the table that the application describes, and returns once it can be used.
async fn made(table: &Table) {
    let client = &table.client;
    while let Err(error) = create(table).send().await
        && error.code() != Some("ResourceInUseException")
    {
        log::debug!("no table yet: {error}");
        sleep(ASK_EVERY).await;
    }
    while table.status().await.as_deref() != Ok("ACTIVE") {
        sleep(ASK_EVERY).await;
    }
    let expiry = TimeToLiveSpecification::builder().attribute_name(EXPIRES_AT).enabled(true).build();
    let expiry = expiry.expect("it has all that is needed");
    while !matches!(table.expiry_attribute().await, Ok(Some(_))) {
        let switch = client.update_time_to_live().table_name(TABLE).time_to_live_specification(expiry.clone());
        let _ = switch.send().await;
        sleep(ASK_EVERY).await;
    }
    let recovery = PointInTimeRecoverySpecification::builder().point_in_time_recovery_enabled(true).build();
    let recovery = recovery.expect("it has all that is needed");
    let switch = client.update_continuous_backups().table_name(TABLE).point_in_time_recovery_specification(recovery);
    while switch.clone().send().await.is_err() {
        sleep(ASK_EVERY).await;
    }
}

fn create(table: &Table) -> CreateTableFluentBuilder {
    const COMPLETE: &str = "it has all that is needed";
    let attribute = |name: &str, kind| {
        AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build().expect(COMPLETE)
    };
    let key =
        |name: &str, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build().expect(COMPLETE);
    let jobs = GlobalSecondaryIndex::builder()
        .index_name("jobs")
        .key_schema(key("queue_name", KeyType::Hash))
        .key_schema(key("free_at", KeyType::Range))
        .projection(Projection::builder().projection_type(ProjectionType::KeysOnly).build());
    table
        .client
        .create_table()
        .table_name(TABLE)
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(attribute("id", ScalarAttributeType::S))
        .attribute_definitions(attribute("queue_name", ScalarAttributeType::S))
        .attribute_definitions(attribute("free_at", ScalarAttributeType::N))
        .key_schema(key("id", KeyType::Hash))
        .global_secondary_indexes(jobs.build().expect(COMPLETE))
}
