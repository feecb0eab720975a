use std::convert::Infallible;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum::response::{IntoResponse, Redirect, Response};

use super::super::problem::Problem;
use super::identify::{Identity, Visitor};
use super::tokens::bearer;

/// Asks for a logged-in user. Anyone else gets what their kind of client can use: a person the login page, a program
/// 401 and JSON.
pub struct SignedIn(pub Identity);

impl<S: Send + Sync> FromRequestParts<S> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        match parts.extensions.get::<Visitor>() {
            Some(Visitor::SignedIn(identity)) => Ok(Self(identity.clone())),
            Some(Visitor::Anonymous) | None => Err(ask_for_login(parts)),
        }
    }
}

/// For pages that anyone may see and that greet those they know.
impl<S: Send + Sync> OptionalFromRequestParts<S> for SignedIn {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        match parts.extensions.get::<Visitor>() {
            Some(Visitor::SignedIn(identity)) => Ok(Some(Self(identity.clone()))),
            Some(Visitor::Anonymous) | None => Ok(None),
        }
    }
}

fn ask_for_login(parts: &Parts) -> Response {
    if wants_json(&parts.headers) {
        return Problem::LoginRequired.into_response();
    }
    // Only a page that can be fetched again is worth coming back to.
    if parts.method != Method::GET {
        return Redirect::to("/login").into_response();
    }
    let next: String = url::form_urlencoded::byte_serialize(parts.uri.to_string().as_bytes()).collect();
    Redirect::to(&format!("/login?next={next}")).into_response()
}

fn wants_json(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    bearer(headers).is_some() || (accept.contains("application/json") && !accept.contains("text/html"))
}
