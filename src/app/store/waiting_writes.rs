use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::FromRedisValue;
use tokio::sync::Semaphore;

use super::super::config::StoreConfig;
use super::error::StoreError;
use super::locate::{Locator, Primary};
use super::redis_store::{Consequence, Question};
use super::slots::Slot;

/// Writes that are acknowledged only once replicas have them. `WAIT` holds up its connection, so each such write has one
/// to itself while it lasts.
#[derive(Debug)]
pub struct WaitingWrites {
    replicas: u32,
    within: Duration,
    idle: Mutex<Vec<Primary>>,
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

    pub async fn write<T: FromRedisValue>(
        &self,
        locator: &Locator,
        slot: Slot,
        question: Question<'_>,
    ) -> Result<T, Unwritten> {
        let mut primary = self.primary(locator, slot).await.map_err(Unwritten::NotNow)?;
        let value = question.ask(&mut primary.connection).await.map_err(|error| self.unwritten(slot, &error))?;
        let mut wait = redis::cmd("WAIT");
        wait.arg(self.replicas).arg(u64::try_from(self.within.as_millis()).unwrap_or(u64::MAX));
        let replicas: u32 = wait.query_async(&mut primary.connection).await.map_err(|error| {
            self.forget_idle(slot);
            Unwritten::InDoubt(StoreError::Failed(error.to_string()))
        })?;
        if replicas < self.replicas {
            self.forget_idle(slot);
            return Err(Unwritten::InDoubt(StoreError::NotReplicated { replicas, wanted: self.replicas }));
        }
        self.idle().push(primary);
        Ok(value)
    }

    async fn primary(&self, locator: &Locator, slot: Slot) -> Result<Primary, StoreError> {
        if let Some(idle) = self.take_idle(slot) {
            return Ok(idle);
        }
        let _turn = self.connecting.acquire().await.expect("nobody closes it");
        match self.take_idle(slot) {
            Some(idle) => Ok(idle),
            None => locator.connect(slot).await,
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Primary>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unwritten(&self, slot: Slot, error: &redis::RedisError) -> Unwritten {
        let consequence = Consequence::of(error);
        if consequence.connection_is_useless {
            self.forget_idle(slot);
        }
        let failure = StoreError::Failed(error.to_string());
        if consequence.surely_not_done { Unwritten::NotNow(failure) } else { Unwritten::InDoubt(failure) }
    }

    fn take_idle(&self, slot: Slot) -> Option<Primary> {
        let mut idle = self.idle();
        let last = idle.iter().rposition(|primary| primary.slots.contains(slot))?;
        Some(idle.remove(last))
    }

    /// All that serve a slot go to the same server: what is wrong with one is wrong with the others.
    fn forget_idle(&self, slot: Slot) {
        self.idle().retain(|primary| !primary.slots.contains(slot));
    }
}
