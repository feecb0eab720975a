use serde_json::json;

use super::super::defect::Defect;
use super::client::Client;
use super::redis_server::until;
use super::running_store::{RunningStore, over_each_store};
use super::server::Server;

over_each_store!(
    local_sessions_are_unknown_elsewhere,
    a_store_per_zone_loses_sessions_and_carts_between_zones,
    dropped_writes_are_acknowledged,
    mixed_up_sessions_show_someone_else,
    a_local_csrf_token_fits_only_where_it_was_made,
    local_jobs_are_unknown_elsewhere,
);

fn local_sessions_are_unknown_elsewhere(store: &dyn RunningStore) {
    let start = |name| Server::with_defect(store, name, Defect::LocalSessions);
    let (a, b) = (start("a"), start("b"));
    let mut client = Client::logged_in(&a, "user1");
    assert_eq!(client.get("/me").status, 200);
    assert!(client.clone().moved_to(&b).get("/me").asks_for_login());
    assert_eq!(client.get("/me").status, 200);
}

fn a_store_per_zone_loses_sessions_and_carts_between_zones(store: &dyn RunningStore) {
    let start = |name| Server::with_defect(store, name, Defect::StorePerZone);
    let (a, b) = (start("a"), start("b"));
    let mut client = Client::logged_in(&a, "user1");
    client.post("/cart", json!({ "item": "item-1" }));
    assert!(client.clone().moved_to(&b).get("/me").asks_for_login());
    assert_eq!(Client::logged_in(&b, "user1").get("/cart").json()["count"], 0);
}

fn dropped_writes_are_acknowledged(store: &dyn RunningStore) {
    let a = Server::with_defect(store, "a", Defect::DroppedWrites);
    let mut client = Client::logged_in(&a, "user1");
    let mut acknowledged = 0;
    until("a write is dropped", || {
        let added = client.post("/cart", json!({ "item": "item-1" }));
        acknowledged += i64::from(added.status == 200);
        client.get("/cart").json()["count"].as_i64() < Some(acknowledged)
    });
}

fn mixed_up_sessions_show_someone_else(store: &dyn RunningStore) {
    let a = Server::with_defect(store, "a", Defect::SessionMixup);
    Client::logged_in(&a, "user2").get("/me");
    let mut client = Client::logged_in(&a, "user1");
    until("someone else is shown", || {
        let me = client.get("/me");
        let (named, shown) = (me.header("x-user").map(str::to_owned), me.json()["user"].clone());
        assert_eq!(Some(shown.as_str().expect("a name")), named.as_deref());
        shown == "user2"
    });
}

fn a_local_csrf_token_fits_only_where_it_was_made(store: &dyn RunningStore) {
    let start = |name| Server::with_defect(store, name, Defect::LocalCsrf);
    let (a, b) = (start("a"), start("b"));
    let mut client = Client::of(&a);
    let csrf = client.get("/login").csrf();
    let form = [("username", "user1"), ("password", "open sesame"), ("csrf", csrf.as_str())];
    assert_eq!(client.clone().moved_to(&b).send_form("/login", &form).status, 403);
    assert_eq!(client.send_form("/login", &form).status, 303);
    assert_eq!(client.moved_to(&b).get("/me").status, 200);
}

fn local_jobs_are_unknown_elsewhere(store: &dyn RunningStore) {
    let start = |name| Server::with_defect(store, name, Defect::LocalJobs);
    let (a, b) = (start("a"), start("b"));
    let mut client = Client::logged_in(&a, "user1");
    let id = client.post("/jobs", json!({ "kind": "report", "seconds": 0.2 })).json()["id"].clone();
    let path = format!("/jobs/{}", id.as_str().expect("an id"));
    assert_eq!(client.clone().moved_to(&b).get(&path).status, 404);
    until("it is done", || client.get(&path).json()["state"] == "done");
}
