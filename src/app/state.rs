use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::capacity::Workers;
use super::config::AppConfig;
use super::csrf::Csrf;
use super::defect::{Defect, RecentUsers, SLOW_WARM_UP};
use super::error::AppError;
use super::health::StoreHealth;
use super::jobs::Queue;
use super::lifecycle::Lifecycle;
use super::password::Passwords;
use super::session::{Records, SessionCookie, Tokens};
use super::store::{Keys, Store};

/// One running instance, shared by its requests. Nothing in here is missed by a user when the instance dies.
#[derive(Debug)]
pub struct Instance {
    pub instance: String,
    pub zone: String,
    pub lifecycle: Lifecycle,
    pub workers: Workers,
    pub store: Arc<Store>,
    pub store_health: StoreHealth,
    /// How long the store may be away before this instance is unready.
    pub store_grace: Duration,
    pub keys: Keys,
    pub records: Records,
    pub cookie: SessionCookie,
    pub tokens: Tokens,
    pub csrf: Csrf,
    pub passwords: Passwords,
    pub absolute_timeout: Duration,
    pub user_data_ttl_ms: u64,
    pub jobs: Queue,
    /// Wakes the job worker for a job that was queued here.
    pub job_queued: Notify,
    pub defect: Option<Defect>,
    pub recent_users: RecentUsers,
}

/// What handlers get.
pub type App = Arc<Instance>;

impl Instance {
    /// Puts an instance together, with the defect it is to have. Hashes a password: costs as much as one login.
    ///
    /// # Errors
    /// [`AppError::CaFile`], [`AppError::PasswordHash`].
    pub fn new(config: &AppConfig, lifecycle: Lifecycle) -> Result<Self, AppError> {
        let store = Arc::new(Store::new(&config.store)?);
        let keys = Keys::new(config);
        let session_ttl = Duration::from_millis(config.session_ttl_ms);
        let records = match config.defect {
            Some(Defect::LocalSessions) => Records::local(keys.clone(), session_ttl),
            Some(Defect::SessionsWithoutTtl) => Records::without_ttl(store.clone(), keys.clone(), session_ttl),
            _ => Records::shared(store.clone(), keys.clone(), session_ttl),
        };
        let csrf = match config.defect {
            Some(Defect::LocalCsrf) => Csrf::Local(Arc::default()),
            _ => Csrf::InSession,
        };
        let jobs = match config.defect {
            Some(Defect::LocalJobs) => Queue::local(),
            _ => Queue::shared(store.clone(), keys.clone(), config),
        };
        let absolute_timeout = match config.defect {
            Some(Defect::NoAbsoluteTimeout) => Duration::MAX,
            _ => Duration::from_millis(config.absolute_timeout_ms),
        };
        let mut capacity = config.capacity.clone();
        if config.defect == Some(Defect::SlowWarmUp) {
            capacity.warm_up = Some(SLOW_WARM_UP);
        }
        Ok(Self {
            instance: config.instance.clone(),
            zone: config.zone.clone(),
            lifecycle,
            workers: Workers::new(&capacity),
            store_health: StoreHealth::default(),
            store_grace: Duration::from_millis(config.store.grace_ms),
            cookie: SessionCookie::new(config),
            tokens: Tokens::new(records.clone()),
            passwords: Passwords::new(&config.users, config.password_cost)?,
            absolute_timeout,
            user_data_ttl_ms: config.user_data_ttl_ms,
            job_queued: Notify::new(),
            defect: config.defect,
            recent_users: RecentUsers::default(),
            store,
            keys,
            records,
            csrf,
            jobs,
        })
    }
}
