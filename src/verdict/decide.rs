use super::continuity::{allowed_losses, continuity, plural};
use super::objectives::objectives;
use super::symptoms::symptoms;
use super::validity::validity;
use super::{Held, Met, ObjectiveResult, Outcome, Reason, RunFacts, SessionCheck, ValidityCheck, Verdict};
use crate::analysis::Analysis;
use crate::plan::{Limit, Plan};
use crate::session::SessionFindings;

/// The verdict on a run. Where several outcomes hold, sessions lost comes before inconclusive, and that before an
/// objective missed: a definite loss stands whatever else is in doubt, and a missed limit does not when the figures are.
pub fn decide(plan: &Plan, analysis: &Analysis, sessions: &SessionFindings, run: &RunFacts) -> Verdict {
    let objectives = objectives(plan, analysis, sessions);
    let validity = validity(plan, analysis, sessions, run);
    let continuity = continuity(plan, sessions);
    let mut reasons: Vec<Reason> = continuity.iter().filter(|check| check.held == Held::Broken).map(lost).collect();
    reasons.extend(doubts(&validity, &objectives));
    reasons.extend(objectives.iter().filter(|o| o.met == Met::Missed).map(missed));
    let holds = |outcome: &Outcome| reasons.iter().any(|r| r.speaks_for == *outcome);
    let outcome = [Outcome::SessionsLost, Outcome::Inconclusive, Outcome::ObjectiveMissed];
    let outcome = outcome.into_iter().find(holds).unwrap_or(Outcome::Pass);
    reasons.extend(comforts(plan, sessions, &objectives));
    reasons.sort_by_key(|r| r.speaks_for != outcome);
    Verdict {
        outcome,
        exit_code: if run.interrupted { 130 } else { outcome.exit_code() },
        interrupted: run.interrupted,
        reasons,
        objectives,
        sessions: continuity,
        validity,
        symptoms: sessions.symptoms.iter().cloned().chain(symptoms(analysis)).collect(),
    }
}

fn reason(speaks_for: Outcome, text: impl Into<String>) -> Reason {
    Reason { speaks_for, text: text.into() }
}

fn lost(check: &SessionCheck) -> Reason {
    reason(Outcome::SessionsLost, check.found.clone())
}

fn doubts(validity: &[ValidityCheck], objectives: &[ObjectiveResult]) -> Vec<Reason> {
    let failed = validity.iter().filter(|check| !check.ok);
    let failed = failed.map(|c| reason(Outcome::Inconclusive, format!("{} (needed: {})", c.found, c.needed)));
    let unknown = objectives.iter().filter_map(|o| {
        let why = o.unknown_because.as_ref()?;
        Some(reason(Outcome::Inconclusive, format!("objective unknown: {}: {why}", o.text)))
    });
    failed.chain(unknown).collect()
}

fn missed(objective: &ObjectiveResult) -> Reason {
    let by = match (objective.measured, objective.limit) {
        (None, _) => "it never came about".to_owned(),
        (Some(measured), Limit::AtMost(limit)) => {
            format!("{} where at most {} is allowed", objective.told(measured), objective.told(limit))
        }
        (Some(measured), Limit::AtLeast(limit)) => {
            format!("{} where at least {} is needed", objective.told(measured), objective.told(limit))
        }
    };
    reason(Outcome::ObjectiveMissed, format!("{}: {by}", objective.text))
}

/// What speaks for a pass, worth saying whatever came out.
fn comforts(plan: &Plan, sessions: &SessionFindings, objectives: &[ObjectiveResult]) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let verified = sessions.sessions.verified;
    if verified > 0 && sessions.nothing_lost() {
        let verified = plural(verified, "session");
        reasons.push(reason(Outcome::Pass, format!("no session lost of {verified} that proved who they were")));
    }
    reasons.extend(allowed_losses(plan, sessions).into_iter().map(|found| reason(Outcome::Pass, found)));
    let met = objectives.iter().filter(|o| o.met == Met::Met).count();
    if met > 0 {
        reasons.push(reason(Outcome::Pass, format!("{met} of {} objectives met", objectives.len())));
    }
    reasons
}
