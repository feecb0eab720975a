use super::exit::Exit;
use crate::lab::run_guard;
use anyhow::Context as _;

/// The lab's guard, started by the lab alone: takes orders on standard input, and when that ends leaves nothing behind.
///
/// # Errors
/// The lab's directory cannot be made or removed.
pub fn run() -> anyhow::Result<Exit> {
    run_guard(std::io::stdin().lock()).context("the lab's guard")?;
    Ok(Exit::Pass)
}
