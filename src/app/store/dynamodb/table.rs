use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{Credentials, Region};
use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use tokio::time::{sleep, timeout};

use super::super::super::config::{Dynamodb as Location, Reads};
use super::super::error::{Repeat, StoreError};
use super::item::{EXPIRES_AT, ID, Item, LIVE, now, number, text};

/// A table, and how it is asked.
#[derive(Debug)]
pub struct Table {
    pub client: Client,
    pub name: String,
    consistent: bool,
    pub timeout: Duration,
}

const ATTEMPTS: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);
/// A part of the time-out: what a new connection may take, so that another attempt is left.
const CONNECT_SHARE: u32 = 4;

impl Table {
    pub async fn new(location: &Location, timeout: Duration) -> Self {
        let mut config = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(location.region.clone()))
            // The SDK would also repeat what may have been carried out; see `attempts`.
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::builder().connect_timeout(timeout / CONNECT_SHARE).build());
        if let Some(url) = &location.endpoint_url {
            config = config.endpoint_url(url);
        }
        if let Some(key) = &location.credentials {
            let secret = key.secret_access_key.reveal();
            config =
                config.credentials_provider(Credentials::new(&key.access_key_id, secret, None, None, "configured"));
        }
        Self {
            client: Client::new(&config.load().await),
            name: location.table.clone(),
            consistent: location.reads == Reads::Consistent,
            timeout,
        }
    }

    /// Whatever is asked of the store for one purpose, given up when the time is over.
    pub async fn in_time<T>(&self, asked: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        timeout(self.timeout, asked).await.unwrap_or(Err(StoreError::TimedOut(self.timeout)))
    }

    /// An item that has not ended, as reads are configured.
    pub async fn get(&self, id: &str) -> Result<Option<Item>, StoreError> {
        self.read(id, self.consistent).await
    }

    /// The same, with everything that was acknowledged.
    pub async fn get_consistent(&self, id: &str) -> Result<Option<Item>, StoreError> {
        self.read(id, true).await
    }

    async fn read(&self, id: &str, consistent: bool) -> Result<Option<Item>, StoreError> {
        let get = self.client.get_item().table_name(&self.name).key(ID, text(id)).consistent_read(consistent);
        let answer = self.change(Repeat::Freely, || get.clone().send()).await?;
        let item = answer.and_then(|answer| answer.item).map(Item);
        Ok(item.filter(|item| !item.has_ended(now())))
    }

    /// The beginning of a change of an item.
    pub fn update(&self, id: &str) -> UpdateItemFluentBuilder {
        self.client.update_item().table_name(&self.name).key(ID, text(id))
    }

    pub async fn delete(&self, id: &str, repeat: Repeat) -> Result<(), StoreError> {
        let delete = self.client.delete_item().table_name(&self.name).key(ID, text(id));
        self.change(repeat, || delete.clone().send()).await.map(drop)
    }

    /// Moves the end of an item, if it has not come: whether it had not.
    pub async fn slide(&self, id: &str, expires: u64) -> Result<bool, StoreError> {
        let update = self
            .update(id)
            .update_expression("SET expires_at = :expires")
            .condition_expression(LIVE)
            .expression_attribute_values(":expires", number(expires))
            .expression_attribute_values(":now", number(now()));
        Ok(self.change(Repeat::Freely, || update.clone().send()).await?.is_some())
    }

    /// Removes an item that has ended and that DynamoDB has not deleted yet.
    pub async fn bury(&self, id: &str) -> Result<(), StoreError> {
        let delete = self
            .client
            .delete_item()
            .table_name(&self.name)
            .key(ID, text(id))
            .condition_expression(format!("{EXPIRES_AT} <= :now"))
            .expression_attribute_values(":now", number(now()));
        self.change(Repeat::Freely, || delete.clone().send()).await.map(drop)
    }

    /// Sends something until it is answered: `None` when its condition does not hold. Tried again, after a pause, only
    /// what surely was not carried out or may be carried out twice.
    ///
    /// # Errors
    /// [`StoreError::Failed`]; whoever asks sets the limit ([`Table::in_time`]).
    pub async fn change<T, E, F>(&self, repeat: Repeat, send: impl Fn() -> F) -> Result<Option<T>, StoreError>
    where
        F: Future<Output = Result<T, SdkError<E>>>,
        E: Error + ProvideErrorMetadata + fmt::Debug + 'static,
    {
        let mut pause = FIRST_PAUSE;
        let mut attempt = 1;
        loop {
            let error = match send().await {
                Ok(answer) => return Ok(Some(answer)),
                Err(error) => error,
            };
            let again = match Consequence::of(&error) {
                Consequence::ConditionFailed => return Ok(None),
                Consequence::NotDone => true,
                Consequence::InDoubt => repeat == Repeat::Freely,
                Consequence::Refused => false,
            };
            if !again || attempt == ATTEMPTS {
                return Err(StoreError::Failed(DisplayErrorContext(&error).to_string()));
            }
            attempt += 1;
            // All instances are refused at once; they are not to come back at once.
            sleep(pause.mul_f64(rand::random_range(0.5..1.0))).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

/// What an error says about what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Consequence {
    ConditionFailed,
    /// Surely not carried out, and worth another try.
    NotDone,
    /// Nobody can say.
    InDoubt,
    /// Not carried out, and it never will be.
    Refused,
}

/// Refusals for lack of capacity.
const THROTTLED: [&str; 4] =
    ["ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException", "ThrottledException"];

impl Consequence {
    fn of<E: Error + ProvideErrorMetadata + 'static>(error: &SdkError<E>) -> Self {
        match error {
            SdkError::ServiceError(answer) => match answer.err().code() {
                Some("ConditionalCheckFailedException") => Self::ConditionFailed,
                Some(code) if THROTTLED.contains(&code) => Self::NotDone,
                _ if answer.raw().status().is_server_error() => Self::InDoubt,
                _ => Self::Refused,
            },
            SdkError::ConstructionFailure(_) => Self::Refused,
            SdkError::DispatchFailure(failure) if failure.is_user() => Self::Refused,
            SdkError::DispatchFailure(failure)
                if failure.as_connector_error().is_some_and(|error| nobody_listens(error)) =>
            {
                Self::NotDone
            }
            _ => Self::InDoubt,
        }
    }
}

/// Nothing was sent: there was no connection to send it on.
fn nobody_listens(error: &(dyn Error + 'static)) -> bool {
    let refused = error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::ConnectionRefused);
    refused || error.source().is_some_and(nobody_listens)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use aws_smithy_http_client::test_util::infallible_client_fn;
    use aws_smithy_types::body::SdkBody;

    use super::*;

    /// A table that answers so, and how often it was asked.
    fn answering(answers: &'static [(u16, &str)]) -> (Table, Arc<AtomicUsize>) {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let http = infallible_client_fn(move |_| {
            let (status, kind) = answers[count.fetch_add(1, Ordering::SeqCst)];
            let body = if kind.is_empty() { "{}".to_owned() } else { format!("{{\"__type\":\"x#{kind}\"}}") };
            http::Response::builder().status(status).body(SdkBody::from(body)).expect("a response")
        });
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .retry_config(RetryConfig::disabled())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("key", "secret", None, None, "test"))
            .http_client(http)
            .build();
        let timeout = Duration::from_secs(5);
        (Table { client: Client::from_conf(config), name: "table".into(), consistent: true, timeout }, asked)
    }

    #[tokio::test]
    async fn only_what_was_surely_not_done_or_may_be_done_twice_is_tried_again() {
        use Repeat::{Freely, IfNotDone};
        const DONE: (u16, &str) = (200, "");
        const THROTTLED: (u16, &str) = (400, "ProvisionedThroughputExceededException");
        const BROKEN: (u16, &str) = (500, "InternalServerError");
        for (answers, repeat, wanted, times) in [
            (&[DONE] as &'static [_], IfNotDone, "done", 1),
            (&[THROTTLED, (400, "ThrottlingException"), DONE], IfNotDone, "done", 3),
            (&[THROTTLED; ATTEMPTS as usize], IfNotDone, "failed", 8),
            (&[BROKEN], IfNotDone, "failed", 1),
            (&[BROKEN, DONE], Freely, "done", 2),
            (&[(400, "ConditionalCheckFailedException")], IfNotDone, "condition failed", 1),
            (&[(400, "ValidationException")], Freely, "failed", 1),
            (&[(400, "AccessDeniedException")], Freely, "failed", 1),
        ] {
            let (table, asked) = answering(answers);
            let update = table.update("id").update_expression("SET a = b");
            let found = match table.change(repeat, || update.clone().send()).await {
                Ok(Some(_)) => "done",
                Ok(None) => "condition failed",
                Err(_) => "failed",
            };
            assert_eq!((found, asked.load(Ordering::SeqCst)), (wanted, times), "{answers:?} {repeat:?}");
        }
    }

    #[tokio::test]
    async fn where_nobody_listens_nothing_was_done() {
        let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
        let location = Location {
            table: "table".into(),
            region: "us-east-1".into(),
            endpoint_url: Some(format!("http://127.0.0.1:{port}")),
            reads: Reads::Consistent,
            credentials: Some(super::super::super::super::config::Credentials {
                access_key_id: "key".into(),
                secret_access_key: super::super::super::super::config::Secret::new("secret"),
            }),
        };
        let table = Table::new(&location, Duration::from_secs(5)).await;
        let error = table.update("id").send().await.expect_err("nobody is there");
        assert_eq!(Consequence::of(&error), Consequence::NotDone, "{error:?}");
    }
}
