use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};

use super::defect::{Defect, mix_up_sessions};
use super::gate::gate;
use super::session::{identify, unsaved_is_unavailable};
use super::stamp::stamp;
use super::state::App;
use super::{cart, catalogue, health, jobs, login, me, preferences};

/// Every address and every layer. Read layers from the bottom: the last one added sees a request first.
pub fn router(app: App) -> Router {
    let shop = Router::new()
        .route("/login", get(login::form).post(login::submit))
        .route("/api/login", post(login::api))
        .route("/logout", post(login::logout))
        .route("/me", get(me::show))
        .route("/preferences", get(preferences::read).put(preferences::write))
        .route("/cart", get(cart::read).post(cart::add).delete(cart::empty))
        .route("/catalogue", get(catalogue::list))
        .route("/catalogue/{item}", get(catalogue::item))
        .route("/jobs", post(jobs::start))
        .route("/jobs/{id}", get(jobs::poll))
        .layer(from_fn_with_state(app.clone(), identify))
        .layer(app.cookie.layer(app.records.clone()))
        .layer(from_fn(unsaved_is_unavailable))
        .layer(from_fn_with_state(app.clone(), gate));
    let shop = match app.defect {
        Some(Defect::SessionMixup) => shop.layer(from_fn_with_state(app.recent_users.clone(), mix_up_sessions)),
        _ => shop,
    };
    Router::new()
        .route("/livez", get(health::livez))
        .route("/healthz", get(health::healthz))
        .merge(shop)
        .layer(from_fn_with_state(app.clone(), stamp))
        .with_state(app)
}
