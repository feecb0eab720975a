use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use super::super::config::{Secret, Sentinels, StoreLocation, Tls};
use super::client::Client;
use super::redis_server::{RedisServer, free_port, until};
use super::server::{Server, config};

#[test]
fn a_store_that_is_gone_means_try_again_and_comes_back() {
    let mut redis = RedisServer::start();
    let a = Server::ready(&redis, "a", |_| {});
    let mut client = Client::logged_in(&a, "user1");
    redis.stop();
    let asked = Instant::now();
    let reply = client.post("/cart", json!({ "item": "item-1" }));
    assert_eq!((reply.status, reply.json()), (503, json!({ "error": "store unavailable, try again" })));
    assert_eq!(reply.header("x-instance"), Some("a"));
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    until("it is unready", || client.get("/healthz").status == 503);
    assert_eq!(client.get("/livez").status, 200);
    redis.start_again();
    until("it is ready again", || client.get("/healthz").status == 200);
    // This Redis keeps nothing; but what answers is the application, not an error.
    assert!(client.get("/me").asks_for_login());
}

#[test]
fn a_write_that_a_demoted_primary_refused_is_done_once_when_it_may_be() {
    let redis = RedisServer::start();
    let a = Server::ready(&redis, "a", |config| config.store.timeout_ms = 10_000);
    let mut client = Client::logged_in(&a, "user1");
    assert_eq!(client.post("/cart", json!({ "item": "item-1" })).json(), json!({ "count": 1 }));
    redis.ask::<String>(&["REPLICAOF", "127.0.0.1", &free_port().to_string()]);
    assert_eq!(client.post("/cart", json!({ "item": "item-2" })).status, 503);

    let asked = thread::spawn(move || {
        let mut reply = client.post("/cart", json!({ "item": "item-3" }));
        // On a slow machine it may be given up; then it was not done either.
        while reply.status == 503 {
            reply = client.post("/cart", json!({ "item": "item-3" }));
        }
        (reply, client)
    });
    let refusals = || {
        let stats: String = redis.ask(&["INFO", "errorstats"]);
        let line = stats.lines().find_map(|line| line.strip_prefix("errorstat_READONLY:count="));
        line.and_then(|count| count.trim().parse::<u32>().ok()).unwrap_or(0)
    };
    let before = refusals();
    until("it has been refused", || refusals() > before);
    redis.ask::<String>(&["REPLICAOF", "NO", "ONE"]);
    let (reply, mut client) = asked.join().expect("answered");
    assert_eq!((reply.status, reply.json()), (200, json!({ "count": 2 })));
    assert_eq!(client.get("/cart").json()["count"], 2);
}

#[test]
fn sessions_go_on_at_the_new_primary_after_a_failover() {
    let primary = RedisServer::start();
    let of_primary = primary.port.to_string();
    let replica = RedisServer::start_with(&["--replicaof", "127.0.0.1", &of_primary]);
    until("the replica follows", || replica.ask::<String>(&["INFO", "replication"]).contains("master_link_status:up"));
    let sentinel = Sentinel::start(&primary);
    until("the sentinel knows the replica", || sentinel.info().contains("slaves=1"));

    let unreachable = format!("127.0.0.1:{}", free_port());
    let a = Server::ready(&primary, "a", |config| {
        config.store.location = StoreLocation::Sentinels(Sentinels {
            addresses: vec![unreachable, sentinel.address()],
            master_name: "shop".into(),
            username: None,
            password: None,
            tls: false,
        });
    });
    let mut client = Client::logged_in(&a, "user1");
    assert_eq!(client.post("/cart", json!({ "item": "item-1" })).json(), json!({ "count": 1 }));
    until("the replica has it", || replica.ask::<Option<u64>>(&["GET", "test:cart:{user1}:count"]) == Some(1));

    drop(primary);
    until("the cart can be changed at the new primary", || {
        client.post("/cart", json!({ "item": "item-2" })).status == 200
    });
    assert_eq!(client.get("/me").json()["user"], "user1");
    assert_eq!(replica.ask::<u64>(&["GET", "test:cart:{user1}:count"]), 2);
}

#[test]
fn a_store_behind_tls_and_acl_is_used_only_if_its_certificate_fits() {
    let files = tempfile::tempdir().expect("a temporary directory");
    let path = |name: &str| files.path().join(name).display().to_string();
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    let other = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    for (name, pem) in [("cert", cert.pem()), ("key", signing_key.serialize_pem()), ("other", other.cert.pem())] {
        std::fs::write(path(name), pem).expect("a file");
    }
    let tls_port = free_port().to_string();
    let (cert, key) = (path("cert"), path("key"));
    let arguments = format!(
        "--tls-port {tls_port} --tls-cert-file {cert} --tls-key-file {key} --tls-ca-cert-file {cert} --tls-auth-clients no \
         --user app on >letmein ~test:* -@all +@read +@write +@scripting +@connection +@transaction +time"
    );
    let redis = RedisServer::start_with(&arguments.split(' ').collect::<Vec<_>>());
    let mut over_tls = config(&redis, "a");
    over_tls.store.location = StoreLocation::Direct(format!("127.0.0.1:{tls_port}"));
    over_tls.store.username = Some("app".into());
    over_tls.store.password = Some(Secret::new("letmein"));
    over_tls.store.tls = Some(Tls { ca_file: Some(path("cert").into()) });

    let mut wrong_authority = over_tls.clone();
    wrong_authority.store.tls = Some(Tls { ca_file: Some(path("other").into()) });
    let refused = Server::start(wrong_authority);
    until("it is refused", || Client::of(&refused).get("/healthz").json()["reason"] == "store unavailable");

    let a = Server::start(over_tls);
    until("it is ready", || Client::of(&a).get("/healthz").status == 200);
    let mut client = Client::logged_in(&a, "user1");
    assert_eq!(client.post("/cart", json!({ "item": "item-1" })).json(), json!({ "count": 1 }));
    assert_eq!(client.put("/preferences", json!({ "theme": "dark" })).status, 200);
    let id = client.post("/jobs", json!({ "kind": "report", "seconds": 0.1 })).json()["id"].clone();
    let job = format!("/jobs/{}", id.as_str().expect("an id"));
    until("the job is done", || client.get(&job).json()["state"] == "done");
}

/// One sentinel that alone decides.
struct Sentinel {
    child: std::process::Child,
    port: u16,
    _dir: tempfile::TempDir,
}

impl Sentinel {
    fn start(primary: &RedisServer) -> Self {
        let (dir, port) = (tempfile::tempdir().expect("a temporary directory"), free_port());
        let file = dir.path().join("sentinel.conf");
        let lines = format!(
            "port {port}\nbind 127.0.0.1\ndir {}\nsentinel monitor shop 127.0.0.1 {} 1\n\
             sentinel down-after-milliseconds shop 300\nsentinel failover-timeout shop 3000\n",
            dir.path().display(),
            primary.port
        );
        std::fs::write(&file, lines).expect("a configuration");
        let child = std::process::Command::new("redis-server")
            .arg(&file)
            .arg("--sentinel")
            .stdout(std::process::Stdio::null())
            .spawn()
            .expect("redis-server runs; scripts/test installs it");
        Self { child, port, _dir: dir }
    }

    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn info(&self) -> String {
        let asked = redis::Client::open(format!("redis://{}", self.address()))
            .and_then(|client| client.get_connection())
            .and_then(|mut connection| redis::cmd("INFO").arg("sentinel").query(&mut connection));
        asked.unwrap_or_default()
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
