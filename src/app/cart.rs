use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::defect::Defect;
use super::input::Input;
use super::problem::Problem;
use super::session::SignedIn;
use super::state::App;
use super::store::Cart;

/// A line of a cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    item: String,
    #[serde(default = "one")]
    quantity: u32,
}

fn one() -> u32 {
    1
}

const LONGEST_ITEM: usize = 64;

/// `POST /cart`: adds a line; answers how many were added since the cart was last emptied.
///
/// Line and count change together or not at all, and never twice: see [`Store`](super::store::Store).
pub async fn add(
    State(app): State<App>,
    SignedIn(identity): SignedIn,
    Input(line): Input<Line>,
) -> Result<Json<Value>, Problem> {
    if line.item.is_empty() || line.item.len() > LONGEST_ITEM || line.quantity == 0 {
        return Err(Problem::Invalid(format!("wanted an item of 1 to {LONGEST_ITEM} bytes and a quantity above 0")));
    }
    let user = &identity.login.user;
    if Defect::drops_this_write(app.defect) {
        let (count, _) = contents(&app, user).await?;
        return Ok(Json(json!({ "count": count + 1 })));
    }
    let count = app.store.add_to_cart(user, json!(line).to_string()).await?;
    Ok(Json(json!({ "count": count })))
}

/// `GET /cart`: the count and the latest lines, newest first.
pub async fn read(State(app): State<App>, SignedIn(identity): SignedIn) -> Result<Json<Value>, Problem> {
    let (count, lines) = contents(&app, &identity.login.user).await?;
    Ok(Json(json!({ "count": count, "lines": lines })))
}

/// `DELETE /cart`
pub async fn empty(State(app): State<App>, SignedIn(identity): SignedIn) -> Result<StatusCode, Problem> {
    app.store.empty_cart(&identity.login.user).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn contents(app: &App, user: &str) -> Result<(u64, Vec<Line>), Problem> {
    let Cart { count, lines } = app.store.cart(user).await?;
    // A line another version wrote is shown by that version.
    Ok((count, lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect()))
}
