use super::exit::Exit;
use crate::plan::{FeederSpec, Plan, ThisMachine, resolve};
use crate::profile;
use std::io::IsTerminal as _;
use std::path::Path;

pub struct Resolved {
    pub plan: Plan,
    pub feeder: FeederSpec,
}

/// Reads and resolves a profile; when something is wrong with it, all of that is printed.
pub fn load_profile(path: &Path, set: &[String]) -> Result<Resolved, Exit> {
    let resolved = profile::load(path, set).and_then(|profile| resolve(&profile, &ThisMachine));
    match resolved {
        Ok((plan, feeder)) => Ok(Resolved { plan, feeder }),
        Err(errors) => {
            let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            eprintln!("{}", errors.render(colour));
            Err(Exit::Usage)
        }
    }
}
