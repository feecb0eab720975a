use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tower_sessions::session;

use super::store::StoreError;

/// Why a request was not answered as asked. Becomes a status and `{"error": "..."}`.
#[derive(Debug)]
pub enum Problem {
    /// 401: no session, or it has ended.
    LoginRequired,
    /// 401: user and password do not fit.
    WrongPassword,
    /// 404.
    Unknown(&'static str),
    /// 422: what was sent makes no sense; the text says what would.
    Invalid(String),
    /// 503: the store did not answer. A write may or may not have happened.
    StoreUnavailable(String),
    /// 503: booting.
    Starting,
    /// 503: more requests are waiting than may.
    Overloaded,
    /// 500: broken inside.
    Internal(String),
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, error) = match self {
            Self::LoginRequired => (StatusCode::UNAUTHORIZED, "login required".to_owned()),
            Self::WrongPassword => (StatusCode::UNAUTHORIZED, "wrong user or password".to_owned()),
            Self::Unknown(what) => (StatusCode::NOT_FOUND, format!("no such {what}")),
            Self::Invalid(what) => (StatusCode::UNPROCESSABLE_ENTITY, what),
            Self::StoreUnavailable(why) => {
                // The details name hosts; they are for the operator.
                log::warn!("{why}");
                (StatusCode::SERVICE_UNAVAILABLE, "store unavailable, try again".to_owned())
            }
            Self::Starting => (StatusCode::SERVICE_UNAVAILABLE, "starting".to_owned()),
            Self::Overloaded => {
                (StatusCode::SERVICE_UNAVAILABLE, "too many requests are waiting, try again".to_owned())
            }
            Self::Internal(why) => {
                log::error!("{why}");
                (StatusCode::INTERNAL_SERVER_ERROR, "internal error".to_owned())
            }
        };
        (status, Json(json!({ "error": error }))).into_response()
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::StoreUnavailable(error.to_string())
    }
}

impl From<session::Error> for Problem {
    fn from(error: session::Error) -> Self {
        match error {
            session::Error::Store(error) => Self::StoreUnavailable(error.to_string()),
            session::Error::SerdeJson(error) => Self::Internal(format!("a session cannot be read: {error}")),
        }
    }
}
