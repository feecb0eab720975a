use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::defect::Defect;
use super::lifecycle::Phase;
use super::state::App;

/// When the store last answered this instance.
///
/// The store is shared: when it fails over, it is away for all instances at once, and an instance that says so by
/// becoming unready helps nobody. The balancer would take out every one of them, answer 503 to requests that need no
/// store, and take two more health checks to send any once the store is back. So an instance stays ready through an
/// outage as short as a failover. One that is cut off for longer, perhaps alone, is no use and says so.
#[derive(Debug, Clone, Default)]
pub struct StoreHealth(Arc<Mutex<Option<Instant>>>);

const ASK_EVERY: Duration = Duration::from_millis(250);

impl StoreHealth {
    fn answered_within(&self, grace: Duration) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|last| last.elapsed() <= grace)
    }

    fn answered_now(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }
}

/// Asks the store for as long as the instance lives. Health checks look at what was found: one that waited for a store
/// that hangs would be taken for an instance that hangs.
pub(super) async fn watch_store(app: App) {
    loop {
        match app.store.ping().await {
            Ok(()) => app.store_health.answered_now(),
            Err(error) => log::warn!("{error}"),
        }
        sleep(ASK_EVERY).await;
    }
}

/// Liveness: the process answers. Whoever restarts processes asks this; a store that is down is no reason to.
pub async fn livez() -> Json<serde_json::Value> {
    Json(json!({ "status": "live" }))
}

/// Readiness: a request sent here now would be served as well as anywhere. The balancer asks this.
pub async fn healthz(State(app): State<App>) -> Response {
    let reason = match app.lifecycle.phase() {
        _ if app.defect == Some(Defect::AlwaysHealthy) => None,
        Phase::Starting => Some("starting"),
        Phase::Draining => Some("draining"),
        Phase::Ready if app.store_health.answered_within(app.store_grace) => None,
        Phase::Ready => Some("store unavailable"),
    };
    match reason {
        None => Json(json!({ "status": "ready" })).into_response(),
        Some(reason) => {
            (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "status": "unready", "reason": reason }))).into_response()
        }
    }
}
