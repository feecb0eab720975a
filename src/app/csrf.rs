use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use tower_sessions::Session;

use super::problem::Problem;

/// The token that ties a posted login form to the browser that fetched it.
///
/// Only `POST /login` asks for one. Every other change needs the session cookie, which SameSite=Lax keeps out of other
/// sites' forms, or a bearer token, which they do not have. Logging in needs neither: without the token another site
/// could log a visitor in as someone else and watch what they do there.
#[derive(Debug, Clone)]
pub enum Csrf {
    /// In the visitor's session, which any instance can read.
    InSession,
    /// Only for [`Defect::LocalCsrf`](super::Defect::LocalCsrf).
    Local(Arc<Mutex<HashSet<String>>>),
}

const CSRF: &str = "csrf";

impl Csrf {
    /// The token for a form shown now. A visitor with several forms open has the same in each.
    pub async fn token(&self, session: &Session) -> Result<String, Problem> {
        if let Self::InSession = self
            && let Some(token) = session.get(CSRF).await?
        {
            return Ok(token);
        }
        let token = format!("{:032x}", rand::random::<u128>());
        match self {
            Self::InSession => session.insert(CSRF, &token).await?,
            Self::Local(tokens) => {
                tokens.lock().unwrap_or_else(PoisonError::into_inner).insert(token.clone());
            }
        }
        Ok(token)
    }

    /// Whether `token` came with a form shown to this visitor.
    pub async fn fits(&self, session: &Session, token: &str) -> Result<bool, Problem> {
        Ok(match self {
            Self::InSession => session.get::<String>(CSRF).await?.is_some_and(|expected| same(&expected, token)),
            Self::Local(tokens) => tokens.lock().unwrap_or_else(PoisonError::into_inner).contains(token),
        })
    }

    /// Ends the token's use, with the login it was for.
    pub async fn spend(&self, session: &Session, token: &str) -> Result<(), Problem> {
        match self {
            Self::InSession => {
                session.remove::<String>(CSRF).await?;
            }
            Self::Local(tokens) => {
                tokens.lock().unwrap_or_else(PoisonError::into_inner).remove(token);
            }
        }
        Ok(())
    }
}

/// Compares without telling by its duration how much fits.
fn same(expected: &str, given: &str) -> bool {
    expected.len() == given.len() && expected.bytes().zip(given.bytes()).fold(0, |all, (a, b)| all | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn only_the_same_token_fits() {
        assert!(same("abc", "abc"));
        assert!(!same("abc", "abd"));
        assert!(!same("abc", "ab"));
        assert!(!same("abc", ""));
    }
}
