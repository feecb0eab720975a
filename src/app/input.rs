use axum::extract::{Form, FromRequest, Json, Request};
use axum::http::{HeaderMap, header};
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// A body that may come as JSON or as a form.
pub struct Input<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequest<S> for Input<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if is_form(request.headers()) {
            let form = Form::<T>::from_request(request, state).await;
            return form.map(|Form(value)| Self(value)).map_err(|error| Problem::Invalid(error.body_text()));
        }
        let json = Json::<T>::from_request(request, state).await;
        json.map(|Json(value)| Self(value)).map_err(|error| Problem::Invalid(error.body_text()))
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with("application/x-www-form-urlencoded"))
}
