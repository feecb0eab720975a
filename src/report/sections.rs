use super::aftermath::Aftermath;
use super::text::{Page, Tone, cell, printable};
use super::wording::{self, ms, seconds};
use crate::analysis::{Analysis, Stamp, TimeFigures};
use crate::history::{Event, EventKind};
use crate::session::{Cohort, SessionFindings};
use crate::verdict::{Met, Verdict};
use std::collections::BTreeSet;

/// Steps told one by one: those with the greatest p99.
const SLOWEST: usize = 5;
/// Cohorts and new instances told one by one.
const MOST_ROWS: usize = 6;

pub(super) fn continuity(page: &mut Page, sessions: &SessionFindings) {
    let counts = &sessions.sessions;
    page.heading("Sessions");
    page.paragraph(
        None,
        "  ",
        &format!(
            "{} seen, {} logged in, {} recognised afterwards; {} asked to log in again, {} as another user, {} with \
             state lost, {} with doubtful state",
            counts.seen,
            counts.logged_in,
            counts.verified,
            counts.asked_to_log_in_again,
            counts.wrong_user,
            counts.state_lost,
            counts.state_ambiguous
        ),
    );
    let handoffs = &sessions.handoffs;
    if handoffs.sessions_placed > 0 {
        let share = 100.0 * handoffs.sessions_handed_off as f64 / handoffs.sessions_placed as f64;
        let affinity = match handoffs.sessions_with_affinity {
            0 => "no affinity cookie seen".to_owned(),
            n => format!("{n} carried an affinity cookie"),
        };
        let text = format!(
            "{} handoffs; {share:.0} % of sessions served by more than one instance; {affinity}",
            handoffs.handoffs
        );
        page.paragraph(None, "  ", &text);
    }
    for cohort in told_first(&sessions.cohorts) {
        cohort_lines(page, cohort);
    }
}

/// Addresses of the balancer that its name stood for, as against those that connections went to: a resolver or a
/// generator that sticks to one of them sees only a part of the balancer.
pub(super) fn addresses(page: &mut Page, events: &[Event], analysis: &Analysis) {
    let resolved: BTreeSet<&str> = (events.iter())
        .filter_map(|event| match &event.kind {
            EventKind::AddressResolved { address } => Some(address.as_str()),
            _ => None,
        })
        .collect();
    if resolved.is_empty() {
        return;
    }
    let unused: Vec<&str> = resolved.iter().copied().filter(|a| !analysis.addresses.contains_key(*a)).collect();
    let used = resolved.len() - unused.len();
    let rest = if unused.is_empty() { String::new() } else { format!("; not used: {}", unused.join(", ")) };
    let text = format!("{} addresses of the balancer seen in DNS, {used} of them used{rest}", resolved.len());
    page.paragraph(None, "  ", &printable(&text));
}

/// Scale-outs before other changes.
fn told_first(cohorts: &[Cohort]) -> Vec<&Cohort> {
    let mut told: Vec<&Cohort> = cohorts.iter().collect();
    told.sort_by_key(|c| (!c.change.is_scale_out(), c.change.at_us));
    told.truncate(MOST_ROWS / 2);
    told
}

fn cohort_lines(page: &mut Page, cohort: &Cohort) {
    let title = format!("{}: {} sessions were there", printable(&wording::change(&cohort.change)), cohort.sessions);
    page.paragraph(None, "  ", &title);
    if cohort.sessions == 0 {
        return;
    }
    let fates: Vec<String> = wording::fates(cohort)
        .iter()
        .filter(|(name, n)| *n > 0 || *name == "survived")
        .map(|(name, n)| format!("{name} {n}"))
        .collect();
    page.paragraph(None, "    ", &format!("{} — {}", fates.join(" · "), wording::survival(cohort)));
    if let Some(adoption) = &cohort.adoption {
        let text = format!(
            "adopted by new instances: {} of the {} still there; half {}, 90 % {}",
            adoption.curve.adopted,
            adoption.curve.eligible,
            wording::after_launch(adoption.curve.t50_seconds),
            wording::after_launch(adoption.curve.t90_seconds)
        );
        page.paragraph(None, "    ", &text);
    }
}

/// What became of requests when instances went, of the store, and why sessions were lost, each where there is something
/// to tell.
pub(super) fn aftermath(page: &mut Page, told: &[Aftermath]) {
    for part in told {
        page.heading(part.heading);
        for line in &part.lines {
            let tone = part.doubtful.then_some(Tone::Doubtful);
            page.paragraph(tone, "  ", &printable(line));
        }
    }
}

pub(super) fn new_instances(page: &mut Page, analysis: &Analysis) {
    if analysis.stages.is_empty() {
        return;
    }
    let stamp = |stamp: &Stamp| stamp.at().map_or("–".to_owned(), seconds);
    let head =
        ["instance", "launched", "in service", "healthy", "1st response", "1st adoption", "fair share", "warm-up"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for stages in analysis.stages.iter().take(MOST_ROWS) {
        rows.push(vec![
            cell(&stages.instance),
            stamp(&stages.t4_launched),
            stamp(&stages.t5_in_service),
            stamp(&stages.t6_healthy),
            stamp(&stages.t7_first_response),
            stamp(&stages.t8_first_adoption),
            stamp(&stages.t9_fair_share),
            stages.warm_up.map_or("–".to_owned(), |w| format!("{:.1}×", w.ratio)),
        ]);
    }
    page.heading("New instances (warm-up: p99 over that of its peers)");
    page.table(&rows);
    let first = &analysis.stages[0];
    let told = [
        ("load exceeds capacity", &first.t0_load_exceeds_capacity),
        ("objective broken", &first.t1_objective_broken),
        ("alarm", &first.t2_alarm),
        ("activity", &first.t3_activity),
        ("objective holds again", &first.t10_objective_holds),
    ];
    let known: Vec<String> =
        told.iter().filter_map(|(name, stamp)| Some(format!("{name} {}", seconds(stamp.at()?)))).collect();
    if !known.is_empty() {
        page.paragraph(None, "  ", &known.join(" · "));
    }
    if let Some(elasticity) = &analysis.elasticity {
        page.paragraph(None, "  ", &wording::elasticity(elasticity));
    }
    if let Stamp::Unknown { reason } = &first.t9_fair_share {
        page.paragraph(Some(Tone::Faint), "  ", &format!("fair share: {reason}"));
    }
}

pub(super) fn response_time(page: &mut Page, analysis: &Analysis) {
    let head = ["", "requests", "p50", "p90", "p99", "p99.9", "max"].map(str::to_owned).to_vec();
    let row = |name: String, times: &TimeFigures| {
        let figures = [times.p50_ms, times.p90_ms, times.p99_ms, times.p999_ms, times.max_ms];
        let figures = figures.map(|value| if times.count == 0 { "–".to_owned() } else { ms(value) });
        [name, times.count.to_string()].into_iter().chain(figures).collect::<Vec<_>>()
    };
    let mut rows = vec![head];
    if let Some(phases) = &analysis.phases {
        let change = cell(&phases.change.name);
        let (from, to) = (phases.during_from_second, phases.during_to_second);
        rows.push(row(format!("before {change}"), &phases.before));
        rows.push(row(format!("during ({from}–{to} s)"), &phases.during));
        rows.push(row("after".to_owned(), &phases.after));
    }
    rows.push(row("whole run".to_owned(), &analysis.requests.response_time));
    let mut steps: Vec<_> = analysis.steps.iter().collect();
    steps.sort_by(|a, b| b.requests.response_time.p99_ms.total_cmp(&a.requests.response_time.p99_ms));
    for step in steps.into_iter().take(SLOWEST) {
        rows.push(row(format!("  {}", cell(&step.step)), &step.requests.response_time));
    }
    page.heading("Response time, from when each request was due (ms); the slowest steps");
    page.table(&rows);
    let errors: Vec<String> = (analysis.outcomes.iter())
        .filter(|(outcome, _)| *outcome != "ok")
        .map(|(outcome, count)| format!("{outcome} {count}"))
        .collect();
    if !errors.is_empty() {
        page.paragraph(None, "  ", &format!("not as expected: {}", errors.join(" · ")));
    }
}

pub(super) fn objectives(page: &mut Page, verdict: &Verdict) {
    if verdict.objectives.is_empty() {
        return;
    }
    page.heading("Objectives");
    for objective in &verdict.objectives {
        let tone = match objective.met {
            Met::Met => None,
            Met::Missed => Some(Tone::Bad),
            Met::Unknown => Some(Tone::Doubtful),
        };
        let text = format!("{}: {}", objective.text, wording::measured(objective));
        page.paragraph(tone, &format!("  {:<7}  ", wording::met(objective.met)), &printable(&text));
    }
}

pub(super) fn symptoms(page: &mut Page, verdict: &Verdict) {
    if verdict.symptoms.is_empty() {
        return;
    }
    page.heading("Symptoms");
    for symptom in &verdict.symptoms {
        page.paragraph(Some(Tone::Bad), "  · ", &printable(&symptom.title));
        page.paragraph(None, "    ", &printable(&format!("{}. {}", symptom.evidence, symptom.explanation)));
    }
}

/// One example of each kind of loss.
pub(super) fn losses(page: &mut Page, sessions: &SessionFindings) {
    if sessions.losses.is_empty() {
        return;
    }
    page.heading("Examples (more in verdict.json)");
    for (kind, examples) in &sessions.losses {
        if let Some(example) = examples.first() {
            page.paragraph(
                None,
                "  · ",
                &printable(&format!("{}: {}", wording::loss_kind(*kind), wording::loss_example(example))),
            );
        }
    }
}

pub(super) fn doubts(page: &mut Page, verdict: &Verdict) {
    let failed: Vec<_> = verdict.validity.iter().filter(|check| !check.ok).collect();
    if failed.is_empty() {
        return;
    }
    page.heading("Why the run cannot be fully believed");
    for check in failed {
        page.paragraph(Some(Tone::Doubtful), "  · ", &printable(&format!("{}: {}", check.name, check.found)));
    }
}
