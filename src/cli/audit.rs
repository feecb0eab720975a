use super::exit::Exit;
use super::profile::{Resolved, load_profile};
use super::report::{WIDTH, print_text, style};
use super::signals::stop_signal;
use crate::audit::{Audited, Check, CheckResult, audit, outcome};
use crate::fleet::Fleet as _;
use crate::lab::{Lab, LabOptions};
use crate::plan::{FleetPlan, LabPlan, Plan, Secret};
use crate::report;
use crate::run::Stop;
use anyhow::Context as _;
use std::path::PathBuf;
use tokio::sync::mpsc;

#[derive(Debug, clap::Args)]
pub struct AuditArgs {
    /// The profile whose fleet is audited.
    pub profile: PathBuf,
    /// Override a key of the profile: `--set 'fleet.defect="default-user-on"'`.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Print the checks as one JSON array.
    #[arg(long)]
    pub json: bool,
    /// Write the checks as JUnit to this file, too.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
}

/// What the names of the audit's users start with.
const USER_PREFIX: &str = "audit-";

pub fn run(args: &AuditArgs) -> anyhow::Result<Exit> {
    let mut stop = stop_signal()?;
    let plan = match load_profile(&args.profile, &args.set) {
        Err(exit) => return Ok(exit),
        Ok(Resolved { plan, .. }) => plan,
    };
    let FleetPlan::Lab(lab) = &plan.fleet else {
        eprintln!("error: only the lab can be audited: `provider = \"lab\"` under [fleet]");
        return Ok(Exit::Usage);
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let checks = runtime.block_on(async {
        tokio::select! {
            checks = audit_lab(&plan, lab) => checks.map(Some),
            asked = stop.wait_for(|stop| *stop == Stop::Asked) => { drop(asked); Ok(None) }
        }
    })?;
    let Some(checks) = checks else { return Ok(Exit::Interrupted) };
    if let Some(file) = &args.junit {
        std::fs::write(file, report::audit_junit(&plan.name, &checks))
            .with_context(|| format!("{} could not be written", file.display()))?;
    }
    let text = match args.json {
        true => serde_json::to_string_pretty(&checks)?,
        false => report::audit(&plan.name, &checks, WIDTH, style()),
    };
    print_text(&text)?;
    Ok(match outcome(&checks) {
        CheckResult::Failed => Exit::Verdict(3),
        CheckResult::Unknown => Exit::Verdict(6),
        CheckResult::Passed | CheckResult::NotApplicable => Exit::Pass,
    })
}

/// Audits a lab of the plan's own. Dropping this ends the lab.
async fn audit_lab(plan: &Plan, lab_plan: &LabPlan) -> anyhow::Result<Vec<Check>> {
    let password = format!("{:032x}", rand::random::<u128>());
    let options = LabOptions {
        program: std::env::current_exe().context("cannot find the rushhour program itself")?,
        user_prefix: USER_PREFIX.to_owned(),
        password: Secret::new(password.as_str()),
    };
    let (notices, mut happened) = mpsc::unbounded_channel();
    let lab = Lab::start(lab_plan, options, notices).await?;
    let audited = Audited {
        fleet: &lab,
        user: &format!("{USER_PREFIX}1"),
        password: &password,
        idle_timeout: plan.session.idle_timeout.unwrap_or(lab_plan.session_ttl),
    };
    let checks = audit(&audited).await.map_err(anyhow::Error::msg);
    happened.close();
    Box::new(lab).shut_down().await;
    checks
}
