//! A folder of profiles, one after the other: those whose description asks a question. Each run is a process of its own:
//! it leaves nothing to the next.

use super::exit::Exit;
use super::profile::{Resolved, load_profile};
use super::report::{print_text, style};
use super::signals::stop_signal;
use crate::plan::FleetPlan;
use crate::report::{SuiteResult, SuiteRow, matrix};
use crate::run::Stop;
use anyhow::Context as _;
use clap::Args;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Stdio;

#[derive(Args)]
pub struct SuiteArgs {
    /// The folder of profiles, such as profiles/. Those are run whose `description` asks a question and whose target is
    /// the lab.
    pub folder: PathBuf,
    /// Override a key of every profile.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Where run directories are kept.
    #[arg(long, value_name = "DIR", default_value = "results")]
    pub results: PathBuf,
    /// Print the matrix as one JSON object instead of text.
    #[arg(long)]
    pub json: bool,
}

pub fn run(args: &SuiteArgs) -> anyhow::Result<Exit> {
    let stop = stop_signal()?;
    let profiles = profiles(&args.folder)?;
    if profiles.is_empty() {
        eprintln!("error: {} holds no profile (*.toml)", args.folder.display());
        return Ok(Exit::Usage);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut rows = Vec::new();
    for (number, path) in (1..).zip(&profiles) {
        let name = name_of(path);
        if *stop.borrow() == Stop::Asked {
            rows.push(row(&name, String::new(), SuiteResult::Interrupted, "it was not begun any more"));
            continue;
        }
        eprintln!("── {name} ({number} of {})", profiles.len());
        let mut stop = stop.clone();
        rows.push(match wanting(path, &args.set) {
            Err(row) => row,
            Ok(question) => {
                let interrupt = async move { drop(stop.wait_for(|stop| *stop == Stop::Asked).await) };
                runtime.block_on(one(path, question, args, interrupt))?
            }
        });
    }
    let text = if args.json {
        serde_json::to_string_pretty(&serde_json::json!({ "profiles": rows }))?
    } else {
        matrix(&rows, WIDTH, style())
    };
    print_text(&text)?;
    Ok(worst(&rows))
}

/// Columns of the matrix.
const WIDTH: usize = 100;

fn profiles(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "toml"));
    paths.sort();
    Ok(paths)
}

fn name_of(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// The question a profile asks, or the row for one that cannot be run here.
fn wanting(path: &Path, set: &[String]) -> Result<String, SuiteRow> {
    let name = name_of(path);
    match load_profile(path, set) {
        Ok(Resolved { plan, .. }) if !matches!(plan.fleet, FleetPlan::Lab(_)) => {
            let why = "its fleet is not the lab; run it by itself";
            Err(row(&name, plan.description, SuiteResult::Skipped, why))
        }
        Ok(Resolved { plan, .. }) if !plan.description.contains('?') => {
            Err(row(&name, plan.description, SuiteResult::Skipped, "its description asks no question"))
        }
        Ok(Resolved { plan, .. }) => Ok(plan.description),
        Err(_) => Err(row(&name, String::new(), SuiteResult::Failed, "the profile is wrong, as said above")),
    }
}

fn row(profile: &str, question: String, result: SuiteResult, why: &str) -> SuiteRow {
    SuiteRow { profile: profile.to_owned(), question, result, exit_code: None, figures: vec![why.to_owned()] }
}

/// Runs one profile to its end. An interrupt is passed on, and the run ends cleanly by itself.
async fn one(
    path: &Path,
    question: String,
    args: &SuiteArgs,
    interrupt: impl Future<Output = ()>,
) -> anyhow::Result<SuiteRow> {
    let program = std::env::current_exe().context("this program's own path could not be found")?;
    let mut command = tokio::process::Command::new(program);
    command.arg("run").arg(path).args(["--json", "--quiet"]).arg("--results").arg(&args.results);
    for set in &args.set {
        command.arg("--set").arg(set);
    }
    // In a group of its own, a Ctrl-C on the terminal reaches it once, through us.
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).process_group(0).kill_on_drop(true).spawn()?;
    let pid = child.id();
    let ended = child.wait_with_output();
    tokio::pin!(ended, interrupt);
    let output = tokio::select! {
        output = &mut ended => output,
        () = &mut interrupt => {
            if let Some(pid) = pid {
                // It has not been waited for, so the number is still its own.
                let _ = kill(Pid::from_raw(pid as i32), Signal::SIGINT);
            }
            ended.await
        }
    }?;
    let code = output.status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(Exit::Internal.code());
    let figures = match serde_json::from_slice(&output.stdout) {
        Ok(summary) => figures(&summary),
        Err(_) => vec![format!("it ended with {} before there was anything to judge", output.status)],
    };
    Ok(SuiteRow { profile: name_of(path), question, result: SuiteResult::of(code), exit_code: Some(code), figures })
}

/// What of a run's summary speaks for its verdict, and by how much.
fn figures(summary: &Value) -> Vec<String> {
    let (verdict, load) = (&summary["verdict"], &summary["load"]);
    let outcome = &verdict["outcome"];
    let reasons = verdict["reasons"].as_array().into_iter().flatten();
    let deciding = reasons.filter(|reason| reason["speaks_for"] == *outcome);
    let mut figures: Vec<String> = deciding.filter_map(|reason| Some(reason["text"].as_str()?.to_owned())).collect();
    let symptoms = verdict["symptoms"].as_array().into_iter().flatten();
    figures.extend(symptoms.filter_map(|symptom| Some(symptom["title"].as_str()?.to_owned())));
    figures.extend(summary["objectives"].as_array().into_iter().flatten().filter_map(measured));
    if let (Some(errors), Some(requests)) = (load["errors"].as_u64(), load["requests"].as_u64()) {
        figures.push(format!("{errors} of {requests} requests failed"));
    }
    figures
}

/// An objective as the profile says it, and what was measured.
fn measured(objective: &Value) -> Option<String> {
    let (text, measured) = (objective["text"].as_str()?, objective["measured"].as_f64()?);
    let told = match objective["unit"].as_str()? {
        "seconds" if measured < 10.0 => format!("{:.0} ms", measured * 1e3),
        "seconds" => format!("{measured:.1} s"),
        "share" => format!("{:.2} %", measured * 100.0),
        "per-second" => format!("{measured:.1}/s"),
        "count" => format!("{measured:.0}"),
        _ => format!("{measured:.2}"),
    };
    Some(format!("{text}: {told}"))
}

/// Where several hold: interrupted, then 4, 6, 3, 5, then what could not be run. No evidence never passes.
fn worst(rows: &[SuiteRow]) -> Exit {
    let cut_off = rows.iter().any(|row| row.result == SuiteResult::Interrupted);
    let failed = rows.iter().filter(|row| row.result == SuiteResult::Failed);
    let failed = failed.map(|row| row.exit_code.unwrap_or(Exit::Usage.code())).max();
    let verdicts = [4, 6, 3, 5].into_iter().find(|code| rows.iter().any(|row| row.exit_code == Some(*code)));
    match (cut_off, verdicts.or(failed)) {
        (true, _) => Exit::Interrupted,
        (false, Some(code)) => Exit::Verdict(code),
        (false, None) if rows.iter().any(|row| row.result == SuiteResult::Held) => Exit::Pass,
        (false, None) => Exit::Verdict(6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_tells_by_how_much() {
        let objective = |text: &str, unit: &str, measured: f64| serde_json::json!({ "text": text, "result": "met", "unit": unit, "measured": measured });
        let never = serde_json::json!({ "text": "recovery ≤ 5s", "unit": "seconds", "measured": null });
        let summary = serde_json::json!({
            "verdict": {
                "outcome": "pass",
                "reasons": [
                    { "speaks_for": "pass", "text": "no session lost" },
                    { "speaks_for": "objectives-missed", "text": "another" },
                ],
                "symptoms": [{ "title": "keys without a time to live" }],
            },
            "objectives": [
                objective("response-time p99 ≤ 1s", "seconds", 0.1233),
                objective("error-rate ≤ 1%", "share", 0.0042),
                never,
            ],
            "load": { "errors": 8, "requests": 1900 },
        });
        assert_eq!(
            figures(&summary),
            [
                "no session lost",
                "keys without a time to live",
                "response-time p99 ≤ 1s: 123 ms",
                "error-rate ≤ 1%: 0.42 %",
                "8 of 1900 requests failed",
            ]
        );
    }

    #[test]
    fn the_worst_decides() {
        let rows = |codes: &[u8]| -> Vec<SuiteRow> {
            let row =
                |code: &u8| SuiteRow { exit_code: Some(*code), ..row("p", String::new(), SuiteResult::of(*code), "") };
            codes.iter().map(row).collect()
        };
        for (codes, expected) in [
            (vec![0, 0], 0),
            (vec![0, 5, 3], 3),
            (vec![3, 6, 5], 6),
            (vec![6, 4, 3], 4),
            (vec![0, 2], 2),
            (vec![2, 3], 3),
            (vec![4, 130], 130),
        ] {
            assert_eq!(worst(&rows(&codes)).code(), expected, "{codes:?}");
        }
        let skipped = row("p", String::new(), SuiteResult::Skipped, "no application");
        assert_eq!(worst(&[skipped.clone(), rows(&[0]).remove(0)]).code(), 0);
        assert_eq!(worst(&[skipped]).code(), 6, "nothing was run");
    }
}
