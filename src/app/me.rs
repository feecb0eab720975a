use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::problem::Problem;
use super::session::SignedIn;
use super::state::App;

/// `GET /me`: who the application thinks you are, since when (RFC 3339), and which instance thinks so.
pub async fn show(State(app): State<App>, SignedIn(identity): SignedIn) -> Result<Json<Value>, Problem> {
    let since = OffsetDateTime::from_unix_timestamp_nanos(i128::from(identity.login.since_ms) * 1_000_000)
        .ok()
        .and_then(|since| since.format(&Rfc3339).ok())
        .ok_or_else(|| Problem::Internal(format!("{} ms is no time", identity.login.since_ms)))?;
    Ok(Json(json!({ "user": identity.login.user, "since": since, "instance": &*app.instance })))
}
