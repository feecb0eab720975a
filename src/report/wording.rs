//! How findings read, the same in every format. What comes from responses is in these texts as it came: each format
//! escapes it in its own way.

use super::Subject;
use crate::analysis::ElasticityFigures;
use crate::history::{FleetChange, Offset};
use crate::plan::Limit;
use crate::session::{Cohort, LossCause, LossExample, LossKind};
use crate::verdict::{Met, ObjectiveResult, Outcome};

pub(super) fn seconds(at: Offset) -> String {
    format!("{:.1} s", at.as_secs_f64())
}

/// An RFC 3339 time in UTC, to the second.
pub(super) fn moment(rfc3339: &str) -> String {
    rfc3339.get(..19).map_or(rfc3339.to_owned(), |second| format!("{} UTC", second.replace('T', " ")))
}

/// `1 session`, `12,480 sessions`.
pub(super) fn counted(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", grouped(count), if count == 1 { "" } else { "s" })
}

/// With a comma after each three digits.
pub(super) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share as per cent, to two digits after the point where they say anything.
pub(super) fn percent(share: f64) -> String {
    let text = format!("{:.2}", share * 100.0);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

/// Milliseconds to three significant digits.
pub(super) fn ms(value: f64) -> String {
    match value {
        v if v >= 100.0 => format!("{v:.0}"),
        v if v >= 10.0 => format!("{v:.1}"),
        v => format!("{v:.2}"),
    }
}

/// How closely the fleet followed the load.
pub(super) fn elasticity(elasticity: &ElasticityFigures) -> String {
    let percent = |share: f64| format!("{:.0} %", share * 100.0);
    format!(
        "elasticity (SPEC RG, normalised by demand, {} s intervals): too few instances {} of the time, by {} of those \
         needed on average; too many {}, by {}; instability {}",
        elasticity.interval_seconds,
        percent(elasticity.under_timeshare),
        percent(elasticity.under_accuracy),
        percent(elasticity.over_timeshare),
        percent(elasticity.over_accuracy),
        percent(elasticity.instability)
    )
}

/// The run in one sentence, for somebody who reads no other.
pub(super) fn headline(subject: &Subject) -> String {
    let Subject { verdict, sessions, analysis, .. } = *subject;
    let reason = verdict.reasons.iter().find(|r| r.speaks_for == verdict.outcome).map_or("", |r| r.text.as_str());
    let missed = verdict.objectives.iter().filter(|o| o.met == Met::Missed).count() as u64;
    let load = match analysis.requests.errors {
        0 => counted(analysis.requests.count, "request"),
        errors => format!("{} ({errors} failed)", counted(analysis.requests.count, "request")),
    };
    let change = match sessions.cohorts.as_slice() {
        [] => String::new(),
        [one] => format!(" while the fleet changed ({})", one.change.name),
        many => format!(" while the fleet changed {} times", many.len()),
    };
    match verdict.outcome {
        Outcome::Pass if sessions.sessions.verified > 0 && sessions.nothing_lost() => {
            let taken = sessions.restored.as_ref().is_some_and(|restored| restored.sessions + restored.writes > 0);
            let beyond = if taken { ", but for what the restore had to take" } else { "" };
            format!("Sessions held{change}{beyond}, and every objective was met, over {load}.")
        }
        Outcome::Pass if sessions.sessions.verified > 0 => {
            format!(
                "No more was lost{change} than the profile allows, and every objective was met, over {load}: {reason}."
            )
        }
        Outcome::Pass => format!("Every objective was met over {load}."),
        Outcome::SessionsLost => format!("Users lost their sessions{change}: {reason}."),
        Outcome::ObjectiveMissed => format!(
            "The service did not do what was asked of it: {missed} of {} missed{change}. {reason}.",
            counted(verdict.objectives.len() as u64, "objective")
        ),
        Outcome::Inconclusive => format!("This run proves nothing either way: {reason}."),
    }
}

/// `scale-out at 40.1 s, 2 → 3 instances (…)`.
pub(super) fn change(change: &FleetChange) -> String {
    let detail = if change.detail.is_empty() { String::new() } else { format!(", {}", change.detail) };
    format!("{} at {}{detail}", change.name, seconds(change.at_us))
}

/// The fates of a cohort, gravest last.
pub(super) fn fates(cohort: &Cohort) -> [(&'static str, u64); 7] {
    [
        ("survived", cohort.survived),
        ("re-login", cohort.relogin),
        ("replaced", cohort.replaced),
        ("state lost", cohort.state_lost),
        ("ambiguous", cohort.ambiguous),
        ("unavailable", cohort.unavailable),
        ("unobserved", cohort.unobserved),
    ]
}

pub(super) fn survival(cohort: &Cohort) -> String {
    cohort.survival.map_or("nothing proves what became of them".to_owned(), |survival| survival.told())
}

/// A time after a launch at which a share of a cohort was reached.
pub(super) fn after_launch(seconds: Option<f64>) -> String {
    seconds.map_or("not reached".to_owned(), |seconds| format!("{seconds:.1} s after launch"))
}

/// What was measured, and how far off the limit it is.
pub(super) fn measured(objective: &ObjectiveResult) -> String {
    let (Some(measured), Some(told)) = (objective.measured, objective.told_measured()) else {
        return objective.unknown_because.clone().unwrap_or_else(|| "it never came about".to_owned());
    };
    let (Limit::AtMost(limit) | Limit::AtLeast(limit)) = objective.limit;
    let found = format!("measured {told}");
    let by = measured - limit;
    match (objective.met, &objective.unknown_because) {
        (Met::Missed, _) if limit != 0.0 => format!("{found}, {:+.0} % off the limit", 100.0 * by / limit),
        (Met::Missed, _) => format!("{found}, where {} is the limit", objective.told(limit)),
        (_, Some(why)) => format!("{found}, but {why}"),
        _ => found,
    }
}

/// How far from its limit an objective came out, or why that cannot be told.
pub(super) fn margin(objective: &ObjectiveResult) -> String {
    let Some(measured) = objective.measured else {
        return objective.unknown_because.clone().unwrap_or_else(|| "it never came about".to_owned());
    };
    let (Limit::AtMost(limit) | Limit::AtLeast(limit)) = objective.limit;
    let by = measured - limit;
    let side = if by > 0.0 { "above" } else { "below" };
    match &objective.unknown_because {
        Some(why) => why.clone(),
        None if by == 0.0 => "at the limit".to_owned(),
        None if limit == 0.0 => format!("{} {side} the limit", objective.told(by.abs())),
        None => format!("{:.0} % {side} the limit", 100.0 * (by / limit).abs()),
    }
}

pub(super) fn met(met: Met) -> &'static str {
    match met {
        Met::Met => "met",
        Met::Missed => "missed",
        Met::Unknown => "unknown",
    }
}

pub(super) fn loss_kind(kind: LossKind) -> &'static str {
    match kind {
        LossKind::WrongUser => "wrong user",
        LossKind::Relogin => "re-login",
        LossKind::StateLost => "state lost",
        LossKind::Duplicated => "duplicated",
        LossKind::LoginRefused => "login refused",
    }
}

pub(super) fn instance(name: &Option<String>) -> &str {
    name.as_deref().unwrap_or("an unknown instance")
}

pub(super) fn loss_example(example: &LossExample) -> String {
    let before = example.before.as_ref().map_or(String::new(), |b| {
        format!(" (before it \"{}\" on {} at {})", b.step, instance(&b.instance), seconds(b.at_us))
    });
    let cause = put_down_to(example).map_or(String::new(), |cause| format!(" ({cause})"));
    format!(
        "session {}, user {}, at {}, \"{}\" on {}{before}: expected {}, found {}{cause}",
        example.session,
        example.user,
        seconds(example.at_us),
        example.step,
        instance(&example.instance),
        example.expected,
        example.found
    )
}

/// Why it was lost, as far as that is known, and what of it a failover explains.
pub(super) fn put_down_to(example: &LossExample) -> Option<String> {
    let cause = example.cause?;
    match example.failover {
        Some(share) => {
            let (lost, in_span) = (counted(share.lost, "acknowledged write"), share.in_span);
            Some(format!("{}: {in_span} of {lost} from when the store lost the probe's own", cause.words()))
        }
        None => (cause != LossCause::Unknown).then(|| cause.words().to_owned()),
    }
}

/// How instances went ([`crate::analysis::DepartureFigures::manner`]), in a sentence.
pub(super) fn manner(manner: &str) -> String {
    match manner {
        "drained" => "began to drain".to_owned(),
        "frozen" => "hung".to_owned(),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped_in_threes() {
        let cases = [(0, "0"), (999, "999"), (1000, "1,000"), (36_000_123, "36,000,123")];
        cases.iter().for_each(|(count, text)| assert_eq!(grouped(*count), *text));
        assert_eq!((counted(1, "session"), counted(2, "session")), ("1 session".to_owned(), "2 sessions".to_owned()));
    }

    #[test]
    fn shares_are_told_without_idle_digits() {
        assert_eq!([percent(1.0), percent(0.0125), percent(0.00004)], ["100 %", "1.25 %", "0 %"]);
    }
}
