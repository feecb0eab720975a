use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::sleep;

use super::lifecycle::Phase;
use super::problem::Problem;
use super::state::App;

/// Lets a request in once the instance has booted and a worker is free, and keeps the worker for the service time.
/// Health checks do not pass through here: a busy instance is not a dead one.
pub async fn gate(State(app): State<App>, request: Request, next: Next) -> Response {
    if app.lifecycle.phase() == Phase::Starting {
        return Problem::Starting.into_response();
    }
    let Some(_worker) = app.workers.take().await else { return Problem::Overloaded.into_response() };
    let service_time = app.workers.service_time(app.lifecycle.ready_for());
    if !service_time.is_zero() {
        sleep(service_time).await;
    }
    next.run(request).await
}
