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

/// A profile of the lab with an Auto Scaling group in its place, which is all that is needed to run it there.
#[cfg(feature = "aws")]
fn on_aws(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    let mut section = "";
    let kept = text.lines().filter(|line| {
        section = if line.starts_with('[') { line.split(']').next().unwrap().trim_start_matches('[') } else { section };
        !["fleet", "target", "users"].contains(&section.split('.').next().unwrap())
    });
    let kept: Vec<&str> = kept.collect();
    let fleet = r#"
        [fleet]
        provider = "aws"
        [fleet.aws]
        auto_scaling_group = "web"
        elasticache = "sessions"
        allow = ["scale-out", "scale-in", "set-capacity", "kill-instance", "stop-instance", "rolling-replace", "blue-green", "store-failover", "snapshot", "zone-outage"]
        [fleet.aws.blue_green]
        listener = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/web/5/f"
        target_group = "web-green"
        auto_scaling_group = "web-green"
        [target]
        url = "https://shop.example.com"
        [users]
        generate = 5000
        password = { env = "PATH" }
    "#;
    format!("{}\n{fleet}", kept.join("\n"))
}

#[cfg(feature = "aws")]
#[test]
fn the_suite_runs_on_aws_where_aws_can_do_what_it_does() {
    let mut cannot = Vec::new();
    for path in shipped() {
        let resolved =
            profile::Profile::parse(&path, &on_aws(&path), &[]).and_then(|profile| resolve(&profile, &ThisMachine));
        match resolved {
            Ok((plan, _)) => assert!(matches!(plan.fleet, FleetPlan::Aws(_)), "{}", plan.name),
            Err(errors) => {
                let no_call = |error: &profile::ProfileError| error.message.contains("AWS has no call");
                assert!(errors.errors.iter().any(no_call), "{}", errors.render(false));
                cannot.push(path.file_stem().unwrap().to_string_lossy().into_owned());
            }
        }
    }
    cannot.sort();
    insta::assert_debug_snapshot!(cannot, @r#"
[
    "disaster-recovery",
    "instance-loss",
    "store-cluster",
    "store-failover",
    "store-pressure",
]
"#);
}

/// As `scripts/aws/run` runs it, with the names of a deployment and a password that is no secret.
#[cfg(feature = "aws")]
#[test]
fn the_profile_of_the_reference_deployment_resolves() {
    let set = [
        "fleet.provider=\"aws\"",
        "fleet.aws.region=\"eu-central-1\"",
        "fleet.aws.auto_scaling_group=\"shop-Group-1\"",
        "fleet.aws.target_group=\"arn:aws:elasticloadbalancing:eu-central-1:1:targetgroup/shop/2\"",
        "fleet.aws.elasticache=\"shop-sessions\"",
        "target.url=\"https://shop.example.com\"",
        "users.password={ env = \"PATH\" }",
    ];
    let set: Vec<String> = set.map(str::to_owned).to_vec();
    let profile = profile::load(&root().join("scripts/aws/scale-out.toml"), &set);
    let resolved = profile.and_then(|profile| resolve(&profile, &ThisMachine));
    let (plan, _) = resolved.unwrap_or_else(|errors| panic!("{}", errors.render(false)));
    assert!(matches!(&plan.fleet, FleetPlan::Aws(aws) if aws.elasticache.as_deref() == Some("shop-sessions")));
    assert!(plan.publish.cloudwatch.is_some());
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
