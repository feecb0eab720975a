use std::time::Duration;

use axum::http::HeaderValue;
use tower_sessions::cookie::{Cookie, SameSite};
use tower_sessions::session::Id;
use tower_sessions::{Expiry, SessionManagerLayer};

use super::super::config::AppConfig;
use super::records::Records;

/// How the session travels: HttpOnly, so that no script reads it; SameSite=Lax, so that other sites' forms do not
/// carry it; Max-Age as long as the session lasts without use.
#[derive(Debug, Clone)]
pub struct SessionCookie {
    name: String,
    secure: bool,
    max_age: time::Duration,
}

impl SessionCookie {
    pub fn new(config: &AppConfig) -> Self {
        let ttl = Duration::from_millis(config.session_ttl_ms);
        Self {
            name: config.cookie.name.clone(),
            secure: config.cookie.secure,
            max_age: ttl.try_into().unwrap_or(time::Duration::MAX),
        }
    }

    /// The layer that reads the cookie, and sets it for new and changed sessions.
    pub fn layer(&self, records: Records) -> SessionManagerLayer<Records> {
        SessionManagerLayer::new(records)
            .with_name(self.name.clone())
            .with_http_only(true)
            .with_same_site(SameSite::Lax)
            .with_secure(self.secure)
            .with_expiry(Expiry::OnInactivity(self.max_age))
    }

    /// `Set-Cookie` for a session that was only used: its time-out has started anew, so must the cookie's.
    pub fn refresh(&self, id: Id) -> Option<HeaderValue> {
        let cookie = Cookie::build((self.name.as_str(), id.to_string()))
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(self.secure)
            .path("/")
            .max_age(self.max_age);
        HeaderValue::from_str(&cookie.to_string()).ok()
    }
}
