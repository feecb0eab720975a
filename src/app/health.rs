use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::lifecycle::Phase;
use super::state::App;
use super::store::{Store, StoreError};

/// What the store last said, so that many balancers asking often do not become a load of their own.
#[derive(Debug, Clone, Default)]
pub struct StoreHealth(Arc<Mutex<Option<LastAnswer>>>);

#[derive(Debug)]
struct LastAnswer {
    at: Instant,
    answer: Result<(), StoreError>,
}

const FRESH_FOR: Duration = Duration::from_millis(250);

impl StoreHealth {
    async fn ask(&self, store: &Store) -> Result<(), StoreError> {
        let mut last = self.0.lock().await;
        if let Some(fresh) = last.as_ref().filter(|last| last.at.elapsed() < FRESH_FOR) {
            return fresh.answer.clone();
        }
        let answer = store.ping().await;
        *last = Some(LastAnswer { at: Instant::now(), answer: answer.clone() });
        answer
    }
}

/// Liveness: the process answers. Whoever restarts processes asks this; a store that is down is no reason to.
pub async fn livez() -> Json<serde_json::Value> {
    Json(json!({ "status": "live" }))
}

/// Readiness: a request sent here now would be served. The balancer asks this.
pub async fn healthz(State(app): State<App>) -> Response {
    let reason = match app.lifecycle.phase() {
        Phase::Starting => Some("starting"),
        Phase::Draining => Some("draining"),
        Phase::Ready => match app.store_health.ask(&app.store).await {
            Ok(()) => None,
            Err(error) => {
                log::warn!("unready: {error}");
                Some("store unavailable")
            }
        },
    };
    match reason {
        None => Json(json!({ "status": "ready" })).into_response(),
        Some(reason) => {
            (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "status": "unready", "reason": reason }))).into_response()
        }
    }
}
