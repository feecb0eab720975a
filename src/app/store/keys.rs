use super::super::config::AppConfig;
use super::super::defect::Defect;

/// Names of everything that is kept, all under one prefix. What is changed together has the same part in braces: a Redis
/// Cluster keeps it in one place.
#[derive(Debug, Clone)]
pub struct Keys {
    prefix: String,
}

impl Keys {
    pub fn new(config: &AppConfig) -> Self {
        let prefix = &config.store.key_prefix;
        match config.defect {
            Some(Defect::StorePerZone) => Self { prefix: format!("{prefix}{}:", config.zone) },
            _ => Self { prefix: prefix.clone() },
        }
    }

    pub fn session(&self, id: &str) -> String {
        format!("{}session:{id}", self.prefix)
    }

    pub fn token(&self, token: &str) -> String {
        format!("{}token:{token}", self.prefix)
    }

    /// A user's cart, where one item holds all of it.
    #[cfg(feature = "aws")]
    pub fn cart(&self, user: &str) -> String {
        format!("{}cart:{user}", self.prefix)
    }

    /// How many lines were added to a user's cart.
    pub fn cart_count(&self, user: &str) -> String {
        format!("{}cart:{{{user}}}:count", self.prefix)
    }

    /// The latest of these lines.
    pub fn cart_lines(&self, user: &str) -> String {
        format!("{}cart:{{{user}}}:lines", self.prefix)
    }

    pub fn preferences(&self, user: &str) -> String {
        format!("{}preferences:{user}", self.prefix)
    }

    /// Unfinished jobs, scored by the time at which anyone may take them.
    pub fn unfinished_jobs(&self) -> String {
        format!("{}{{jobs}}:unfinished", self.prefix)
    }

    /// What a job's id is put behind.
    pub fn job_prefix(&self) -> String {
        format!("{}{{jobs}}:", self.prefix)
    }
}
