use crate::plan::DynamodbAccess;
use aws_config::BehaviorVersion;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{Credentials, Region};
use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::{AttributeValue, TimeToLiveStatus};
use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The attribute with an item's end, in Unix seconds.
pub const EXPIRES_AT: &str = "expires_at";
pub(super) const ID: &str = "id";

/// A DynamoDB table, as the probe and the audit look at it. Nothing is waited for longer than [`Table::ANSWER_WITHIN`],
/// and nothing is tried twice: whoever asks decides on that.
#[derive(Clone, Debug)]
pub struct Table {
    pub client: Client,
    pub access: DynamodbAccess,
}

/// The ends of sessions that were looked at.
#[derive(Debug)]
pub struct Sampled {
    /// Milliseconds to live of each; None: for ever.
    pub lives: Vec<Option<u64>>,
    /// Where the next look begins; None: at the beginning.
    pub next: Option<HashMap<String, AttributeValue>>,
}

impl Table {
    pub const ANSWER_WITHIN: Duration = Duration::from_millis(500);

    pub async fn new(access: DynamodbAccess) -> Table {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Self::ANSWER_WITHIN)
            .operation_timeout(Self::ANSWER_WITHIN)
            .build();
        let mut config = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(access.region.clone()))
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts);
        if let Some(url) = &access.endpoint_url {
            config = config.endpoint_url(url);
        }
        if let Some(key) = &access.key {
            config = config.credentials_provider(Credentials::new(&key.id, key.secret.expose(), None, None, "given"));
        }
        Table { client: Client::new(&config.load().await), access }
    }

    /// As DynamoDB calls it: `ACTIVE`, `UPDATING`, …
    ///
    /// # Errors
    /// No answer, or a refusal, in words; also below.
    pub async fn status(&self) -> Result<String, String> {
        let answer = self.client.describe_table().table_name(&self.access.table).send().await;
        let status = answer.map_err(|error| reason(&error))?.table.and_then(|table| table.table_status);
        Ok(status.map_or_else(|| "unknown".to_owned(), |status| status.as_str().to_owned()))
    }

    /// By which attribute items expire; None: they do not.
    pub async fn expiry_attribute(&self) -> Result<Option<String>, String> {
        let answer = self.client.describe_time_to_live().table_name(&self.access.table).send().await;
        let described = answer.map_err(|error| reason(&error))?.time_to_live_description;
        let on = [Some(&TimeToLiveStatus::Enabled), Some(&TimeToLiveStatus::Enabling)];
        Ok(described.filter(|found| on.contains(&found.time_to_live_status())).and_then(|found| found.attribute_name))
    }

    /// Looks at some items, from where the last look ended. What has ended and was not deleted yet is gone.
    pub async fn sample_sessions(
        &self,
        items: i32,
        from: Option<HashMap<String, AttributeValue>>,
    ) -> Result<Sampled, String> {
        let scan = self
            .client
            .scan()
            .table_name(&self.access.table)
            .projection_expression("id, expires_at")
            .set_exclusive_start_key(from)
            .limit(items);
        let answer = scan.send().await.map_err(|error| reason(&error))?;
        let now_ms = unix_now().as_millis() as u64;
        let lives = answer.items().iter().filter(|item| self.is_session(item)).filter_map(|item| life(item, now_ms));
        Ok(Sampled { lives: lives.collect(), next: answer.last_evaluated_key.clone() })
    }

    fn is_session(&self, item: &HashMap<String, AttributeValue>) -> bool {
        let Some(Ok(id)) = item.get(ID).map(AttributeValue::as_s) else { return false };
        self.access.session_prefixes.iter().any(|prefix| id.starts_with(prefix))
    }
}

/// Milliseconds that an item has to live, or None for ever; nothing for one that has ended.
fn life(item: &HashMap<String, AttributeValue>, now_ms: u64) -> Option<Option<u64>> {
    let end = item.get(EXPIRES_AT).and_then(|value| value.as_n().ok()).and_then(|end| end.parse::<u64>().ok());
    match end {
        None => Some(None),
        Some(seconds) => (seconds * 1000).checked_sub(now_ms).filter(|ms| *ms > 0).map(Some),
    }
}

pub(super) fn unix_now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// What DynamoDB said, or why it said nothing.
pub fn reason<E: std::error::Error + ProvideErrorMetadata + 'static>(error: &SdkError<E>) -> String {
    match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        _ => DisplayErrorContext(error).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_without_an_end_lives_for_ever_and_one_past_it_is_gone() {
        let item = |end: &str| HashMap::from([(EXPIRES_AT.to_owned(), AttributeValue::N(end.to_owned()))]);
        assert_eq!(life(&HashMap::new(), 10_000), Some(None));
        assert_eq!(life(&item("11"), 10_000), Some(Some(1000)));
        assert_eq!(life(&item("10"), 10_000), None);
        assert_eq!(life(&item("9"), 10_000), None);
    }
}
