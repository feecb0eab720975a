use std::fmt::Write;

use axum::Json;
use axum::extract::{Path, Query};
use axum::response::Html;
use serde::Deserialize;
use serde_json::{Value, json};

use super::html::{escape, page};
use super::problem::Problem;
use super::session::SignedIn;

const PAGES: u32 = 50;
const ITEMS_A_PAGE: u32 = 20;

#[derive(Deserialize)]
pub struct PageQuery {
    #[serde(default = "first")]
    page: u32,
}

fn first() -> u32 {
    1
}

/// `GET /catalogue?page=N`: a few kilobytes of HTML for anyone; greets who is logged in.
pub async fn list(Query(query): Query<PageQuery>, visitor: Option<SignedIn>) -> Result<Html<String>, Problem> {
    let number = query.page;
    if !(1..=PAGES).contains(&number) {
        return Err(Problem::Unknown("catalogue page"));
    }
    let mut body = String::with_capacity(4096);
    // Writing to a string cannot fail.
    let _ = match visitor {
        Some(SignedIn(identity)) => writeln!(body, "<p>Welcome back, {}.</p>", escape(&identity.login.user)),
        None => writeln!(body, "<p><a href=\"/login\">Log in</a></p>"),
    };
    let _ = writeln!(body, "<h1>Catalogue, page {number} of {PAGES}</h1>\n<ul>");
    for item in (number - 1) * ITEMS_A_PAGE + 1..=number * ITEMS_A_PAGE {
        let (whole, cents) = (price_cents(item) / 100, price_cents(item) % 100);
        let _ = writeln!(
            body,
            "<li><a href=\"/catalogue/item-{item}\">Item {item}</a>, {whole}.{cents:02}: \
             one of the things people come back for, in the colour that is in season.</li>"
        );
    }
    let _ = writeln!(body, "</ul>\n<p><a href=\"/catalogue?page={}\">Next</a></p>", number % PAGES + 1);
    Ok(Html(page("Catalogue", &body)))
}

/// `GET /catalogue/{item}`
pub async fn item(Path(name): Path<String>) -> Result<Json<Value>, Problem> {
    let number = name
        .strip_prefix("item-")
        .and_then(|number| number.parse::<u32>().ok())
        .filter(|number| (1..=PAGES * ITEMS_A_PAGE).contains(number))
        .ok_or(Problem::Unknown("item"))?;
    Ok(Json(json!({ "item": name, "title": format!("Item {number}"), "price_cents": price_cents(number) })))
}

fn price_cents(item: u32) -> u32 {
    499 + item * 37 % 9500
}
