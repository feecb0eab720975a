use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tower_sessions::Session;

use super::super::problem::Problem;
use super::super::state::App;
use super::signed_in::{LOGIN, Login, now_ms};
use super::tokens::bearer;

/// Who sent a request; in its extensions.
#[derive(Debug, Clone)]
pub enum Visitor {
    Anonymous,
    SignedIn(Identity),
}

/// A logged-in user.
#[derive(Debug, Clone)]
pub struct Identity {
    pub login: Login,
    /// The bearer token, when that is how they came.
    pub token: Option<String>,
}

/// In a response's extensions: whom it was for. Becomes `X-User`.
#[derive(Debug, Clone)]
pub struct SignedInAs(pub String);

/// Finds out who is asking, before any handler runs, and keeps the cookie alive for as long as the session is.
pub async fn identify(State(app): State<App>, session: Session, mut request: Request, next: Next) -> Response {
    let visitor = match who(&app, request.headers(), &session).await {
        Ok(visitor) => visitor,
        Err(problem) => return problem.into_response(),
    };
    let user = match &visitor {
        Visitor::SignedIn(identity) => Some(SignedInAs(identity.login.user.clone())),
        Visitor::Anonymous => None,
    };
    request.extensions_mut().insert(visitor);
    let by_cookie = bearer(request.headers()).is_none();

    let mut response = next.run(request).await;
    if let Some(user) = user {
        // A login within this request knows better.
        response.extensions_mut().get_or_insert_with(|| user);
    }
    // A changed session gets its cookie from the session layer.
    if let Some(cookie) =
        session.id().filter(|_| by_cookie && !session.is_modified()).and_then(|id| app.cookie.refresh(id))
    {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

async fn who(app: &App, headers: &HeaderMap, session: &Session) -> Result<Visitor, Problem> {
    if let Some(token) = bearer(headers) {
        return by_token(app, token).await;
    }
    let Some(login) = session.get::<Login>(LOGIN).await? else { return Ok(Visitor::Anonymous) };
    if login.is_past(app.absolute_timeout, now_ms()) {
        session.flush().await?;
        return Ok(Visitor::Anonymous);
    }
    Ok(Visitor::SignedIn(Identity { login, token: None }))
}

async fn by_token(app: &App, token: &str) -> Result<Visitor, Problem> {
    if token.is_empty() {
        return Ok(Visitor::Anonymous);
    }
    let Some(login) = app.tokens.find(token).await? else { return Ok(Visitor::Anonymous) };
    if login.is_past(app.absolute_timeout, now_ms()) {
        app.tokens.revoke(token).await?;
        return Ok(Visitor::Anonymous);
    }
    Ok(Visitor::SignedIn(Identity { login, token: Some(token.to_owned()) }))
}

/// The session layer answers a bare 500 when a changed session cannot be saved. To a client that is the same "try
/// again" as any other silence of the store.
pub async fn unsaved_is_unavailable(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let bare = !response.headers().contains_key(header::CONTENT_TYPE);
    if response.status() == StatusCode::INTERNAL_SERVER_ERROR && bare {
        return Problem::StoreUnavailable("the session could not be saved".into()).into_response();
    }
    response
}
