use super::LabError;
use crate::plan::StoreKind;
use std::env;
use std::path::PathBuf;

/// The programs a lab runs, where they were found.
#[derive(Clone, Debug)]
pub struct Programs {
    pub haproxy: PathBuf,
    /// What the kind of store asks for.
    pub store: PathBuf,
}

/// An emulator of AWS, of which DynamoDB is used: from PyPI, by no package manager of a machine.
const EMULATOR: &str = "ministack";

/// Looks for what the lab needs on this machine. Cheap: to be called before anything else of a run is done.
///
/// # Errors
/// [`LabError::Missing`] names what is missing and the command that installs it.
pub fn preflight(store: StoreKind) -> Result<Programs, LabError> {
    let server = match store {
        StoreKind::Sentinel | StoreKind::Single | StoreKind::Cluster => "redis-server",
        StoreKind::Dynamodb => EMULATOR,
    };
    match (find("haproxy"), find(server)) {
        (Some(haproxy), Some(store)) => Ok(Programs { haproxy, store }),
        (haproxy, store) => {
            let missing: Vec<&str> = [(server, &store), ("haproxy", &haproxy)]
                .into_iter()
                .filter(|(_, found)| found.is_none())
                .map(|(program, _)| program)
                .collect();
            let manager = Manager::ALL.into_iter().find(|manager| find(manager.program()).is_some());
            Err(LabError::Missing { programs: missing.join(" and "), remedy: remedy(manager, &missing) })
        }
    }
}

fn find(program: &str) -> Option<PathBuf> {
    // Debian keeps haproxy in sbin, which is not in every user's PATH.
    let more = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).chain(more).map(|directory| directory.join(program)).find(|file| file.is_file())
}

#[derive(Clone, Copy, Debug)]
enum Manager {
    Apt,
    Dnf,
    Brew,
}

impl Manager {
    const ALL: [Manager; 3] = [Manager::Apt, Manager::Dnf, Manager::Brew];

    fn program(self) -> &'static str {
        match self {
            Manager::Apt => "apt-get",
            Manager::Dnf => "dnf",
            Manager::Brew => "brew",
        }
    }

    fn package(self, program: &str) -> &str {
        match (self, program) {
            (Manager::Dnf | Manager::Brew, "redis-server") => "redis",
            _ => program,
        }
    }

    fn install(self, missing: &[&str]) -> String {
        let packages: Vec<&str> = missing.iter().map(|program| self.package(program)).collect();
        let packages = packages.join(" ");
        match self {
            Manager::Apt => format!("sudo apt-get install --yes {packages}"),
            Manager::Dnf => format!("sudo dnf install --assumeyes {packages}"),
            Manager::Brew => format!("brew install {packages}"),
        }
    }
}

fn remedy(manager: Option<Manager>, missing: &[&str]) -> String {
    let (emulator, packages): (Vec<&str>, Vec<&str>) = missing.iter().partition(|program| **program == EMULATOR);
    let emulator = (!emulator.is_empty()).then(|| format!("pipx install {EMULATOR}"));
    let packages = (!packages.is_empty()).then(|| manager.map(|manager| manager.install(&packages)));
    match (packages, emulator) {
        (Some(None), None) => "install it with this machine's package manager".to_owned(),
        (Some(None), Some(emulator)) => format!("install it with this machine's package manager, and with: {emulator}"),
        (Some(Some(packages)), Some(emulator)) => format!("install with: {packages} && {emulator}"),
        (Some(Some(command)), None) | (None, Some(command)) => format!("install with: {command}"),
        (None, None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_remedy_fits_the_machine() {
        let missing = ["redis-server", "haproxy"];
        let remedies = [Some(Manager::Apt), Some(Manager::Dnf), Some(Manager::Brew), None];
        insta::assert_snapshot!(remedies.map(|manager| remedy(manager, &missing)).join("\n"), @r"
        install with: sudo apt-get install --yes redis-server haproxy
        install with: sudo dnf install --assumeyes redis haproxy
        install with: brew install redis haproxy
        install it with this machine's package manager
        ");
        assert_eq!(remedy(Some(Manager::Apt), &["haproxy"]), "install with: sudo apt-get install --yes haproxy");
    }

    #[test]
    fn the_emulator_comes_from_its_own_registry() {
        let pipx = "pipx install ministack";
        for (manager, missing, wanted) in [
            (Some(Manager::Apt), vec![EMULATOR], format!("install with: {pipx}")),
            (None, vec![EMULATOR], format!("install with: {pipx}")),
            (Some(Manager::Brew), vec![EMULATOR, "haproxy"], format!("install with: brew install haproxy && {pipx}")),
            (
                None,
                vec![EMULATOR, "haproxy"],
                format!("install it with this machine's package manager, and with: {pipx}"),
            ),
        ] {
            assert_eq!(remedy(manager, &missing), wanted);
        }
    }

    #[test]
    fn the_error_names_what_is_missing() {
        let error =
            LabError::Missing { programs: "haproxy".into(), remedy: "install with: brew install haproxy".into() };
        assert_eq!(
            error.to_string(),
            "the lab needs haproxy, which is not in PATH; install with: brew install haproxy"
        );
    }
}
