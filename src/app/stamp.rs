use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

use super::lifecycle::Phase;
use super::session::SignedInAs;
use super::state::App;

/// Says in each response who gave it, where and for whom, and asks clients to go elsewhere while draining.
pub async fn stamp(State(app): State<App>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let user = response.extensions_mut().remove::<SignedInAs>();
    let headers = response.headers_mut();
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    set("x-instance", &app.instance);
    set("x-zone", &app.zone);
    if let Some(SignedInAs(user)) = user {
        set("x-user", &user);
    }
    if app.lifecycle.phase() == Phase::Draining {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
