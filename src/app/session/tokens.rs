use axum::http::{HeaderMap, header};

use super::super::store::StoreError;
use super::records::Records;
use super::signed_in::Login;

/// Bearer tokens: the same sessions for programs that keep no cookies.
#[derive(Debug, Clone)]
pub struct Tokens {
    records: Records,
}

impl Tokens {
    pub fn new(records: Records) -> Self {
        Self { records }
    }

    /// A new token for `login`: 128 random bits, in hexadecimal.
    pub async fn issue(&self, login: &Login) -> Result<String, StoreError> {
        let value = serde_json::json!(login).to_string();
        loop {
            let token = format!("{:032x}", rand::random::<u128>());
            if self.records.create(&self.records.keys().token(&token), value.clone()).await? {
                return Ok(token);
            }
        }
    }

    /// Whose token it is, its time-out started anew.
    pub async fn find(&self, token: &str) -> Result<Option<Login>, StoreError> {
        let value = self.records.read(&self.records.keys().token(token)).await?;
        // What cannot be read was written by another version; a new login cures that.
        Ok(value.and_then(|value| serde_json::from_str(&value).ok()))
    }

    pub async fn revoke(&self, token: &str) -> Result<(), StoreError> {
        self.records.delete(&self.records.keys().token(token)).await
    }
}

/// The bearer token a request carries. `Some("")` when it has an `Authorization` header of another kind.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().unwrap_or_default();
    let (scheme, token) = value.split_once(' ').unwrap_or_default();
    let well_formed = token.len() == 32 && token.bytes().all(|b| b.is_ascii_hexdigit());
    Some(if scheme.eq_ignore_ascii_case("bearer") && well_formed { token } else { "" })
}
