use super::exit::Exit;
use anyhow::Result;

/// Prints the JSON Schema of a profile.
pub fn run() -> Result<Exit> {
    anstream::println!("{}", serde_json::to_string_pretty(crate::profile::schema())?);
    Ok(Exit::Pass)
}
