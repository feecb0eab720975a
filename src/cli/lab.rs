use super::exit::Exit;
use super::profile::{Resolved, load_profile};
use super::signals::stop_signal;
use crate::fleet::Fleet as _;
use crate::history::{EventKind, Notice};
use crate::lab::{Lab, LabOptions};
use crate::plan::{Distribution, FleetPlan, LabPlan, LabStore, Plan, Secret, WarmUp};
use crate::run::Stop;
use anyhow::Context as _;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::mpsc;

#[derive(Debug, clap::Subcommand)]
pub enum LabCommand {
    /// Start a lab and keep it until Ctrl-C.
    Up(LabArgs),
}

#[derive(Debug, clap::Args)]
pub struct LabArgs {
    /// A profile whose [fleet] the lab is to have; without one, a plain lab of two instances.
    pub profile: Option<PathBuf>,
    /// Override a key of the profile: `--set 'fleet.defect="local-sessions"'`.
    #[arg(long = "set", value_name = "KEY=VALUE", requires = "profile")]
    pub set: Vec<String>,
    /// Print the users' password.
    #[arg(long)]
    pub show_password: bool,
    /// What the names of its users start with.
    #[arg(long, default_value = "user-", value_name = "PREFIX")]
    pub user_prefix: String,
}

/// Holds the password of all users, where one is to be set: arguments can be seen by everybody on the machine.
const PASSWORD_VARIABLE: &str = "RUSHHOUR_LAB_PASSWORD";

/// The lab that `rushhour lab up` starts when no profile says otherwise.
fn default_plan() -> LabPlan {
    LabPlan {
        instances: 2,
        zones: vec!["zone-a".to_owned(), "zone-b".to_owned()],
        workers: 16,
        service_time: Distribution::Lognormal { median_seconds: 0.02, sigma: 0.5 },
        boot_time: Duration::from_secs(5),
        warm_up: WarmUp { factor: 1.0, lasts: Duration::ZERO },
        drain: Duration::from_secs(3),
        health_interval: Duration::from_millis(500),
        session_ttl: Duration::from_secs(30 * 60),
        absolute_timeout: Duration::from_secs(12 * 60 * 60),
        tls: false,
        store: LabStore::default(),
        autoscaler: None,
        defect: None,
        users: 1000,
    }
}

pub fn run(command: &LabCommand) -> anyhow::Result<Exit> {
    let LabCommand::Up(args) = command;
    let mut stop = stop_signal()?;
    let plan = match &args.profile {
        None => default_plan(),
        Some(path) => match load_profile(path, &args.set) {
            Err(exit) => return Ok(exit),
            Ok(Resolved { plan: Plan { fleet: FleetPlan::Lab(plan), .. }, .. }) => plan,
            Ok(_) => {
                eprintln!(
                    "error: {} has another fleet than the lab; `provider = \"lab\"` under [fleet]",
                    path.display()
                );
                return Ok(Exit::Usage);
            }
        },
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let asked = async move { drop(stop.wait_for(|stop| *stop == Stop::Asked).await) };
    runtime.block_on(up(args, &plan, asked))?;
    Ok(Exit::Pass)
}

/// Starts the lab of `plan`, says how to use it, and takes it down when `stop` is done.
///
/// # Errors
/// The lab does not start.
async fn up(args: &LabArgs, plan: &LabPlan, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
    let given = std::env::var(PASSWORD_VARIABLE).ok().filter(|password| !password.is_empty());
    let random = || format!("{:032x}", rand::random::<u128>());
    let shown = match (args.show_password, &given) {
        (true, _) => None,
        (false, Some(_)) => Some(format!("(that of {PASSWORD_VARIABLE})")),
        (false, None) => Some(format!("(random; --show-password prints it, {PASSWORD_VARIABLE} sets one)")),
    };
    let password = Secret::new(given.unwrap_or_else(random));
    let program = std::env::current_exe().context("cannot find the rushhour program itself")?;
    let options = LabOptions { program, user_prefix: args.user_prefix.clone(), password: password.clone() };
    let (notices, mut happened) = mpsc::unbounded_channel();
    tokio::pin!(stop);
    let lab = tokio::select! {
        lab = Lab::start(plan, options, notices) => lab?,
        () = &mut stop => return Ok(()),
    };
    let shown = shown.as_deref().unwrap_or(password.expose());
    introduce(&mut io::stdout().lock(), &lab, args, plan, shown)?;
    loop {
        tokio::select! {
            () = &mut stop => break,
            Some(notice) = happened.recv() => tell(&notice),
        }
    }
    eprintln!("taking the lab down");
    Box::new(lab).shut_down().await;
    Ok(())
}

fn introduce(out: &mut impl Write, lab: &Lab, args: &LabArgs, plan: &LabPlan, password: &str) -> io::Result<()> {
    let url = lab.url().unwrap_or_default();
    writeln!(out, "url        {url}")?;
    if plan.tls {
        writeln!(out, "authority  {}", lab.ca_file().display())?;
    }
    writeln!(out, "users      {0}1 to {0}{1}", args.user_prefix, plan.users)?;
    writeln!(out, "password   {password}")?;
    writeln!(out, "files      {}", lab.directory().display())?;
    for (name, pid) in lab.daemons() {
        writeln!(out, "process    {pid} {name}")?;
    }
    let trust = if plan.tls { format!(" --cacert {}", lab.ca_file().display()) } else { String::new() };
    writeln!(out, "try        curl -i{trust} {url}/healthz")?;
    writeln!(out, "Ctrl-C ends it.")?;
    out.flush()
}

/// A line for what changes while it is up.
fn tell(notice: &Notice) {
    match &notice.kind {
        EventKind::Trouble { what } => eprintln!("trouble: {what}"),
        kind => eprintln!("{} {}", kind.name(), kind.instance().unwrap_or_default()),
    }
}
