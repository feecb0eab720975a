use super::exit::Exit;
use super::profile::{Resolved, load_profile};
use super::report::{WIDTH, print_text, style};
use super::signals::stop_signal;
#[cfg(feature = "aws")]
use crate::audit::audit_aws;
use crate::audit::{Audited, Check, CheckResult, Progress, TimeOuts, not_waited_for, outcome};
use crate::fleet::Fleet;
use crate::lab::{Lab, LabOptions};
use crate::load::{self, Visits};
use crate::plan::{
    Feeder, FeederSpec, FleetPlan, LabPlan, Plan, Secret, StoreAccess, ThisMachine, Unrecorded, resolve,
};
use crate::profile::{Profile, Span};
use crate::run::Stop;
use crate::{report, store};
use anyhow::Context as _;
use std::cell::Cell;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::mpsc;

#[derive(Debug, clap::Args)]
pub struct AuditArgs {
    /// The profile whose fleet is audited.
    pub profile: PathBuf,
    /// Override a key of the profile: `--set 'fleet.defect="default-user-on"'`.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Also wait for sessions of somebody else's fleet to end: as long as `session.idle_timeout` and
    /// `session.lifetime`, side by side. On the lab that takes seconds and is always done.
    #[arg(long)]
    pub wait: bool,
    /// Print the checks as one JSON array.
    #[arg(long)]
    pub json: bool,
    /// Write the checks as JUnit to this file, too.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
}

/// On the lab, sessions last no longer than this when they are waited for.
const SHORT_IDLE: Duration = Duration::from_secs(4);
/// Longer than it takes to see a session end by being idle.
const SHORT_ABSOLUTE: Duration = Duration::from_secs(8);

pub fn run(args: &AuditArgs) -> anyhow::Result<Exit> {
    let mut stop = stop_signal()?;
    let resolved = match load_profile(&args.profile, &args.set) {
        Err(exit) => return Ok(exit),
        Ok(resolved) => resolved,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let name = resolved.plan.name.clone();
    let (mut checks, teller) = (Vec::new(), Teller::default());
    // Whatever was begun ends with the future, also when it is interrupted.
    let ended = runtime.block_on(async {
        tokio::select! {
            ended = audit(resolved, args.wait, &teller, &mut checks) => Some(ended),
            asked = stop.wait_for(|stop| *stop == Stop::Asked) => { drop(asked); None }
        }
    });
    teller.finish();
    if let Some(Err(error)) = ended {
        // What was found before is no less true.
        if !checks.is_empty() {
            print(args, &name, &checks)?;
        }
        eprintln!("error: {error:#}");
        return Ok(Exit::Usage);
    }
    print(args, &name, &checks)?;
    Ok(match (ended, outcome(&checks)) {
        (None, _) => Exit::Interrupted,
        (_, CheckResult::Failed) => Exit::Verdict(3),
        (_, CheckResult::Unknown) => Exit::Verdict(6),
        (_, CheckResult::Passed | CheckResult::NotApplicable) => Exit::Pass,
    })
}

fn print(args: &AuditArgs, name: &str, checks: &[Check]) -> anyhow::Result<()> {
    if let Some(file) = &args.junit {
        std::fs::write(file, report::audit_junit(name, checks))
            .with_context(|| format!("{} could not be written", file.display()))?;
    }
    print_text(&match args.json {
        true => serde_json::to_string_pretty(checks)?,
        false => report::audit(name, checks, WIDTH, style()),
    })
}

/// Audits the deployment of a profile; what is found is added to `checks` as it is found.
///
/// # Errors
/// It cannot be begun.
async fn audit(resolved: Resolved, wait: bool, teller: &Teller, checks: &mut Vec<Check>) -> anyhow::Result<()> {
    let Resolved { plan, unrecorded } = resolved;
    if let FleetPlan::Lab(lab) = &plan.fleet {
        return audit_lab(&plan, lab, teller, checks).await;
    }
    let Unrecorded { feeder, store: named } = unrecorded;
    #[cfg(feature = "aws")]
    if let FleetPlan::Aws(aws) = &plan.fleet {
        teller.tell(Progress::Doing("how the deployment is set up"));
        checks.extend(audit_aws(aws, plan.target.timeout).await);
    }
    let url = plan.target.url.clone().context("the profile names no `url` under [target]")?;
    load::probe(&plan, &url).await?;
    let store = match &named {
        Some(named) => Some(StoreAccess::Redis(store::reach(named).await?)),
        None => None,
    };
    let visits = Visits::new(plan.clone(), feeder.build(Secret::new("")), &url)?;
    let limits = TimeOuts { idle: plan.session.idle_timeout, absolute: plan.session.lifetime };
    let tell = |progress| teller.tell(progress);
    let audited = Audited {
        plan: &plan,
        visits: &visits,
        store: store.as_ref(),
        lab: None,
        idle_timeout: limits.idle,
        tell: &tell,
    };
    audited.look(checks).await;
    if wait {
        audited.wait_out(limits, checks).await;
    } else {
        let why = format!("only with `--wait`, which takes {}", Span(limits.lasts()));
        checks.extend(not_waited_for(&why));
    }
    Ok(())
}

/// Audits a lab of the plan's own, and another one whose sessions end soon. Dropping this ends them.
async fn audit_lab(plan: &Plan, lab: &LabPlan, teller: &Teller, checks: &mut Vec<Check>) -> anyhow::Result<()> {
    let (journey, feeder) = lab_journey();
    let tell = |progress| teller.tell(progress);
    tell(Progress::Doing("starting the lab"));
    let agreed = plan.session.idle_timeout.unwrap_or(lab.session_ttl);
    with_lab(lab, &journey, &feeder, async |lab, visits| {
        let store = lab.store();
        Audited {
            plan: &journey,
            visits,
            store: store.as_ref(),
            lab: Some(lab),
            idle_timeout: Some(agreed),
            tell: &tell,
        }
        .look(checks)
        .await;
    })
    .await?;
    let soon = LabPlan {
        session_ttl: lab.session_ttl.min(SHORT_IDLE),
        absolute_timeout: lab.absolute_timeout.min(SHORT_ABSOLUTE),
        instances: lab.instances.min(2),
        autoscaler: None,
        ..lab.clone()
    };
    let limits = TimeOuts { idle: Some(soon.session_ttl), absolute: Some(soon.absolute_timeout) };
    tell(Progress::Doing("starting a lab whose sessions end soon"));
    with_lab(&soon, &journey, &feeder, async |_, visits| {
        Audited { plan: &journey, visits, store: None, lab: None, idle_timeout: None, tell: &tell }
            .wait_out(limits, checks)
            .await;
    })
    .await
}

/// The steps by which the lab's own application is used, and its users.
fn lab_journey() -> (Plan, FeederSpec) {
    let profile = Profile::parse(Path::new("audit.toml"), include_str!("audit_journey.toml"), &[]);
    let resolved = profile.and_then(|profile| resolve(&profile, &ThisMachine));
    let (plan, unrecorded) = resolved.unwrap_or_else(|errors| panic!("{}", errors.render(false)));
    (plan, unrecorded.feeder)
}

async fn with_lab(
    plan: &LabPlan,
    journey: &Plan,
    feeder: &FeederSpec,
    look: impl AsyncFnOnce(&Lab, &Visits),
) -> anyhow::Result<()> {
    let password = Secret::new(format!("{:032x}", rand::random::<u128>()));
    let options = LabOptions {
        program: std::env::current_exe().context("cannot find the rushhour program itself")?,
        user_prefix: feeder.lab_prefix().to_owned(),
        password: password.clone(),
    };
    let (notices, happened) = mpsc::unbounded_channel();
    // Nobody wants to know what happens to it.
    drop(happened);
    let lab = Lab::start(plan, options, notices).await?;
    let feeder = match feeder.clone().build(password) {
        Feeder::Generated { name, password, .. } => Feeder::Generated { name, password, count: plan.users },
        rows => rows,
    };
    let mut trusting = journey.clone();
    trusting.target.ca_file = lab.target_ca();
    let url = lab.url().context("the lab knows no URL")?;
    let looked = match Visits::new(trusting, feeder, &url) {
        Ok(visits) => {
            look(&lab, &visits).await;
            Ok(())
        }
        Err(error) => Err(error.into()),
    };
    Box::new(lab).shut_down().await;
    looked
}

/// Says on standard error what goes on.
#[derive(Default)]
struct Teller {
    /// The last line is one that is written over.
    is_open: Cell<bool>,
    /// Minutes of waiting that were told, where lines cannot be written over.
    minutes: Cell<Option<u64>>,
}

impl Teller {
    fn tell(&self, progress: Progress) {
        match progress {
            Progress::Doing(what) => {
                self.finish();
                eprintln!("{what}");
            }
            Progress::Waiting { waited, of } if std::io::stderr().is_terminal() => {
                self.is_open.set(true);
                eprint!("\r\x1b[Kwaiting for sessions to end: {}", remaining(waited, of));
                let _ = std::io::stderr().flush();
            }
            Progress::Waiting { waited, of } => {
                let minute = waited.as_secs() / 60;
                if self.minutes.replace(Some(minute)) != Some(minute) {
                    eprintln!("waiting for sessions to end: {}", remaining(waited, of));
                }
            }
        }
    }

    fn finish(&self) {
        if self.is_open.take() {
            eprintln!();
        }
    }
}

fn remaining(waited: Duration, of: Duration) -> String {
    let whole = |duration: Duration| Span(Duration::from_secs(duration.as_secs()));
    format!("{} of {}", whole(waited), whole(of))
}
