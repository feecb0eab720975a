use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::FromRedisValue;
use redis::aio::MultiplexedConnection;
use tokio::sync::Semaphore;

use super::super::config::StoreConfig;
use super::locate::Locator;
use super::redis_store::{Consequence, Question, StoreError};

/// Writes that are acknowledged only once replicas have them. `WAIT` holds up its connection, so each such write has one
/// to itself while it lasts.
#[derive(Debug)]
pub struct WaitingWrites {
    replicas: u32,
    within: Duration,
    idle: Mutex<Vec<MultiplexedConnection>>,
    /// After a failover every write needs a new connection at once. More handshakes than a few at a time would each be too
    /// late, and be tried again, for as long as there is load.
    connecting: Semaphore,
}

const CONNECTING_AT_ONCE: usize = 2;

/// Why a write is not acknowledged.
pub enum Unwritten {
    /// It was not carried out and may be tried again.
    NotNow(StoreError),
    /// Nobody can say.
    InDoubt(StoreError),
}

impl WaitingWrites {
    /// None where replicas are not waited for.
    pub fn new(config: &StoreConfig) -> Option<Self> {
        let within = Duration::from_millis(config.timeout_ms) / 2;
        (config.wait_for_replicas > 0).then(|| Self {
            replicas: config.wait_for_replicas,
            within,
            idle: Mutex::default(),
            connecting: Semaphore::new(CONNECTING_AT_ONCE),
        })
    }

    pub async fn write<T: FromRedisValue>(&self, locator: &Locator, question: Question<'_>) -> Result<T, Unwritten> {
        let mut connection = self.connection(locator).await.map_err(Unwritten::NotNow)?;
        let value = question.ask(&mut connection).await.map_err(|error| self.unwritten(&error))?;
        let mut wait = redis::cmd("WAIT");
        wait.arg(self.replicas).arg(u64::try_from(self.within.as_millis()).unwrap_or(u64::MAX));
        let replicas: u32 = wait.query_async(&mut connection).await.map_err(|error| {
            self.forget_idle();
            Unwritten::InDoubt(StoreError::Failed(error.to_string()))
        })?;
        if replicas < self.replicas {
            self.forget_idle();
            return Err(Unwritten::InDoubt(StoreError::NotReplicated { replicas, wanted: self.replicas }));
        }
        self.idle().push(connection);
        Ok(value)
    }

    async fn connection(&self, locator: &Locator) -> Result<MultiplexedConnection, StoreError> {
        let idle = || self.idle().pop();
        if let Some(idle) = idle() {
            return Ok(idle);
        }
        let _turn = self.connecting.acquire().await.expect("nobody closes it");
        match idle() {
            Some(idle) => Ok(idle),
            None => locator.connect().await,
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<MultiplexedConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unwritten(&self, error: &redis::RedisError) -> Unwritten {
        let consequence = Consequence::of(error);
        if consequence.connection_is_useless {
            self.forget_idle();
        }
        let failure = StoreError::Failed(error.to_string());
        if consequence.surely_not_done { Unwritten::NotNow(failure) } else { Unwritten::InDoubt(failure) }
    }

    /// All go to the same server: what is wrong with one is wrong with the others.
    fn forget_idle(&self) {
        self.idle().clear();
    }
}
