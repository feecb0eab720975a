use super::junit::unsuccessful;
use super::text::{Page, Style, Tone, cell, printable};
use crate::audit::{Check, CheckResult};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

/// The checks of an audit as a table; what failed with why it matters and what to do.
pub fn audit(profile: &str, checks: &[Check], width: usize, style: Style) -> String {
    let mut page = Page::new(width, style);
    page.heading(&format!("Audit of {}", printable(profile)));
    let row = |check: &Check| [check.result.words(), check.name, check.seen.as_str()].map(cell).to_vec();
    page.table(&checks.iter().map(row).collect::<Vec<_>>());
    for check in checks.iter().filter(|check| check.result == CheckResult::Failed) {
        page.paragraph(Some(Tone::Bad), "  · ", &printable(&format!("{}: {}", check.name, check.seen)));
        page.paragraph(None, "    ", &format!("{}; {}", check.why, check.remedy));
    }
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
