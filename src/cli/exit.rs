use crate::compare::ComparisonOutcome;
use std::process::ExitCode;

/// What a run's exit code means. Where several hold: 4, then 6, then 3, then 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Pass,
    Internal,
    /// The arguments or the profile are wrong, or the run could not begin.
    Usage,
    /// Any verdict brings its own code: 0, 3, 4, 5, 6 or 130.
    Verdict(u8),
    Interrupted,
}

impl Exit {
    /// A run's verdict and what a comparison says of it, together.
    pub fn with(self, comparison: ComparisonOutcome) -> Exit {
        const FIRST: [u8; 6] = [130, 4, 6, 3, 5, 0];
        let codes = [self.code(), comparison.exit_code()];
        FIRST.into_iter().find(|code| codes.contains(code)).map_or(self, Exit::Verdict)
    }

    pub fn code(self) -> u8 {
        match self {
            Exit::Pass => 0,
            Exit::Internal => 1,
            Exit::Usage => 2,
            Exit::Verdict(code) => code,
            Exit::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

/// As `--help` shows it.
pub const TABLE: &str = "\
Exit codes:
  0    pass
  1    internal error
  2    usage or profile error, or the run could not begin
  3    an objective is missed
  4    sessions were lost (re-login, state lost, wrong user) beyond what the profile allows
  5    regression against the baseline
  6    inconclusive: the run cannot be believed, and says why
  130  interrupted (the run so far is kept and judged)";
