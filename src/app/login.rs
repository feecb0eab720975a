use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::{Value, json};
use tower_sessions::Session;

use super::html::login_form;
use super::input::Input;
use super::problem::Problem;
use super::session::{LOGIN, Login, SignedIn, SignedInAs};
use super::state::App;

#[derive(Deserialize)]
pub struct FormQuery {
    next: Option<String>,
}

#[derive(Deserialize)]
pub struct LoginForm {
    username: String,
    password: String,
    #[serde(default)]
    csrf: String,
    next: Option<String>,
}

#[derive(Deserialize)]
pub struct Credentials {
    username: String,
    password: String,
}

/// `GET /login`
pub async fn form(
    State(app): State<App>,
    session: Session,
    Query(query): Query<FormQuery>,
) -> Result<Html<String>, Problem> {
    let token = app.csrf.token(&session).await?;
    Ok(Html(login_form(&token, query.next.as_deref().filter(|next| is_local(next)), None)))
}

/// `POST /login`
pub async fn submit(
    State(app): State<App>,
    session: Session,
    Input(form): Input<LoginForm>,
) -> Result<Response, Problem> {
    let next = form.next.as_deref().filter(|next| is_local(next));
    if !app.csrf.fits(&session, &form.csrf).await? {
        let token = app.csrf.token(&session).await?;
        let page = login_form(&token, next, Some("This form is too old or not ours. Please try again."));
        return Ok((StatusCode::FORBIDDEN, Html(page)).into_response());
    }
    if !app.passwords.fit(&form.username, form.password).await {
        let page = login_form(&form.csrf, next, Some("Wrong user or password."));
        return Ok((StatusCode::UNAUTHORIZED, Html(page)).into_response());
    }
    app.csrf.spend(&session, &form.csrf).await?;
    // A new id: whoever planted the old one in this browser does not get to share the session.
    session.cycle_id().await?;
    session.insert(LOGIN, Login::now(form.username.clone())).await?;
    Ok((Extension(SignedInAs(form.username)), Redirect::to(next.unwrap_or("/me"))).into_response())
}

/// `POST /api/login`
pub async fn api(
    State(app): State<App>,
    Input(credentials): Input<Credentials>,
) -> Result<(Extension<SignedInAs>, Json<Value>), Problem> {
    if !app.passwords.fit(&credentials.username, credentials.password).await {
        return Err(Problem::WrongPassword);
    }
    let user = credentials.username;
    let token = app.tokens.issue(&Login::now(user.clone())).await?;
    Ok((Extension(SignedInAs(user.clone())), Json(json!({ "token": token, "user": user }))))
}

/// `POST /logout`
pub async fn logout(
    State(app): State<App>,
    session: Session,
    SignedIn(identity): SignedIn,
) -> Result<Redirect, Problem> {
    match identity.token {
        Some(token) => app.tokens.revoke(&token).await?,
        None => session.flush().await?,
    }
    Ok(Redirect::to("/login"))
}

/// Whether it leads to this site. Otherwise our login page would send people to any address in a link.
fn is_local(next: &str) -> bool {
    // Browsers read `//host` and `/\host` as addresses of another site, and skip control characters first.
    next.starts_with('/') && !next[1..].starts_with(['/', '\\']) && next.bytes().all(|b| b.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::is_local;

    #[test]
    fn login_leads_only_to_pages_of_this_site() {
        for next in ["/", "/me", "/catalogue?page=2"] {
            assert!(is_local(next), "{next}");
        }
        for next in ["", "me", "//evil.example", "/\\evil.example", "/\t/evil.example", "https://evil.example"] {
            assert!(!is_local(next), "{next}");
        }
    }
}
