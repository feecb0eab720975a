use super::exposition::{Exposition, Kind};
use super::{Subject, wording};
use crate::analysis::{InstanceStages, TimeFigures};
use crate::verdict::Met;

/// `metrics.prom`: the run's figures for a textfile collector or a push gateway.
pub fn prometheus(subject: &Subject) -> String {
    let mut text = Exposition::new();
    run(&mut text, subject);
    load(&mut text, subject);
    judgement(&mut text, subject);
    sessions(&mut text, subject);
    scale_out(&mut text, &subject.analysis.stages);
    text.finish()
}

fn run(text: &mut Exposition, subject: &Subject) {
    let Subject { origin, plan, analysis, verdict, .. } = *subject;
    text.family("rushhour_run_info", Kind::Gauge, "The run these figures are of.");
    let labels =
        [("profile", plan.name.as_str()), ("run", origin.run_id.as_str()), ("version", origin.tool_version.as_str())];
    text.sample(&labels, 1);
    text.family("rushhour_run_start_timestamp_seconds", Kind::Gauge, "When the load began, since 1970-01-01 UTC.");
    text.sample(&[], origin.zero_unix_us as f64 / 1e6);
    text.family("rushhour_run_load_seconds", Kind::Gauge, "How long the load lasted.");
    text.sample(&[], analysis.load_end_us.since(analysis.load_start_us).as_secs_f64());
    text.family(
        "rushhour_verdict_exit_code",
        Kind::Gauge,
        "0 pass, 3 objective missed, 4 sessions lost, 6 inconclusive.",
    );
    text.sample(&[("outcome", verdict.outcome.words())], verdict.exit_code);
}

fn load(text: &mut Exposition, subject: &Subject) {
    let analysis = subject.analysis;
    text.family("rushhour_requests_total", Kind::Counter, "Requests by how they ended.");
    for (outcome, count) in &analysis.outcomes {
        text.sample(&[("outcome", outcome)], count);
    }
    text.family("rushhour_response_time_seconds", Kind::Summary, "Intended start to last byte.");
    times(text, &[], &analysis.requests.response_time);
    text.family("rushhour_service_time_seconds", Kind::Summary, "Sent to last byte.");
    times(text, &[], &analysis.requests.service_time);
    text.family("rushhour_step_response_time_seconds", Kind::Summary, "Intended start to last byte, by step.");
    for step in &analysis.steps {
        times(text, &[("scenario", &step.scenario), ("step", &step.step)], &step.requests.response_time);
    }
    text.family("rushhour_instance_response_time_seconds", Kind::Summary, "Intended start to last byte, by instance.");
    for instance in &analysis.instances {
        let zone = instance.zone.as_deref().unwrap_or_default();
        times(text, &[("instance", &instance.instance), ("zone", zone)], &instance.requests.response_time);
    }
    let generator = &analysis.generator;
    text.family("rushhour_scheduling_lag_seconds", Kind::Summary, "Intended to actual start, on open connections.");
    times(text, &[], &generator.scheduling_lag);
    text.family("rushhour_arrivals_total", Kind::Counter, "Arrivals that were due.");
    text.sample(&[], generator.arrivals_due);
    text.family("rushhour_arrivals_owed_total", Kind::Counter, "Arrivals that found no free slot and began late.");
    text.sample(&[], generator.arrivals_owed);
}

fn judgement(text: &mut Exposition, subject: &Subject) {
    let verdict = subject.verdict;
    text.family("rushhour_objective_met", Kind::Gauge, "1 met, 0 missed; absent where unknown.");
    for objective in verdict.objectives.iter().filter(|objective| objective.met != Met::Unknown) {
        text.sample(&[("objective", &objective.text)], u8::from(objective.met == Met::Met));
    }
    text.family("rushhour_validity_check_ok", Kind::Gauge, "1 where a condition for believing the run holds.");
    for check in &verdict.validity {
        text.sample(&[("check", &check.name)], u8::from(check.ok));
    }
}

fn sessions(text: &mut Exposition, subject: &Subject) {
    let (counts, cohorts) = (&subject.sessions.sessions, &subject.sessions.cohorts);
    text.family("rushhour_sessions_total", Kind::Counter, "Sessions seen.");
    text.sample(&[], counts.seen);
    text.family("rushhour_sessions_lost_total", Kind::Counter, "Sessions in which a loss was found, by its kind.");
    let losses = [
        ("relogin", counts.asked_to_log_in_again),
        ("wrong-user", counts.wrong_user),
        ("state-lost", counts.state_lost),
        ("duplicated", counts.duplicated),
    ];
    for (kind, count) in losses {
        text.sample(&[("kind", kind)], count);
    }
    text.family("rushhour_handoffs_total", Kind::Counter, "Consecutive requests of a session on different instances.");
    text.sample(&[], subject.sessions.handoffs.handoffs);
    text.family("rushhour_cohort_sessions", Kind::Gauge, "Sessions there at a change of the fleet, by their fate.");
    for cohort in cohorts {
        let at = format!("{:.3}", cohort.change.at_us.as_secs_f64());
        for (fate, count) in wording::fates(cohort) {
            text.sample(&[("change", &cohort.change.name), ("at_seconds", &at), ("fate", fate)], count);
        }
    }
}

fn scale_out(text: &mut Exposition, instances: &[InstanceStages]) {
    text.family(
        "rushhour_scale_out_stage_seconds",
        Kind::Gauge,
        "When an instance reached a stage, from the load's start.",
    );
    for stages in instances {
        for (stage, stamp) in stages.named() {
            if let Some(at) = stamp.at() {
                text.sample(&[("instance", &stages.instance), ("stage", stage)], at.as_secs_f64());
            }
        }
    }
}

fn times(text: &mut Exposition, labels: &[(&str, &str)], times: &TimeFigures) {
    let quantiles = [("0.5", times.p50_ms), ("0.9", times.p90_ms), ("0.99", times.p99_ms), ("0.999", times.p999_ms)];
    let quantiles = quantiles.map(|(name, ms)| (name, ms / 1e3));
    text.times(labels, &quantiles, times.mean_ms / 1e3 * times.count as f64, times.count);
}
