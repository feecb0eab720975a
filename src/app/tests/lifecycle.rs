use serde_json::json;

use super::super::config::{AppConfig, ServiceTime};
use super::super::error::AppError;
use super::client::Client;
use super::redis_server::{RedisServer, until};
use super::server::{Server, config};

#[test]
fn an_instance_is_ready_when_it_has_booted_and_until_it_drains() {
    let redis = RedisServer::start();
    let server = Server::start(AppConfig { boot_ms: 300, drain_ms: 60_000, ..config(&redis, "a") });
    let mut client = Client::of(&server);
    let booting = client.get("/healthz");
    assert_eq!((booting.status, &booting.json()["reason"]), (503, &json!("starting")));
    assert_eq!(client.get("/login").status, 503);
    assert_eq!(client.get("/livez").status, 200);
    until("it is ready", || client.get("/healthz").status == 200);
    assert_eq!(client.get("/login").status, 200);

    server.lifecycle.drain();
    let draining = client.get("/healthz");
    assert_eq!((draining.status, &draining.json()["reason"]), (503, &json!("draining")));
    assert_eq!(draining.header("x-instance"), Some("a"));
    let last = client.get("/login");
    assert_eq!((last.status, last.header("connection")), (200, Some("close")));
    assert_eq!(client.get("/livez").status, 200);
    // Asked again, it does not wait for the minute.
    server.lifecycle.drain();
    server.ended();
}

#[test]
fn a_request_in_flight_is_answered_before_the_instance_ends() {
    let redis = RedisServer::start();
    let server = Server::ready(&redis, "a", |config| {
        config.capacity.service_time = ServiceTime::Constant { ms: 300.0 };
        (config.capacity.workers, config.capacity.queue_limit) = (1, 0);
    });
    let (mut client, mut other) = (Client::of(&server), Client::of(&server));
    let asked = std::thread::spawn(move || until("it was served", || client.get("/catalogue").status == 200));
    until("the only worker is busy with it", || other.get("/catalogue").status == 503);
    server.lifecycle.drain();
    server.ended();
    asked.join().expect("answered");
}

#[test]
fn a_configuration_says_what_is_wrong_with_it() {
    let example = json!({
        "instance": "app-1", "zone": "a",
        "store": { "location": { "direct": "127.0.0.1:6379" } },
        "users": { "generated": { "count": 10, "prefix": "user", "password": "open sesame" } },
    });
    let read = |pointer: &str, value: serde_json::Value| {
        let mut changed = example.clone();
        changed[pointer] = value;
        AppConfig::from_json(&changed.to_string())
    };
    let good = AppConfig::from_json(&example.to_string()).expect("the example");
    assert_eq!((good.cookie.name.as_str(), good.drain_ms, good.store.timeout_ms), ("sid", 2_000, 1_000));
    assert!(!format!("{good:?}").contains("open sesame"));
    let again = serde_json::to_string(&good).expect("JSON");
    AppConfig::from_json(&again).expect("what is written can be read");

    let unknown = read("prot", json!(1)).expect_err("an unknown field").to_string();
    assert!(unknown.contains("`prot`"), "{unknown}");
    let none = read("capacity", json!({ "workers": 0 })).expect_err("no workers").to_string();
    assert!(none.contains("capacity.workers = 0"), "{none}");
    assert!(matches!(read("instance", json!("a b")), Err(AppError::ConfigValue { field: "instance", .. })));
    let backwards = read("capacity", json!({ "service_time": { "constant": { "ms": -1.0 } } }));
    assert!(matches!(backwards, Err(AppError::ConfigValue { .. })));
}
