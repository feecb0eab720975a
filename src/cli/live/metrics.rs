//! The gauges of a run while it goes on, for Prometheus to scrape.

use super::tally::Tally;
use crate::history::{FleetGauges, GeneratorGauges, StoreGauges};
use crate::report::{Exposition, Kind};
use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;

/// `127.0.0.1:9464`, `[::1]:9464`, or a port on the loopback alone.
pub fn address(text: &str) -> Result<SocketAddr, String> {
    let port = text.parse().map(|port: u16| SocketAddr::from((IpAddr::V4(Ipv4Addr::LOCALHOST), port)));
    port.or_else(|_| text.parse()).map_err(|_| "expected an address and a port, such as 127.0.0.1:9464".to_owned())
}

/// Answers `GET /metrics` until it is dropped.
pub struct Endpoint {
    server: tokio::task::JoinHandle<io::Result<()>>,
}

impl Endpoint {
    pub(super) async fn open(address: SocketAddr, tally: Arc<Mutex<Tally>>) -> io::Result<Endpoint> {
        let listener = TcpListener::bind(address).await?;
        let metrics = move || {
            let text = exposition(&tally.lock().expect("no holder of this lock panics"));
            std::future::ready(([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text))
        };
        let router = Router::new().route("/metrics", get(metrics));
        Ok(Endpoint { server: tokio::spawn(async { axum::serve(listener, router).await }) })
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// All names begin with `rushhour_live_`: these are what is seen on the way, not what the record says in the end.
fn exposition(tally: &Tally) -> String {
    let mut text = Exposition::new();
    requests(&mut text, tally);
    generator(&mut text, &tally.sample.generator);
    if let Some(fleet) = &tally.sample.fleet {
        fleet_gauges(&mut text, fleet);
    }
    if let Some(store) = &tally.sample.store {
        store_gauges(&mut text, store);
    }
    text.finish()
}

fn one(text: &mut Exposition, name: &'static str, kind: Kind, help: &str, value: impl std::fmt::Display) {
    text.family(name, kind, help);
    text.sample(&[], value);
}

fn requests(text: &mut Exposition, tally: &Tally) {
    use Kind::{Counter, Gauge};
    one(text, "rushhour_live_run_seconds", Gauge, "Since the load began.", tally.sample.at_us.as_secs_f64());
    one(text, "rushhour_live_requests_total", Counter, "Requests done.", tally.requests);
    one(text, "rushhour_live_requests_failed_total", Counter, "Without an answer, or with a 5xx.", tally.failed);
    one(text, "rushhour_live_relogins_total", Counter, "Answers that ask for a login again.", tally.relogins);
    one(text, "rushhour_live_wrong_user_total", Counter, "Answers that name another user.", tally.wrong_user);
    one(
        text,
        "rushhour_live_state_missing_total",
        Counter,
        "Answers without state they should show.",
        tally.state_missing,
    );
    text.family("rushhour_live_response_time_seconds", Gauge, "Intended start to last byte, over the last 10 s.");
    let recent = tally.response_time();
    for (quantile, time) in [("0.5", recent.p50), ("0.9", recent.p90), ("0.99", recent.p99), ("1", recent.max)] {
        text.sample(&[("quantile", quantile)], time.as_secs_f64());
    }
}

fn generator(text: &mut Exposition, gauges: &GeneratorGauges) {
    use Kind::{Counter, Gauge};
    let lag = Duration::from_micros(gauges.timer_lag_us).as_secs_f64();
    one(text, "rushhour_live_sessions_in_flight", Gauge, "Sessions under way.", gauges.sessions_in_flight);
    one(text, "rushhour_live_arrivals_total", Counter, "Arrivals due so far.", gauges.arrivals_due);
    one(text, "rushhour_live_arrivals_owed_total", Counter, "Those that found no free slot.", gauges.arrivals_owed);
    one(text, "rushhour_live_arrivals_waiting", Gauge, "Owed arrivals waiting for a slot.", gauges.arrivals_waiting);
    one(text, "rushhour_live_load_thread_busy_ratio", Gauge, "Busiest load thread, 0 to 1.", gauges.load_thread_busy);
    one(text, "rushhour_live_timer_lag_seconds", Gauge, "Greatest lag of a timer in the last second.", lag);
    one(text, "rushhour_live_cpu_seconds_total", Counter, "CPU time of the generator.", gauges.cpu_seconds);
    one(text, "rushhour_live_memory_bytes", Gauge, "Resident memory of the generator.", gauges.memory_bytes);
    one(text, "rushhour_live_observations_lost_total", Counter, "Requests not recorded.", gauges.observations_lost);
}

fn fleet_gauges(text: &mut Exposition, gauges: &FleetGauges) {
    text.family("rushhour_live_instances", Kind::Gauge, "Instances, by how far they have come.");
    for (stage, count) in [("desired", gauges.desired), ("launched", gauges.launched), ("healthy", gauges.healthy)] {
        text.sample(&[("stage", stage)], count);
    }
    one(text, "rushhour_live_balancer_queue", Kind::Gauge, "Requests waiting for an instance.", gauges.balancer_queue);
}

fn store_gauges(text: &mut Exposition, gauges: &StoreGauges) {
    use Kind::{Counter, Gauge};
    let Some(gauges) = &gauges.primary else { return };
    one(text, "rushhour_live_store_memory_bytes", Gauge, "Memory of the session store.", gauges.used_memory_bytes);
    one(text, "rushhour_live_store_keys", Gauge, "Keys in the session store.", gauges.keys);
    one(text, "rushhour_live_store_evicted_keys_total", Counter, "Keys it evicted.", gauges.evicted_keys);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_alone_is_on_the_loopback() {
        assert_eq!(address("9464"), Ok(SocketAddr::from(([127, 0, 0, 1], 9464))));
        assert_eq!(address("0.0.0.0:1").map(|a| a.ip().is_unspecified()), Ok(true));
        assert!(address("metrics").is_err());
    }

    #[tokio::test]
    async fn an_address_in_use_is_told_before_anything_begins() {
        let taken = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let opened = Endpoint::open(taken.local_addr().unwrap(), Arc::new(Mutex::new(Tally::new()))).await;
        assert_eq!(opened.err().map(|error| error.kind()), Some(io::ErrorKind::AddrInUse));
    }

    #[test]
    fn gauges_of_what_is_there_are_told() {
        let mut tally = Tally::new();
        assert!(!exposition(&tally).contains("rushhour_live_instances"));
        tally.sample.fleet = Some(FleetGauges { desired: 3, ..FleetGauges::default() });
        let text = exposition(&tally);
        assert!(text.contains("\nrushhour_live_instances{stage=\"desired\"} 3\n"), "{text}");
        assert!(text.contains("\nrushhour_live_requests_total 0\n"), "{text}");
    }
}
