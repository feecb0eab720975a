use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Sessions in one instance's memory: what [`Defect::LocalSessions`](super::super::Defect::LocalSessions) plants.
#[derive(Debug, Clone, Default)]
pub struct LocalRecords(Arc<Mutex<HashMap<String, (String, Instant)>>>);

impl LocalRecords {
    fn live(&self) -> MutexGuard<'_, HashMap<String, (String, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn read(&self, key: &str, ttl: Duration) -> Option<String> {
        let mut live = self.live();
        let (value, end) = live.get_mut(key)?;
        if *end <= Instant::now() {
            live.remove(key);
            return None;
        }
        *end = Instant::now() + ttl;
        Some(value.clone())
    }

    pub fn create(&self, key: &str, value: String, ttl: Duration) -> bool {
        let mut live = self.live();
        let free = live.get(key).is_none_or(|(_, end)| *end <= Instant::now());
        if free {
            live.insert(key.to_owned(), (value, Instant::now() + ttl));
        }
        free
    }

    pub fn replace(&self, key: &str, value: String, ttl: Duration) {
        if let Some(entry) = self.live().get_mut(key) {
            *entry = (value, Instant::now() + ttl);
        }
    }

    pub fn delete(&self, key: &str) {
        self.live().remove(key);
    }
}
