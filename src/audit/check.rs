use serde::Serialize;

/// One piece of good practice, and whether the deployment keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    pub name: &'static str,
    pub result: CheckResult,
    /// What was seen.
    pub seen: String,
    /// Why it matters.
    pub why: &'static str,
    /// What to do where it fails.
    pub remedy: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckResult {
    Passed,
    Failed,
    /// It could have been told, and was not: something did not answer.
    Unknown,
    /// It cannot be told of this deployment from outside, or does not apply to it.
    NotApplicable,
}

impl CheckResult {
    pub fn words(self) -> &'static str {
        match self {
            CheckResult::Passed => "passed",
            CheckResult::Failed => "FAILED",
            CheckResult::Unknown => "unknown",
            CheckResult::NotApplicable => "–",
        }
    }
}

/// A practice before it is looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Practice {
    pub name: &'static str,
    pub why: &'static str,
    pub remedy: &'static str,
}

impl Practice {
    pub(super) fn found(self, result: CheckResult, seen: impl Into<String>) -> Check {
        let Practice { name, why, remedy } = self;
        Check { name, result, seen: seen.into(), why, remedy }
    }

    pub(super) fn holds(self, holds: bool, seen: impl Into<String>) -> Check {
        self.found(if holds { CheckResult::Passed } else { CheckResult::Failed }, seen)
    }

    /// Why it cannot be told.
    pub(super) fn not_applicable(self, why: impl Into<String>) -> Check {
        self.found(CheckResult::NotApplicable, why)
    }

    /// Why it was not told.
    pub(super) fn unknown(self, why: impl Into<String>) -> Check {
        self.found(CheckResult::Unknown, why)
    }
}

/// The gravest of all: failed before unknown before passed.
pub fn outcome(checks: &[Check]) -> CheckResult {
    let any = |result| checks.iter().any(|check| check.result == result);
    match (any(CheckResult::Failed), any(CheckResult::Unknown), any(CheckResult::Passed)) {
        (true, ..) => CheckResult::Failed,
        // No evidence never passes.
        (_, true, _) | (_, _, false) => CheckResult::Unknown,
        _ => CheckResult::Passed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gravest_counts_and_nothing_seen_does_not_pass() {
        use CheckResult::{Failed, NotApplicable, Passed, Unknown};
        let practice = Practice { name: "n", why: "w", remedy: "r" };
        for (results, expected) in [
            (vec![], Unknown),
            (vec![NotApplicable], Unknown),
            (vec![Passed, NotApplicable], Passed),
            (vec![Passed, Unknown], Unknown),
            (vec![Unknown, Failed, Passed], Failed),
        ] {
            let checks: Vec<Check> = results.iter().map(|result| practice.found(*result, "")).collect();
            assert_eq!(outcome(&checks), expected, "{results:?}");
        }
    }
}
