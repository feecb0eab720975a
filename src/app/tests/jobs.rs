use serde_json::{Value, json};

use super::client::Client;
use super::redis_server::until;
use super::running_store::{RunningStore, over_each_store};
use super::server::Server;

over_each_store!(
    a_job_outlives_the_instance_that_worked_on_it,
    a_draining_instance_hands_its_jobs_back,
    only_its_user_sees_a_job,
);

fn start_job(client: &mut Client, seconds: f64) -> String {
    let started = client.post("/jobs", json!({ "kind": "report", "seconds": seconds }));
    assert_eq!((started.status, &started.json()["state"]), (202, &json!("queued")), "{}", started.body);
    started.json()["id"].as_str().expect("an id").to_owned()
}

fn wait_for(client: &mut Client, id: &str, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let mut job = Value::Null;
    until(what, || {
        job = client.get(&format!("/jobs/{id}")).json();
        holds(&job)
    });
    job
}

fn progress(job: &Value) -> f64 {
    job["progress"].as_f64().expect("a number")
}

fn a_job_outlives_the_instance_that_worked_on_it(store: &dyn RunningStore) {
    let start = |name| Server::ready(store, name, |config| config.jobs.lease_ms = 500);
    let a = start("a");
    let mut client = Client::logged_in(&a, "user1");
    let id = start_job(&mut client, 2.0);
    let before = wait_for(&mut client, &id, "a works on it", |job| progress(job) > 0.0);
    assert_eq!((&before["by"], &before["state"]), (&json!("a"), &json!("running")));
    a.kill();

    let b = start("b");
    let mut client = client.moved_to(&b);
    let after = wait_for(&mut client, &id, "b takes it over", |job| job["by"] == "b");
    assert!(progress(&after) >= progress(&before), "{before} {after}");
    let done = wait_for(&mut client, &id, "it is done", |job| job["state"] == "done");
    assert_eq!((&done["by"], progress(&done)), (&json!("b"), 1.0));
    assert_eq!(store.unfinished_jobs(), 0);
}

fn a_draining_instance_hands_its_jobs_back(store: &dyn RunningStore) {
    // A lease this long cannot run out while the test waits.
    let start = |name| Server::ready(store, name, |config| config.jobs.lease_ms = 600_000);
    let (a, mut client, id) = {
        let a = start("a");
        let mut client = Client::logged_in(&a, "user1");
        // Long enough for b to be there before it is done.
        let id = start_job(&mut client, 5.0);
        wait_for(&mut client, &id, "a works on it", |job| progress(job) > 0.0);
        (a, client, id)
    };
    let b = start("b");
    a.lifecycle.drain();
    a.ended();
    client = client.moved_to(&b);
    let done = wait_for(&mut client, &id, "it is done", |job| job["state"] == "done");
    assert_eq!(done["by"], "b");
}

fn only_its_user_sees_a_job(store: &dyn RunningStore) {
    let a = Server::ready(store, "a", |_| {});
    let id = start_job(&mut Client::logged_in(&a, "user1"), 0.0);
    let mut other = Client::logged_in(&a, "user2");
    assert_eq!(other.get(&format!("/jobs/{id}")).status, 404);
    assert_eq!(other.get("/jobs/unknown").status, 404);
    for wrong in [json!({ "kind": "report", "seconds": -1.0 }), json!({ "kind": "x", "seconds": 1.0 }), json!({})] {
        assert_eq!(other.post("/jobs", wrong).status, 422);
    }
}
