//! The lab over a Redis Cluster.

use crate::support::run;

/// Two instances become four, one shard's primary is killed, and its successor hands over.
#[test]
fn a_fleet_over_a_cluster_grows_and_fails_over_without_a_login() {
    let ended = run(include_str!("../../profiles/store-cluster.toml"));
    ended.demand_code(0);
    let analysis = ended.analysis();
    assert_eq!(analysis["sessions"]["losses"].as_object().unwrap().len(), 0, "{}", ended.stdout);
    for instance in ended.summary()["scale_out"].as_array().unwrap() {
        assert!(instance["adopted_sessions"].as_u64().unwrap() > 0, "{instance}");
    }
    let store = &analysis["store"];
    let outages: Vec<f64> =
        store["outages"].as_array().unwrap().iter().map(|outage| outage["seconds"].as_f64().unwrap()).collect();
    // A second of silence, an election, and no more than that.
    let longest = outages.iter().copied().fold(0.0, f64::max);
    assert!((1.0..10.0).contains(&longest), "{outages:?}");
    assert_eq!(store["lost_writes"], 0, "the kernel delivers what a killed primary had sent");
}
