use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::input::Input;
use super::super::problem::Problem;
use super::super::session::SignedIn;
use super::super::state::App;
use super::job::{Job, JobKind};

#[derive(Deserialize)]
pub struct NewJob {
    kind: JobKind,
    seconds: f64,
}

const LONGEST_SECONDS: f64 = 600.0;

/// `POST /jobs`
pub async fn start(
    State(app): State<App>,
    SignedIn(identity): SignedIn,
    Input(wanted): Input<NewJob>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    if !(0.0..=LONGEST_SECONDS).contains(&wanted.seconds) {
        return Err(Problem::Invalid(format!("seconds wants 0 to {LONGEST_SECONDS}")));
    }
    let job = Job::new(identity.login.user, wanted.kind, wanted.seconds);
    app.jobs.enqueue(&job).await?;
    app.job_queued.notify_one();
    Ok((StatusCode::ACCEPTED, Json(json!({ "id": job.id, "state": job.state }))))
}

/// `GET /jobs/{id}`: of one's own jobs; anyone else's are as good as unknown.
pub async fn poll(
    State(app): State<App>,
    SignedIn(identity): SignedIn,
    Path(id): Path<String>,
) -> Result<Json<Job>, Problem> {
    let job = app.jobs.get(&id).await?.filter(|job| job.user == identity.login.user);
    job.map(Json).ok_or(Problem::Unknown("job"))
}
