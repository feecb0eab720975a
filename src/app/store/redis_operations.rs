use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::super::config::AppConfig;
use super::super::error::AppError;
use super::super::jobs::{Job, Lease, Owner};
use super::Keys;
use super::error::{Repeat, StoreError};
use super::operations::{Cart, Store};
use super::redis_jobs::RedisJobs;
use super::redis_store::RedisClient;

/// What users own, in Redis 6.2 or newer (`GETEX`): a key for each thing, with a time to live.
#[derive(Debug)]
pub struct Redis {
    redis: Arc<RedisClient>,
    keys: Keys,
    user_data_ttl: Duration,
    jobs: RedisJobs,
}

impl Redis {
    /// # Errors
    /// [`AppError::CaFile`].
    pub fn new(config: &AppConfig, keys: Keys) -> Result<Self, AppError> {
        let redis = Arc::new(RedisClient::new(&config.store)?);
        let jobs = RedisJobs::new(redis.clone(), keys.clone(), config);
        Ok(Self { redis, keys, user_data_ttl: Duration::from_millis(config.user_data_ttl_ms), jobs })
    }

    /// `SET`, if the key is there (`XX`) or not (`NX`); whether that was so.
    async fn set(&self, key: &str, value: String, only: &str, ttl: Option<Duration>) -> Result<bool, StoreError> {
        let mut command = redis::cmd("SET");
        command.arg(key).arg(value).arg(only);
        if let Some(ttl) = ttl {
            command.arg("PX").arg(millis(ttl));
        }
        let stored: Option<String> = self.redis.command(&command, Repeat::IfNotDone).await?;
        Ok(stored.is_some())
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[async_trait]
impl Store for Redis {
    async fn ping(&self) -> Result<(), StoreError> {
        self.redis.ping().await
    }

    /// In one round trip with starting the time-out anew.
    async fn read(&self, key: &str, ttl: Option<Duration>) -> Result<Option<String>, StoreError> {
        let command = match ttl {
            Some(ttl) => redis::cmd("GETEX").arg(key).arg("PX").arg(millis(ttl)).take(),
            None => redis::cmd("GET").arg(key).take(),
        };
        self.redis.command(&command, Repeat::Freely).await
    }

    async fn create(&self, key: &str, value: String, ttl: Option<Duration>) -> Result<bool, StoreError> {
        self.set(key, value, "NX", ttl).await
    }

    async fn replace(&self, key: &str, value: String, ttl: Option<Duration>) -> Result<(), StoreError> {
        self.set(key, value, "XX", ttl).await.map(drop)
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.redis.command(redis::cmd("DEL").arg(key), Repeat::Freely).await
    }

    async fn add_to_cart(&self, user: &str, line: String) -> Result<u64, StoreError> {
        let (count_key, lines_key) = (self.keys.cart_count(user), self.keys.cart_lines(user));
        let ttl_ms = millis(self.user_data_ttl);
        let mut change = redis::pipe();
        change.atomic();
        change.cmd("INCR").arg(&count_key);
        change.cmd("LPUSH").arg(&lines_key).arg(line).ignore();
        change.cmd("LTRIM").arg(&lines_key).arg(0).arg(Cart::LINES_KEPT - 1).ignore();
        change.cmd("PEXPIRE").arg(&count_key).arg(ttl_ms).ignore();
        change.cmd("PEXPIRE").arg(&lines_key).arg(ttl_ms).ignore();
        let (count,): (u64,) = self.redis.transaction(&change, Repeat::IfNotDone).await?;
        Ok(count)
    }

    async fn cart(&self, user: &str) -> Result<Cart, StoreError> {
        let mut look = redis::pipe();
        look.atomic();
        look.cmd("GET").arg(self.keys.cart_count(user));
        look.cmd("LRANGE").arg(self.keys.cart_lines(user)).arg(0).arg(-1);
        let (count, lines): (Option<u64>, Vec<String>) = self.redis.transaction(&look, Repeat::Freely).await?;
        Ok(Cart { count: count.unwrap_or(0), lines })
    }

    async fn empty_cart(&self, user: &str) -> Result<(), StoreError> {
        let command = redis::cmd("DEL").arg(self.keys.cart_count(user)).arg(self.keys.cart_lines(user)).take();
        self.redis.command(&command, Repeat::IfNotDone).await
    }

    async fn theme(&self, user: &str) -> Result<Option<String>, StoreError> {
        self.read(&self.keys.preferences(user), Some(self.user_data_ttl)).await
    }

    async fn set_theme(&self, user: &str, theme: &str) -> Result<(), StoreError> {
        let key = self.keys.preferences(user);
        let command = redis::cmd("SET").arg(key).arg(theme).arg("PX").arg(millis(self.user_data_ttl)).take();
        // Not repeated when in doubt: a repetition could come after the user's next change and undo it.
        self.redis.command(&command, Repeat::IfNotDone).await
    }

    async fn enqueue_job(&self, job: &Job) -> Result<(), StoreError> {
        self.jobs.enqueue(job).await
    }

    async fn job(&self, id: &str) -> Result<Option<Job>, StoreError> {
        self.jobs.get(id).await
    }

    async fn claim_job(&self, owner: &Owner) -> Result<Option<Job>, StoreError> {
        self.jobs.claim(owner).await
    }

    async fn save_job(&self, id: &str, owner: &Owner, progress: f64) -> Result<Lease, StoreError> {
        self.jobs.save(id, owner, progress).await
    }

    async fn hand_back_job(&self, id: &str, owner: &Owner) -> Result<(), StoreError> {
        self.jobs.hand_back(id, owner).await
    }
}
