//! What DynamoDB does differently from Redis.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use super::super::config::StoreLocation;
use super::client::Client;
use super::dynamodb_server::{DynamodbServer, number};
use super::redis_server::until;
use super::running_store::RunningStore as _;
use super::server::Server;

const LONG_AGO: u64 = 1_000_000_000;

#[test]
fn what_has_ended_is_gone_although_it_is_still_there() {
    let table = DynamodbServer::start();
    let a = Server::ready(&table, "a", |_| {});
    let mut client = Client::logged_in(&a, "user1");
    for count in [1, 2] {
        assert_eq!(client.post("/cart", json!({ "item": "item-1" })).json(), json!({ "count": count }));
    }
    assert_eq!(client.put("/preferences", json!({ "theme": "dark" })).status, 200);

    table.set_expiry("test:cart:user1", LONG_AGO);
    assert_eq!(client.get("/cart").json(), json!({ "count": 0, "lines": [] }));
    assert_eq!(client.post("/cart", json!({ "item": "item-2" })).json(), json!({ "count": 1 }));
    let lines = json!([{ "item": "item-2", "quantity": 1 }]);
    assert_eq!(client.get("/cart").json(), json!({ "count": 1, "lines": lines }));

    table.set_expiry("test:preferences:user1", LONG_AGO);
    assert_eq!(client.get("/preferences").json(), json!({ "theme": "light" }));
    assert_eq!(client.put("/preferences", json!({ "theme": "blue" })).status, 200);
    assert_eq!(client.get("/preferences").json(), json!({ "theme": "blue" }));

    let session = table.sessions().pop().expect("a session");
    table.set_expiry(&session, LONG_AGO);
    assert!(client.get("/me").asks_for_login());
    let unchanged = table.item(&session).expect("nobody deleted it");
    assert_eq!(number(&unchanged, "expires_at"), LONG_AGO, "no request brings it back to life");
}

#[test]
fn two_instances_that_add_to_one_cart_count_every_line_once() {
    const EACH: u64 = 40;
    let table = DynamodbServer::start();
    let instances = ["a", "b"].map(|name| Server::ready(&table, name, |_| {}));
    let added = instances.each_ref().map(|instance| {
        let mut client = Client::logged_in(instance, "user1");
        thread::spawn(move || {
            let counts = (0..EACH).map(|_| client.post("/cart", json!({ "item": "item-1" })).json()["count"].as_u64());
            counts.map(|count| count.expect("acknowledged")).collect::<Vec<u64>>()
        })
    });
    let mut counts: Vec<u64> = added.into_iter().flat_map(|thread| thread.join().expect("all answered")).collect();
    counts.sort_unstable();
    assert_eq!(counts, (1..=2 * EACH).collect::<Vec<u64>>());
    let cart = Client::logged_in(&instances[0], "user1").get("/cart").json();
    assert_eq!((&cart["count"], cart["lines"].as_array().map(Vec::len)), (&json!(2 * EACH), Some(20)));
    until("the item is kept small", || {
        table.item("test:cart:user1").expect("a cart")["cart_lines"].as_l().expect("a list").len() < 2 * 20
    });
}

#[test]
fn a_table_that_hangs_holds_no_request_for_longer_than_its_time_out() {
    let table = DynamodbServer::start();
    let a = Server::ready(&table, "a", |_| {});
    let mut client = Client::logged_in(&a, "user1");
    assert_eq!(client.post("/cart", json!({ "item": "item-1" })).json(), json!({ "count": 1 }));
    table.freeze();
    let asked = Instant::now();
    let reply = client.post("/cart", json!({ "item": "item-2" }));
    assert_eq!((reply.status, reply.json()), (503, json!({ "error": "store unavailable, try again" })));
    assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
    until("it is unready", || client.get("/healthz").status == 503);
    table.thaw();
    until("it is ready again", || client.get("/healthz").status == 200);
    // What was in doubt may have been done, once.
    let count = client.get("/cart").json()["count"].as_u64();
    assert!((Some(1)..=Some(2)).contains(&count), "{count:?}");
    assert_eq!(client.post("/cart", json!({ "item": "item-3" })).json()["count"].as_u64(), count.map(|n| n + 1));
}

#[test]
fn a_table_that_is_not_there_makes_nobody_ready() {
    let table = DynamodbServer::start();
    let mut config = super::server::config(&table, "a");
    let StoreLocation::Dynamodb(location) = &mut config.store.location else { panic!("it is a table") };
    location.table = "another".into();
    let a = Server::start(config);
    until("it is unready", || Client::of(&a).get("/healthz").json()["reason"] == "store unavailable");
}
