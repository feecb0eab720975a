use super::junit::unsuccessful;
use super::text::{Page, Style, Tone, printable};
use crate::audit::{Check, CheckResult};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

/// The checks of an audit as a table, what failed with why it matters and what to do, and how many came to what.
pub fn audit(profile: &str, checks: &[Check], width: usize, style: Style) -> String {
    let mut page = Page::new(width, style);
    page.heading(&format!("Audit of {}", printable(profile)));
    let widest = checks.iter().map(|check| check.name.len()).max().unwrap_or_default();
    for check in checks {
        let tone = match check.result {
            CheckResult::Passed | CheckResult::NotApplicable => None,
            CheckResult::Failed => Some(Tone::Bad),
            CheckResult::Unknown => Some(Tone::Doubtful),
        };
        let (result, name, seen) = (check.result.words(), check.name, printable(&check.seen));
        page.paragraph(tone, &format!("  {result:<7}  {name:<widest$}  "), &seen);
    }
    for check in checks.iter().filter(|check| check.result == CheckResult::Failed) {
        page.paragraph(Some(Tone::Bad), "  · ", &printable(&format!("{}: {}", check.name, check.seen)));
        page.paragraph(None, "    ", &format!("{}; {}", check.why, check.remedy));
    }
    let count = |result| checks.iter().filter(|check| check.result == result).count();
    let told = [
        (CheckResult::Passed, "passed"),
        (CheckResult::Failed, "failed"),
        (CheckResult::Unknown, "unknown"),
        (CheckResult::NotApplicable, "not applicable"),
    ];
    let told = told.iter().filter(|(result, _)| count(*result) > 0);
    let told: Vec<String> = told.map(|(result, words)| format!("{} {words}", count(*result))).collect();
    page.line(None, &format!("{} checks: {}", checks.len(), told.join(", ")));
    page.finish()
}

/// The same as JUnit, a case for each check.
pub fn audit_junit(profile: &str, checks: &[Check]) -> String {
    let mut suite = TestSuite::new("audit");
    for check in checks {
        let told = format!("{}; {}: {}", check.seen, check.why, check.remedy);
        let status = match check.result {
            CheckResult::Passed => TestCaseStatus::success(),
            CheckResult::NotApplicable => TestCaseStatus::skipped(),
            CheckResult::Failed => unsuccessful(NonSuccessKind::Failure, "check failed", &told),
            CheckResult::Unknown => unsuccessful(NonSuccessKind::Error, "inconclusive", &told),
        };
        let mut case = TestCase::new(check.name, status);
        case.set_classname(format!("rushhour.{profile}.audit"));
        case.set_system_out(check.seen.as_str());
        suite.add_test_case(case);
    }
    let mut report = Report::new(format!("rushhour audit {profile}"));
    report.add_test_suite(suite);
    report.to_string().expect("a String takes all text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_is_explained_and_what_was_seen_is_told_in_full() {
        let check = |name, result, seen: &str| {
            let (why, remedy) = ("it matters", "do it right");
            Check { name, result, seen: seen.to_owned(), why, remedy }
        };
        let checks = [
            check("even routing", CheckResult::Passed, "of 48 requests: i-1 24, i-2 24"),
            check("old id dead after logout", CheckResult::Failed, "still logged in\u{1b}"),
            check("instances over zones", CheckResult::NotApplicable, &"responses do not tell ".repeat(4)),
            check("store needs a password", CheckResult::Unknown, "no answer"),
        ];
        insta::assert_snapshot!(audit("shop", &checks, 80, Style::Plain));
    }
}
