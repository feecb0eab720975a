use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use super::input::Input;
use super::problem::Problem;
use super::session::SignedIn;
use super::state::App;

/// What a user prefers. Belongs to the user, not to the session: it is there again after the next login.
#[derive(Debug, Serialize, Deserialize)]
pub struct Preferences {
    theme: String,
}

const DEFAULT_THEME: &str = "light";
const LONGEST_THEME: usize = 64;

/// `GET /preferences`
pub async fn read(State(app): State<App>, SignedIn(identity): SignedIn) -> Result<Json<Preferences>, Problem> {
    let theme = app.store.theme(&identity.login.user).await?;
    Ok(Json(Preferences { theme: theme.unwrap_or_else(|| DEFAULT_THEME.into()) }))
}

/// `PUT /preferences`: answers with what is stored, once it is.
pub async fn write(
    State(app): State<App>,
    SignedIn(identity): SignedIn,
    Input(wanted): Input<Preferences>,
) -> Result<Json<Preferences>, Problem> {
    if wanted.theme.is_empty() || wanted.theme.len() > LONGEST_THEME {
        return Err(Problem::Invalid(format!("theme wants 1 to {LONGEST_THEME} bytes")));
    }
    app.store.set_theme(&identity.login.user, &wanted.theme).await?;
    Ok(Json(wanted))
}
