use super::{Subject, wording};
use crate::verdict::{Held, Met, ObjectiveResult, SessionCheck, ValidityCheck};
use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

/// `junit.xml`: a case for each objective, for each thing sessions count on, and for each condition of believing the
/// run. What is broken is a failure; what cannot be told is an error; what nothing could have shown is skipped.
pub fn junit(subject: &Subject) -> String {
    let verdict = subject.verdict;
    let mut report = Report::new(format!("rushhour {}", subject.plan.name));
    report.add_test_suites([
        suite(subject, "objectives", verdict.objectives.iter().map(objective)),
        suite(subject, "sessions", verdict.sessions.iter().map(session)),
        suite(subject, "validity", verdict.validity.iter().map(validity)),
    ]);
    let text = report.to_string().expect("a String takes all text");
    // The schema that Jenkins holds such files to knows it of a suite, and not of all together, which come first.
    text.replacen(&format!(" skipped=\"{}\"", report.skipped), "", 1)
}

fn suite(subject: &Subject, name: &str, cases: impl Iterator<Item = TestCase>) -> TestSuite {
    let mut suite = TestSuite::new(name);
    suite.add_property(Property::new("profile", subject.plan.name.as_str()));
    suite.add_property(Property::new("run", subject.origin.run_id.as_str()));
    for mut case in cases {
        case.set_classname(format!("rushhour.{}.{name}", subject.plan.name));
        suite.add_test_case(case);
    }
    suite
}

fn objective(objective: &ObjectiveResult) -> TestCase {
    let told = wording::measured(objective);
    let status = match objective.met {
        Met::Met => TestCaseStatus::success(),
        Met::Missed => unsuccessful(NonSuccessKind::Failure, "objective missed", &told),
        Met::Unknown => unsuccessful(NonSuccessKind::Error, "inconclusive", &told),
    };
    case(&objective.text, status, &told)
}

fn session(check: &SessionCheck) -> TestCase {
    let status = match check.held {
        Held::Held => TestCaseStatus::success(),
        Held::Broken => unsuccessful(NonSuccessKind::Failure, "sessions lost", &check.found),
        Held::Unseen => {
            let mut skipped = TestCaseStatus::skipped();
            skipped.set_description("nothing in the run could have shown it");
            skipped
        }
    };
    case(&check.name, status, &check.found)
}

fn validity(check: &ValidityCheck) -> TestCase {
    let found = format!("{} (needed: {})", check.found, check.needed);
    let status = match check.ok {
        true => TestCaseStatus::success(),
        false => unsuccessful(NonSuccessKind::Error, "inconclusive", &found),
    };
    case(&check.name, status, &found)
}

pub(super) fn unsuccessful(kind: NonSuccessKind, what: &str, why: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(what).set_message(why);
    status
}

fn case(name: &str, status: TestCaseStatus, found: &str) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_system_out(found);
    case
}
