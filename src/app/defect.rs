use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::config::WarmUp;
use super::session::SignedInAs;

/// A way of being wrong that can be planted in an instance, and the symptom it should give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Defect {
    /// Sessions and tokens in this instance's memory. Another instance asks for a new login.
    LocalSessions,
    /// Each zone has a key prefix of its own. A session that moves to another zone is asked to log in, and after that
    /// finds an empty cart.
    StorePerZone,
    /// One cart write in twenty is acknowledged and dropped. The counter reads lower than was acknowledged.
    DroppedWrites,
    /// One authenticated answer in a hundred carries the name of another user whom this instance has served.
    SessionMixup,
    /// Service times fifteenfold at first, for twenty seconds. No session suffers; response times do.
    SlowWarmUp,
    /// The login form's CSRF token in this instance's memory. A form fetched here and posted elsewhere gives 403.
    LocalCsrf,
    /// Jobs in this instance's memory. Polled elsewhere they are unknown, and they die with the instance.
    LocalJobs,
    /// Sessions and tokens never expire in the store. Nobody is asked to log in who should be, and it fills up.
    SessionsWithoutTtl,
    /// A login is as good as ever at any age, as long as it is used.
    NoAbsoluteTimeout,
    /// Asked to end, it ends at once and drops what it has.
    DrainIgnored,
    /// Its health check says yes whatever it is asked: also while it boots, when every request gives 503.
    AlwaysHealthy,
}

/// The warm-up of [`Defect::SlowWarmUp`].
pub(super) const SLOW_WARM_UP: WarmUp = WarmUp { for_ms: 20_000, factor: 15.0 };

const DROPPED: f64 = 0.05;
const MIXED_UP: f64 = 0.01;

impl Defect {
    /// Whether this one write is to be acknowledged and forgotten.
    pub(super) fn drops_this_write(defect: Option<Self>) -> bool {
        defect == Some(Self::DroppedWrites) && rand::random_bool(DROPPED)
    }
}

/// The users whom an instance with [`Defect::SessionMixup`] has served lately.
#[derive(Debug, Clone, Default)]
pub(super) struct RecentUsers(Arc<Mutex<VecDeque<String>>>);

impl RecentUsers {
    const KEPT: usize = 64;

    /// Remembers `user` and gives another one, if any is known.
    fn other_than(&self, user: &str) -> Option<String> {
        let mut recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if recent.iter().all(|known| known != user) {
            recent.push_back(user.to_owned());
        }
        if recent.len() > Self::KEPT {
            recent.pop_front();
        }
        let others: Vec<&String> = recent.iter().filter(|known| *known != user).collect();
        (!others.is_empty()).then(|| others[rand::random_range(0..others.len())].clone())
    }
}

/// [`Defect::SessionMixup`], as a layer around an application that knows nothing of it.
pub(super) async fn mix_up_sessions(State(recent): State<RecentUsers>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let Some(SignedInAs(user)) = response.extensions().get().cloned() else { return response };
    let Some(other) = recent.other_than(&user).filter(|_| rand::random_bool(MIXED_UP)) else { return response };
    response.extensions_mut().insert(SignedInAs(other.clone()));
    if response.headers().get(header::CONTENT_TYPE) != Some(&HeaderValue::from_static("application/json")) {
        return response;
    }
    rename_in_body(response, &other).await
}

async fn rename_in_body(response: Response, user: &str) -> Response {
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, 1 << 20).await else { return Response::from_parts(parts, Body::empty()) };
    let renamed = match serde_json::from_slice::<serde_json::Value>(&bytes) {
        Ok(serde_json::Value::Object(mut object)) if object.contains_key("user") => {
            object.insert("user".into(), user.into());
            serde_json::Value::Object(object).to_string().into()
        }
        _ => bytes,
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(renamed))
}
