use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::task::spawn_blocking;

use super::config::{Generated, PasswordCost, Users};
use super::error::AppError;

/// OWASP's second choice for argon2id: 19 MiB, two passes, one lane.
const PRODUCTION: (u32, u32, u32) = (19 * 1024, 2, 1);
/// The least argon2 allows. Cheap to guess as well: for made-up users only.
const LAB_ONLY_CHEAP: (u32, u32, u32) = (8, 1, 1);

/// Who may log in, and how that is checked.
#[derive(Debug, Clone)]
pub struct Passwords {
    prefix: String,
    count: u64,
    /// All made-up users share a password, so also its hash. Real users each have a row with their own.
    hash: Arc<String>,
}

impl Passwords {
    /// Hashes the password. Costs as much as one login.
    ///
    /// # Errors
    /// [`AppError::PasswordHash`].
    pub fn new(users: &Users, cost: PasswordCost) -> Result<Self, AppError> {
        let Users::Generated(Generated { count, prefix, password }) = users;
        let (memory_kib, passes, lanes) = match cost {
            PasswordCost::Production => PRODUCTION,
            PasswordCost::Lab => LAB_ONLY_CHEAP,
        };
        let failed = |error: &dyn std::fmt::Display| AppError::PasswordHash(error.to_string());
        let params = Params::new(memory_kib, passes, lanes, None).map_err(|error| failed(&error))?;
        let hash = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password(password.reveal().as_bytes())
            .map_err(|error| failed(&error))?;
        Ok(Self { prefix: prefix.clone(), count: *count, hash: Arc::new(hash.to_string()) })
    }

    /// Whether `password` is `user`'s. Takes as long when there is no such user, so that the time tells nobody which
    /// names exist; and away from the threads that serve requests.
    pub async fn fit(&self, user: &str, password: String) -> bool {
        let hash = self.hash.clone();
        let right = spawn_blocking(move || {
            // The parameters come from the hash: hashes made at another cost still verify.
            PasswordHash::new(&hash)
                .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
        })
        .await
        .unwrap_or(false);
        right & self.knows(user)
    }

    fn knows(&self, user: &str) -> bool {
        let Some(number) = user.strip_prefix(&self.prefix) else { return false };
        // `user7` and `user007` would be two carts of one person.
        let canonical = number.bytes().all(|b| b.is_ascii_digit()) && !number.starts_with('0');
        canonical && number.parse::<u64>().is_ok_and(|number| number <= self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::super::config::Secret;
    use super::*;

    #[tokio::test]
    async fn only_known_users_with_their_password_get_in() {
        let generated = Generated { count: 10, prefix: "user".into(), password: Secret::new("pass word") };
        let passwords = Passwords::new(&Users::Generated(generated), PasswordCost::Lab).expect("hash");
        assert!(passwords.fit("user1", "pass word".into()).await);
        assert!(passwords.fit("user10", "pass word".into()).await);
        for (user, password) in [
            ("user1", "other"),
            ("user11", "pass word"),
            ("user0", "pass word"),
            ("user01", "pass word"),
            ("user", "pass word"),
            ("user+1", "pass word"),
            ("1", "pass word"),
        ] {
            assert!(!passwords.fit(user, password.into()).await, "{user} {password}");
        }
    }
}
