//! What outlives the store's bad days.

use crate::support::run_with;

/// Two instances become four, one shard's primary is killed, and its successor hands over.
#[test]
fn a_fleet_over_a_cluster_grows_and_fails_over_without_a_login() {
    // How fast it is, the machine decides.
    let slower = ["--set", "objectives.2.at_most=\"50%\"", "--set", "objectives.3.at_most=\"30s\""];
    let ended = run_with(include_str!("../../profiles/store-cluster.toml"), &slower);
    ended.demand_code(0);
    let analysis = ended.analysis();
    assert_eq!(analysis["sessions"]["losses"].as_object().unwrap().len(), 0, "{}", ended.stdout);
    for instance in ended.summary()["scale_out"].as_array().unwrap() {
        assert!(instance["adopted_sessions"].as_u64().unwrap() > 0, "{instance}");
    }
    let store = &analysis["analysis"]["store"];
    let outages: Vec<f64> =
        store["outages"].as_array().unwrap().iter().map(|outage| outage["seconds"].as_f64().unwrap()).collect();
    // A second of silence, an election, and no more than that.
    let longest = outages.iter().copied().fold(0.0, f64::max);
    assert!((1.0..10.0).contains(&longest), "{outages:?}");
    assert_eq!(store["lost_writes"], 0, "the kernel delivers what a killed primary had sent");
}

/// All nodes stop at 4 s and start with what they persisted.
#[test]
fn a_restart_of_the_store_costs_no_state() {
    let profile = include_str!("defects.toml").replace("do = \"scale-out\"\nby = 2", "do = \"store-restart\"");
    let ended = run_with(&profile, &[]);
    ended.demand_code(0);
    let analysis = ended.analysis();
    assert_eq!(analysis["sessions"]["losses"].as_object().unwrap().len(), 0, "{}", ended.stdout);
    let outages = analysis["analysis"]["store"]["outages"].as_array().unwrap();
    assert!(!outages.is_empty(), "the store was away");
}
