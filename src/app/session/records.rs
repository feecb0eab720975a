use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use time::OffsetDateTime;
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result};

use super::super::store::{Keys, Repeat, Store, StoreError};
use super::local::LocalRecords;

/// Where sessions and tokens are kept: small values with a sliding time-out.
///
/// Reading starts the time-out anew in the same round trip (`GETEX`). tower-sessions could be told to write each
/// session back with each response instead, but then a slow request that only read a session would write its old copy
/// over what another request of the same user has stored meanwhile.
#[derive(Clone)]
pub struct Records {
    backend: Backend,
    keys: Keys,
    ttl: Duration,
}

#[derive(Clone)]
enum Backend {
    Shared(Arc<Store>),
    /// Only for [`Defect::SessionsWithoutTtl`](super::super::Defect::SessionsWithoutTtl).
    WithoutTtl(Arc<Store>),
    /// Only for [`Defect::LocalSessions`](super::super::Defect::LocalSessions).
    Local(LocalRecords),
}

impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Records").field("ttl", &self.ttl).finish_non_exhaustive()
    }
}

impl Records {
    pub fn shared(store: Arc<Store>, keys: Keys, ttl: Duration) -> Self {
        Self { backend: Backend::Shared(store), keys, ttl }
    }

    pub fn without_ttl(store: Arc<Store>, keys: Keys, ttl: Duration) -> Self {
        Self { backend: Backend::WithoutTtl(store), keys, ttl }
    }

    pub fn local(keys: Keys, ttl: Duration) -> Self {
        Self { backend: Backend::Local(LocalRecords::default()), keys, ttl }
    }

    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    fn ttl_ms(&self) -> u64 {
        u64::try_from(self.ttl.as_millis()).unwrap_or(u64::MAX)
    }

    /// The value, its time-out started anew; `None` when there is none or it has ended.
    pub async fn read(&self, key: &str) -> std::result::Result<Option<String>, StoreError> {
        match &self.backend {
            Backend::Shared(store) => {
                let command = redis::cmd("GETEX").arg(key).arg("PX").arg(self.ttl_ms()).take();
                store.command(&command, Repeat::Freely).await
            }
            Backend::WithoutTtl(store) => store.command(redis::cmd("GET").arg(key), Repeat::Freely).await,
            Backend::Local(local) => Ok(local.read(key, self.ttl)),
        }
    }

    /// Stores a value that is not there yet; `false` when it is.
    pub async fn create(&self, key: &str, value: String) -> std::result::Result<bool, StoreError> {
        match &self.backend {
            Backend::Shared(store) => {
                let command = redis::cmd("SET").arg(key).arg(value).arg("NX").arg("PX").arg(self.ttl_ms()).take();
                let stored: Option<String> = store.command(&command, Repeat::IfNotDone).await?;
                Ok(stored.is_some())
            }
            Backend::WithoutTtl(store) => {
                let command = redis::cmd("SET").arg(key).arg(value).arg("NX").take();
                let stored: Option<String> = store.command(&command, Repeat::IfNotDone).await?;
                Ok(stored.is_some())
            }
            Backend::Local(local) => Ok(local.create(key, value, self.ttl)),
        }
    }

    /// Replaces a value that is there. One that is gone stays gone: a request that was on its way when its user logged
    /// out must not bring the session back to life.
    pub async fn replace(&self, key: &str, value: String) -> std::result::Result<(), StoreError> {
        match &self.backend {
            Backend::Shared(store) => {
                let command = redis::cmd("SET").arg(key).arg(value).arg("XX").arg("PX").arg(self.ttl_ms()).take();
                let _stored: Option<String> = store.command(&command, Repeat::IfNotDone).await?;
            }
            Backend::WithoutTtl(store) => {
                let command = redis::cmd("SET").arg(key).arg(value).arg("XX").take();
                let _stored: Option<String> = store.command(&command, Repeat::IfNotDone).await?;
            }
            Backend::Local(local) => local.replace(key, value, self.ttl),
        }
        Ok(())
    }

    pub async fn delete(&self, key: &str) -> std::result::Result<(), StoreError> {
        match &self.backend {
            Backend::Shared(store) | Backend::WithoutTtl(store) => {
                store.command::<()>(redis::cmd("DEL").arg(key), Repeat::Freely).await?;
            }
            Backend::Local(local) => local.delete(key),
        }
        Ok(())
    }
}

fn backend(error: StoreError) -> Error {
    Error::Backend(error.to_string())
}

fn encode(record: &Record) -> Result<String> {
    // The id is in the key and the time-out is the key's own: only the data needs keeping.
    serde_json::to_string(&record.data).map_err(|error| Error::Encode(error.to_string()))
}

#[async_trait]
impl SessionStore for Records {
    async fn create(&self, record: &mut Record) -> Result<()> {
        let value = encode(record)?;
        while !Records::create(self, &self.keys.session(&record.id.to_string()), value.clone())
            .await
            .map_err(backend)?
        {
            record.id = Id::default();
        }
        Ok(())
    }

    async fn save(&self, record: &Record) -> Result<()> {
        self.replace(&self.keys.session(&record.id.to_string()), encode(record)?).await.map_err(backend)
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let Some(value) = self.read(&self.keys.session(&id.to_string())).await.map_err(backend)? else {
            return Ok(None);
        };
        let data = serde_json::from_str(&value).map_err(|error| Error::Decode(error.to_string()))?;
        Ok(Some(Record { id: *id, data, expiry_date: OffsetDateTime::now_utc() + self.ttl }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        Records::delete(self, &self.keys.session(&id.to_string())).await.map_err(backend)
    }
}
