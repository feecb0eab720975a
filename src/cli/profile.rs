use super::exit::Exit;
use crate::plan::{Plan, ThisMachine, Unrecorded, resolve};
use crate::profile;
use std::io::IsTerminal as _;
use std::path::Path;

pub struct Resolved {
    pub plan: Plan,
    pub unrecorded: Unrecorded,
}

/// Reads and resolves a profile; when something is wrong with it, all of that is printed.
pub fn load_profile(path: &Path, set: &[String]) -> Result<Resolved, Exit> {
    let resolved = profile::load(path, set).and_then(|profile| resolve(&profile, &ThisMachine));
    match resolved {
        Ok((plan, unrecorded)) => Ok(Resolved { plan, unrecorded }),
        Err(errors) => {
            let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            eprintln!("{}", errors.render(colour));
            Err(Exit::Usage)
        }
    }
}
