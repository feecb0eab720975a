use super::exit::Exit;
use super::profile::{Resolved, load_profile};
use super::report::print_text;
use crate::fleet::aws::{policy, restore, setup_calls, statements_after_run, undone};
use crate::plan::FleetPlan;
use crate::record::RunDirectory;
use serde_json::json;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Subcommand)]
pub enum AwsCommand {
    /// Print the least IAM policy, as JSON, with which a profile can be run.
    Policy(PolicyArgs),
    /// Put back what a run changed that ended before it could do so itself.
    Restore(RestoreArgs),
}

#[derive(Debug, clap::Args)]
pub struct PolicyArgs {
    /// The profile, with `provider = "aws"`.
    pub profile: PathBuf,
    /// Override a key of the profile: `--set 'fleet.aws.region="eu-central-1"'`.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Also what `rushhour audit` reads.
    #[arg(long)]
    pub audit: bool,
}

#[derive(Debug, clap::Args)]
pub struct RestoreArgs {
    /// The directory of the run, or of its profile for the latest run.
    pub run: PathBuf,
}

pub fn run(command: &AwsCommand) -> anyhow::Result<Exit> {
    match command {
        AwsCommand::Policy(args) => print_policy(args),
        AwsCommand::Restore(args) => put_back(args),
    }
}

fn print_policy(args: &PolicyArgs) -> anyhow::Result<Exit> {
    let plan = match load_profile(&args.profile, &args.set) {
        Err(exit) => return Ok(exit),
        Ok(Resolved { plan, .. }) => plan,
    };
    let FleetPlan::Aws(aws) = &plan.fleet else {
        eprintln!("error: {} has another fleet than AWS; `provider = \"aws\"` under [fleet]", args.profile.display());
        return Ok(Exit::Usage);
    };
    let mut policy = policy(aws, plan.timeline.iter().map(|entry| &entry.action));
    if let Some(statements) = policy["Statement"].as_array_mut() {
        statements.extend(statements_after_run(&plan, aws));
        if args.audit {
            // They only read, and most of them know of no resources.
            let calls = setup_calls(aws);
            statements.push(json!({ "Sid": "Audit", "Effect": "Allow", "Action": calls, "Resource": "*" }));
        }
    }
    print_text(&serde_json::to_string_pretty(&policy)?)?;
    Ok(Exit::Pass)
}

fn put_back(args: &RestoreArgs) -> anyhow::Result<Exit> {
    // A run that was killed early may have no manifest yet.
    let run = RunDirectory::open(&args.run).map_or_else(|_| args.run.clone(), |run| run.path().to_owned());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match runtime.block_on(restore(&run)) {
        Ok(done) => {
            print_text(&done.join("\n"))?;
            Ok(Exit::Pass)
        }
        Err(why) => {
            eprintln!("error: {why}");
            Ok(Exit::Usage)
        }
    }
}

/// Says so when a run has left the fleet changed.
pub fn tell_undone(run: &Path) {
    if undone(run).is_some() {
        let run = run.display();
        eprintln!("error: the fleet is not as it was before the run: `rushhour aws restore {run}` puts it back");
    }
}
