use std::time::Duration;

use serde_json::json;

use super::client::Client;
use super::redis_server::until;
use super::running_store::{RunningStore, over_each_store};
use super::server::Server;

over_each_store!(
    what_a_user_has_is_there_on_every_instance,
    a_cart_keeps_its_latest_lines_and_counts_all,
    the_session_id_changes_at_login_and_the_old_one_is_dead,
    only_the_right_password_with_the_right_form_gets_in,
    a_stranger_is_asked_to_log_in_in_their_own_way,
    logging_out_ends_the_session_everywhere,
    a_bearer_token_is_a_session_too,
    using_a_session_starts_its_time_out_anew,
    however_busy_a_session_ends_at_its_absolute_time_out,
);

fn what_a_user_has_is_there_on_every_instance(store: &dyn RunningStore) {
    let (a, b) = (Server::ready(store, "a", |_| {}), Server::ready(store, "b", |_| {}));
    let mut client = Client::logged_in(&a, "user7");

    let me = client.get("/me");
    assert_eq!(me.status, 200, "{}", me.body);
    assert_eq!((&me.json()["user"], &me.json()["instance"]), (&json!("user7"), &json!("a")));
    assert_eq!(client.post("/cart", json!({ "item": "item-1", "quantity": 3 })).json(), json!({ "count": 1 }));
    assert_eq!(client.put("/preferences", json!({ "theme": "dark" })).json(), json!({ "theme": "dark" }));

    let mut client = client.moved_to(&b);
    let me = client.get("/me");
    assert_eq!((&me.json()["user"], &me.json()["instance"]), (&json!("user7"), &json!("b")));
    let stamps = ["x-instance", "x-zone", "x-user"].map(|name| me.header(name));
    assert_eq!(stamps, [Some("b"), Some("zone-b"), Some("user7")]);
    assert_eq!(client.get("/preferences").json(), json!({ "theme": "dark" }));
    let added = client.send_form("/cart", &[("item", "item-2"), ("quantity", "1")]);
    assert_eq!(added.json(), json!({ "count": 2 }));
    let lines = json!([{ "item": "item-2", "quantity": 1 }, { "item": "item-1", "quantity": 3 }]);
    assert_eq!(client.get("/cart").json(), json!({ "count": 2, "lines": lines }));
    assert!(client.get("/catalogue?page=2").body.contains("Welcome back, user7"));

    // They belong to the user, so they outlive the session.
    assert_eq!(client.post("/logout", json!(null)).status, 303);
    let mut client = Client::logged_in(&a, "user7");
    assert_eq!(client.get("/cart").json()["count"], 2);
    assert_eq!(client.delete("/cart").status, 204);
    assert_eq!(client.get("/cart").json(), json!({ "count": 0, "lines": [] }));
    assert_eq!(Client::logged_in(&a, "user8").get("/preferences").json(), json!({ "theme": "light" }));
}

fn a_cart_keeps_its_latest_lines_and_counts_all(store: &dyn RunningStore) {
    let a = Server::ready(store, "a", |_| {});
    let mut client = Client::logged_in(&a, "user1");
    for n in 1..=25 {
        client.post("/cart", json!({ "item": format!("item-{n}") }));
    }
    let cart = client.get("/cart").json();
    assert_eq!((&cart["count"], cart["lines"].as_array().map(Vec::len)), (&json!(25), Some(20)));
    assert_eq!(cart["lines"][0]["item"], "item-25");
}

fn the_session_id_changes_at_login_and_the_old_one_is_dead(store: &dyn RunningStore) {
    let a = Server::ready(store, "a", |_| {});
    let mut client = Client::of(&a);
    client.get("/login");
    let planted = client.clone();
    assert_eq!(client.log_in("user1", "open sesame").status, 303);
    assert!(planted.sid.is_some() && client.sid.is_some() && planted.sid != client.sid);
    assert_eq!(client.get("/me").status, 200);
    assert!(planted.clone().get("/me").asks_for_login());
}

fn only_the_right_password_with_the_right_form_gets_in(store: &dyn RunningStore) {
    let a = Server::ready(store, "a", |_| {});
    let mut client = Client::of(&a);
    let wrong = client.log_in("user1", "guess");
    assert_eq!(wrong.status, 401);
    assert!(client.get("/me").asks_for_login());
    // The form that came with the refusal works.
    let csrf = wrong.csrf();
    let right = [("username", "user1"), ("password", "open sesame")];
    for csrf in ["", "00000000000000000000000000000000"] {
        assert_eq!(client.send_form("/login", &[right[0], right[1], ("csrf", csrf)]).status, 403);
    }
    assert_eq!(Client::of(&a).send_form("/login", &[right[0], right[1], ("csrf", &csrf)]).status, 403);
    let to_cart = [right[0], right[1], ("csrf", csrf.as_str()), ("next", "/cart")];
    assert_eq!(client.send_form("/login", &to_cart).header("location"), Some("/cart"));
}

fn a_stranger_is_asked_to_log_in_in_their_own_way(store: &dyn RunningStore) {
    let a = Server::ready(store, "a", |_| {});
    let mut person = Client::of(&a);
    assert_eq!(person.get("/cart?x=1").header("location"), Some("/login?next=%2Fcart%3Fx%3D1"));
    assert_eq!(person.post("/cart", json!({ "item": "x" })).header("location"), Some("/login"));
    assert!(person.get("/cart").header("x-user").is_none());
    assert_eq!(person.get("/catalogue").status, 200);
    assert!(person.sid.is_none(), "looking around needs no session");

    let mut program = Client::of(&a);
    program.accept = "application/json";
    let refused = program.get("/me");
    assert_eq!((refused.status, refused.json()), (401, json!({ "error": "login required" })));
    program.sid = Some("AAAAAAAAAAAAAAAAAAAAAA".into());
    assert_eq!(program.get("/me").status, 401);
    assert!(program.sid.is_none(), "a dead cookie is taken back");
}

fn logging_out_ends_the_session_everywhere(store: &dyn RunningStore) {
    let (a, b) = (Server::ready(store, "a", |_| {}), Server::ready(store, "b", |_| {}));
    let mut client = Client::logged_in(&a, "user1");
    let mut copy = client.clone().moved_to(&b);
    assert_eq!(copy.get("/me").status, 200);
    let bye = client.post("/logout", json!(null));
    assert_eq!((bye.status, bye.header("location")), (303, Some("/login")));
    assert!(client.sid.is_none());
    assert!(copy.get("/me").asks_for_login());
    assert_eq!(store.sessions(), Vec::<String>::new());
}

fn a_bearer_token_is_a_session_too(store: &dyn RunningStore) {
    let (a, b) = (Server::ready(store, "a", |_| {}), Server::ready(store, "b", |_| {}));
    let mut program = Client::of(&a);
    let credentials = |password: &str| json!({ "username": "user5", "password": password });
    assert_eq!(program.post("/api/login", credentials("guess")).status, 401);
    let login = program.post("/api/login", credentials("open sesame"));
    assert_eq!((&login.json()["user"], login.header("x-user")), (&json!("user5"), Some("user5")));
    program.token = login.json()["token"].as_str().map(str::to_owned);

    let mut program = program.moved_to(&b);
    let me = program.get("/me");
    assert_eq!((&me.json()["user"], me.header("x-user")), (&json!("user5"), Some("user5")));
    assert!(program.sid.is_none());
    assert_eq!(program.post("/logout", json!(null)).status, 303);
    assert_eq!(program.get("/me").status, 401);
}

fn using_a_session_starts_its_time_out_anew(store: &dyn RunningStore) {
    let a = Server::ready(store, "a", |_| {});
    let mut client = Client::logged_in(&a, "user1");
    let key = format!("test:session:{}", client.sid.clone().expect("a session"));
    store.set_time_left(&key, Duration::from_secs(30));
    let me = client.get("/me");
    assert!(store.time_left(&key) > Duration::from_secs(31));
    let cookie = me.header("set-cookie").expect("the cookie slides as well");
    for attribute in ["HttpOnly", "SameSite=Lax", "Max-Age=60", "Path=/"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    store.remove(&key);
    assert!(client.get("/me").asks_for_login());
}

fn however_busy_a_session_ends_at_its_absolute_time_out(store: &dyn RunningStore) {
    let a = Server::ready(store, "a", |config| config.absolute_timeout_ms = 300);
    let mut client = Client::logged_in(&a, "user1");
    until("the session ends", || client.get("/me").asks_for_login());
}
