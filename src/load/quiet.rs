use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;

/// Standard output turned away for as long as this lives. Goose prints there how many users it launched, whatever
/// its options say, and standard output is for a run's result.
pub struct StdoutTurnedAway {
    real: OwnedFd,
}

impl StdoutTurnedAway {
    pub fn begin() -> io::Result<StdoutTurnedAway> {
        io::stdout().flush()?;
        let real = nix::unistd::dup(io::stdout())?;
        nix::unistd::dup2_stdout(File::options().write(true).open("/dev/null")?)?;
        Ok(StdoutTurnedAway { real })
    }
}

impl Drop for StdoutTurnedAway {
    fn drop(&mut self) {
        // What goose left in the buffer goes the way of the rest. Without the real one back there is nobody to tell.
        let _ = io::stdout().flush();
        let _ = nix::unistd::dup2_stdout(&self.real);
    }
}
