use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use time::OffsetDateTime;
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result};

use super::super::store::{Keys, Store, StoreError};
use super::local::LocalRecords;

/// Where sessions and tokens are kept: small values with a sliding time-out.
///
/// Reading starts the time-out anew by itself. tower-sessions could be told to write each
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
    Shared(Arc<dyn Store>),
    /// Only for [`Defect::SessionsWithoutTtl`](super::super::Defect::SessionsWithoutTtl).
    WithoutTtl(Arc<dyn Store>),
    /// Only for [`Defect::LocalSessions`](super::super::Defect::LocalSessions).
    Local(LocalRecords),
}

impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Records").field("ttl", &self.ttl).finish_non_exhaustive()
    }
}

impl Records {
    pub fn shared(store: Arc<dyn Store>, keys: Keys, ttl: Duration) -> Self {
        Self { backend: Backend::Shared(store), keys, ttl }
    }

    pub fn without_ttl(store: Arc<dyn Store>, keys: Keys, ttl: Duration) -> Self {
        Self { backend: Backend::WithoutTtl(store), keys, ttl }
    }

    pub fn local(keys: Keys, ttl: Duration) -> Self {
        Self { backend: Backend::Local(LocalRecords::default()), keys, ttl }
    }

    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// See [`Store::read`], also for what follows.
    pub async fn read(&self, key: &str) -> std::result::Result<Option<String>, StoreError> {
        match &self.backend {
            Backend::Shared(store) => store.read(key, Some(self.ttl)).await,
            Backend::WithoutTtl(store) => store.read(key, None).await,
            Backend::Local(local) => Ok(local.read(key, self.ttl)),
        }
    }

    pub async fn create(&self, key: &str, value: String) -> std::result::Result<bool, StoreError> {
        match &self.backend {
            Backend::Shared(store) => store.create(key, value, Some(self.ttl)).await,
            Backend::WithoutTtl(store) => store.create(key, value, None).await,
            Backend::Local(local) => Ok(local.create(key, value, self.ttl)),
        }
    }

    pub async fn replace(&self, key: &str, value: String) -> std::result::Result<(), StoreError> {
        match &self.backend {
            Backend::Shared(store) => store.replace(key, value, Some(self.ttl)).await,
            Backend::WithoutTtl(store) => store.replace(key, value, None).await,
            Backend::Local(local) => {
                local.replace(key, value, self.ttl);
                Ok(())
            }
        }
    }

    pub async fn delete(&self, key: &str) -> std::result::Result<(), StoreError> {
        match &self.backend {
            Backend::Shared(store) | Backend::WithoutTtl(store) => store.delete(key).await,
            Backend::Local(local) => {
                local.delete(key);
                Ok(())
            }
        }
    }
}

fn backend(error: StoreError) -> Error {
    Error::Backend(error.to_string())
}

fn encode(record: &Record) -> Result<String> {
    // The id is in the key and the time-out is kept beside the value: only the data needs keeping.
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
