//! A command of the user's own, as an action of the timeline.

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::path::Path;
use std::pin::pin;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use tokio::process::{ChildStderr, Command};
use tokio::time::timeout;

/// Of what a command says on standard error, this much of the end is told when it fails.
const TOLD: usize = 300;
const READ_WITHIN: Duration = Duration::from_millis(200);

/// Runs `command` in `directory` and says how it ended.
///
/// # Errors
/// It did not start, failed, or took longer than `within`. Whatever is left of its process group is killed.
pub async fn run(command: &[String], directory: &Path, within: Duration) -> Result<String, String> {
    let [program, arguments @ ..] = command else { return Err("there is no command".to_owned()) };
    let mut process = Command::new(program);
    process.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).process_group(0);
    if !directory.as_os_str().is_empty() {
        process.current_dir(directory);
    }
    let mut child = process.spawn().map_err(|error| format!("`{program}` did not start: {error}"))?;
    let _group = child.id().map(Group);
    let mut errors = child.stderr.take().expect("standard error is piped");
    let mut said = Vec::new();
    let ended = async {
        let mut reading = pin!(keep_end(&mut errors, &mut said));
        tokio::select! {
            status = child.wait() => {
                // What it said last may not have been read yet. What it left running may keep the pipe open.
                let _ = timeout(READ_WITHIN, reading).await;
                status
            }
            () = &mut reading => child.wait().await,
        }
    };
    match timeout(within, ended).await {
        Ok(Ok(status)) if status.success() => Ok(status.to_string()),
        Ok(Ok(status)) => Err(format!("{status}; it said: {}", String::from_utf8_lossy(&said).trim())),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("it took longer than {:.0} s", within.as_secs_f64())),
    }
}

/// Reads all of it and keeps its end.
async fn keep_end(errors: &mut ChildStderr, said: &mut Vec<u8>) {
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = errors.read(&mut buffer).await {
        said.extend_from_slice(&buffer[..read]);
        said.drain(..said.len().saturating_sub(TOLD));
    }
}

/// The processes of a command; dropping it ends those that are left.
struct Group(u32);

impl Drop for Group {
    fn drop(&mut self) {
        // None left is as good.
        let _ = killpg(Pid::from_raw(self.0 as i32), Signal::SIGKILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn shell(script: &str, within: Duration) -> Result<String, String> {
        run(&["sh".into(), "-c".into(), script.into()], Path::new("/"), within).await
    }

    #[tokio::test]
    async fn a_command_ends_well_or_says_why_not() {
        let long = Duration::from_secs(30);
        assert!(shell("test \"$PWD\" = /", long).await.is_ok());
        let failed = shell("echo no primary >&2; exit 3", long).await.unwrap_err();
        assert!(failed.contains("3") && failed.contains("no primary"), "{failed}");
        let missing = run(&["/no/such/program".into()], Path::new(""), long).await.unwrap_err();
        assert!(missing.contains("did not start"), "{missing}");
        let late = shell("sleep 1000", Duration::from_millis(50)).await.unwrap_err();
        assert!(late.contains("longer"), "{late}");
    }
}
