use super::Subject;
use super::text::printable;
use crate::verdict::Outcome;

/// Workflow commands of GitHub Actions, a line each, that make its pages show why a run did not pass.
/// <https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands>
pub fn annotations(subject: &Subject) -> String {
    let verdict = subject.verdict;
    let title = |what: &str| property(&format!("rushhour {}: {what}", subject.plan.name));
    let wrong = verdict.reasons.iter().filter(|reason| reason.speaks_for != Outcome::Pass);
    let reasons = wrong.map(|reason| {
        let level = if reason.speaks_for == verdict.outcome { "error" } else { "warning" };
        format!("::{level} title={}::{}\n", title(reason.speaks_for.words()), data(&reason.text))
    });
    let symptoms = verdict.symptoms.iter().map(|symptom| {
        let text = format!("{}. {}", symptom.evidence, symptom.explanation);
        format!("::warning title={}::{}\n", title(&symptom.title), data(&text))
    });
    reasons.chain(symptoms).collect()
}

fn data(text: &str) -> String {
    printable(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_a_command_early_or_begins_another() {
        assert_eq!(data("100 %\n::stop-commands::x"), "100 %25\\n::stop-commands::x");
        assert_eq!(property("a: b, c"), "a%3A b%2C c");
    }
}
