use anyhow::Result;
use std::process::ExitCode;

/// Prints the JSON Schema of a profile.
pub fn run() -> Result<ExitCode> {
    anstream::println!("{}", serde_json::to_string_pretty(crate::profile::schema())?);
    Ok(ExitCode::SUCCESS)
}
