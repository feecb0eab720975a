//! Everything in `profiles/` and the reference page, as they are committed.

use rushhour::plan::{Feeder, FleetPlan, Secret, ThisMachine, resolve};
use rushhour::profile;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn shipped() -> Vec<PathBuf> {
    let files = std::fs::read_dir(root().join("profiles")).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|ending| ending == "toml")).collect()
}

#[test]
fn every_shipped_profile_resolves() {
    let shipped = shipped();
    assert!(shipped.len() >= 4, "{shipped:?}");
    for path in shipped {
        let resolved = profile::load(&path, &[]).and_then(|profile| resolve(&profile, &ThisMachine));
        let (plan, unrecorded) = resolved.unwrap_or_else(|errors| panic!("{}", errors.render(false)));
        assert_eq!(plan.name, path.file_stem().unwrap().to_str().unwrap());
        assert!(!plan.description.is_empty() && !plan.objectives.is_empty(), "{}", plan.name);
        assert_eq!(unrecorded.feeder.build(Secret::new("made up")).len(), plan.user_count);
        let json = serde_json::to_string(&plan).unwrap();
        let again: rushhour::plan::Plan = serde_json::from_str(&json).unwrap();
        assert_eq!(serde_json::to_string(&again).unwrap(), json);
    }
}

/// The lab shares two cores with the load: more than this is not to be asked of them.
#[test]
fn lab_profiles_are_small_enough_for_two_cores() {
    for path in shipped() {
        let (plan, unrecorded) = resolve(&profile::load(&path, &[]).unwrap(), &ThisMachine).unwrap();
        let FleetPlan::Lab(lab) = &plan.fleet else { continue };
        let estimate = plan.estimate();
        assert!(estimate.peak_requests_per_second < 160.0, "{}: {estimate:?}", plan.name);
        assert_eq!(lab.users, plan.user_count);
        assert!(matches!(unrecorded.feeder.build(Secret::new("made up")), Feeder::Generated { .. }));
        if let Some(scaler) = &lab.autoscaler {
            let (first, most) = (f64::from(lab.instances), f64::from(scaler.max));
            let peak = estimate.peak_requests_per_second;
            assert!(peak > first * scaler.requests_per_target, "{}: nothing would scale out", plan.name);
            assert!(peak < most * lab.capacity_per_instance(), "{}: the whole fleet would not suffice", plan.name);
        }
    }
}

/// Windows are not compressed with the curve; they must make sense all the same.
#[test]
fn the_peak_hour_can_be_compressed() {
    for (factor, seconds) in [("3", 200.0), ("5", 120.0)] {
        let set = [format!("workload.compress={factor}")];
        let profile = profile::load(&root().join("profiles/peak-hour.toml"), &set).unwrap();
        let (plan, _) = resolve(&profile, &ThisMachine).unwrap_or_else(|errors| panic!("{}", errors.render(false)));
        assert_eq!(plan.workload.curve.duration().as_secs_f64(), seconds);
    }
}

#[test]
fn the_reference_page_is_that_of_the_types() {
    let path = root().join("docs/profile-reference.md");
    let page = profile::reference();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == page, "docs/profile-reference.md is out of date: run `UPDATE_DOCS=1 cargo test reference`");
}
