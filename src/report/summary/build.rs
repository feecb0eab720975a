use super::model::*;
use crate::analysis::{self, Stamp, TimeFigures};
use crate::history::{FleetChange, Offset};
use crate::plan::{Limit, Metric};
use crate::report::{Subject, wording};
use crate::{compare, session, verdict};

const FORMAT: u32 = 1;

/// `summary.json`.
pub fn summary_json(subject: &Subject) -> String {
    let text = serde_json::to_string_pretty(&summary(subject));
    text.expect("plain data with text keys can be told in JSON") + "\n"
}

/// The JSON Schema of [`summary_json`].
pub fn summary_schema() -> String {
    // What is written, not what could be read: optional values are always there, as null.
    let mut generator = schemars::generate::SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut schema = generator.root_schema_for::<Summary>().to_value();
    // A crate of the tests has serde_json keep keys in their order; elsewhere they are sorted.
    schema.sort_all_objects();
    serde_json::to_string_pretty(&schema).expect("a schema is JSON") + "\n"
}

fn summary<'a>(subject: &Subject<'a>) -> Summary<'a> {
    let Subject { origin, plan, analysis, sessions, verdict, .. } = *subject;
    let machine = &origin.machine;
    Summary {
        format: FORMAT,
        profile: &plan.name,
        run: Run {
            id: &origin.run_id,
            started_at: &origin.zero_at,
            tool_version: &origin.tool_version,
            load_seconds: analysis.load_end_us.since(analysis.load_start_us).as_secs_f64(),
            machine: Machine {
                hostname: &machine.hostname,
                os: &machine.os,
                cpus: machine.cpus,
                memory_bytes: machine.memory_bytes,
            },
        },
        verdict: judged(subject),
        objectives: verdict.objectives.iter().map(objective).collect(),
        session_checks: verdict.sessions.iter().map(session_check).collect(),
        validity: verdict.validity.iter().map(check).collect(),
        load: load(analysis),
        phases: analysis.phases.as_ref().map(phases),
        elasticity: analysis.elasticity.map(elasticity),
        steps: analysis.steps.iter().map(step).collect(),
        instances: analysis.instances.iter().map(instance).collect(),
        sessions: counts(sessions),
        cohorts: sessions.cohorts.iter().map(cohort).collect(),
        scale_out: analysis.stages.iter().map(|stages| scale_out(stages, &sessions.new_instances)).collect(),
        generator: generator(&analysis.generator),
        comparison: subject.comparison.map(compared),
    }
}

fn judged<'a>(subject: &Subject<'a>) -> Verdict<'a> {
    let verdict = subject.verdict;
    let reason = |r: &'a verdict::Reason| Reason { speaks_for: outcome(r.speaks_for), text: &r.text };
    let symptom = |s: &'a session::Symptom| Symptom {
        kind: serde_json::to_value(s.kind).ok().and_then(|kind| Some(kind.as_str()?.to_owned())).unwrap_or_default(),
        title: &s.title,
        evidence: &s.evidence,
        explanation: &s.explanation,
    };
    Verdict {
        outcome: outcome(verdict.outcome),
        exit_code: verdict.exit_code,
        interrupted: verdict.interrupted,
        headline: wording::headline(subject),
        reasons: verdict.reasons.iter().map(reason).collect(),
        symptoms: verdict.symptoms.iter().map(symptom).collect(),
    }
}

fn outcome(outcome: verdict::Outcome) -> Outcome {
    match outcome {
        verdict::Outcome::Pass => Outcome::Pass,
        verdict::Outcome::ObjectiveMissed => Outcome::ObjectiveMissed,
        verdict::Outcome::SessionsLost => Outcome::SessionsLost,
        verdict::Outcome::Inconclusive => Outcome::Inconclusive,
    }
}

fn objective(objective: &verdict::ObjectiveResult) -> Objective<'_> {
    let (at_most, at_least) = match objective.limit {
        Limit::AtMost(limit) => (Some(limit), None),
        Limit::AtLeast(limit) => (None, Some(limit)),
    };
    Objective {
        text: &objective.text,
        result: match objective.met {
            verdict::Met::Met => ObjectiveResult::Met,
            verdict::Met::Missed => ObjectiveResult::Missed,
            verdict::Met::Unknown => ObjectiveResult::Unknown,
        },
        unit: match objective.metric {
            Metric::ResponseTime { .. }
            | Metric::ServiceTime { .. }
            | Metric::AdoptionTime { .. }
            | Metric::Recovery => Unit::Seconds,
            Metric::ErrorRate | Metric::Survival | Metric::OwedShare => Unit::Share,
            Metric::Throughput => Unit::PerSecond,
            Metric::Relogins => Unit::Count,
            Metric::Balance | Metric::WarmUpPenalty => Unit::Ratio,
        },
        measured: objective.measured,
        at_most,
        at_least,
        unknown_because: objective.unknown_because.as_deref(),
    }
}

fn session_check(check: &verdict::SessionCheck) -> SessionCheck<'_> {
    SessionCheck {
        name: &check.name,
        result: match check.held {
            verdict::Held::Held => SessionCheckResult::Held,
            verdict::Held::Broken => SessionCheckResult::Broken,
            verdict::Held::Unseen => SessionCheckResult::Unseen,
        },
        found: &check.found,
    }
}

fn check(check: &verdict::ValidityCheck) -> ValidityCheck<'_> {
    ValidityCheck { name: &check.name, ok: check.ok, found: &check.found, needed: &check.needed }
}

fn load(analysis: &analysis::Analysis) -> Load<'_> {
    let requests = &analysis.requests;
    Load {
        requests: requests.count,
        errors: requests.errors,
        outcomes: &analysis.outcomes,
        response_time: times(&requests.response_time),
        service_time: times(&requests.service_time),
    }
}

fn times(figures: &TimeFigures) -> Times {
    let TimeFigures { count, mean_ms, p50_ms, p90_ms, p99_ms, p999_ms, max_ms } = *figures;
    Times { count, mean_ms, p50_ms, p90_ms, p99_ms, p999_ms, max_ms }
}

fn compared(found: &compare::Comparison) -> Comparison<'_> {
    let told = |finding| {
        let all = found.differences.iter().filter(|d| d.finding == finding);
        all.map(|d| Difference { what: &d.what, base: d.base, new: d.new, unit: d.unit }).collect()
    };
    Comparison {
        base: &found.base.run_id,
        outcome: match found.outcome {
            compare::ComparisonOutcome::NoRegression => ComparisonOutcome::NoRegression,
            compare::ComparisonOutcome::Regression => ComparisonOutcome::Regression,
            compare::ComparisonOutcome::CannotTell => ComparisonOutcome::CannotTell,
        },
        exit_code: found.exit_code,
        doubts: &found.doubts,
        worse: told(compare::Finding::Regression),
        better: told(compare::Finding::Improvement),
    }
}

fn elasticity(figures: analysis::ElasticityFigures) -> Elasticity {
    let analysis::ElasticityFigures {
        interval_seconds,
        under_accuracy,
        over_accuracy,
        under_timeshare,
        over_timeshare,
        instability,
    } = figures;
    Elasticity { interval_seconds, under_accuracy, over_accuracy, under_timeshare, over_timeshare, instability }
}

fn phases(phases: &analysis::Phases) -> Phases<'_> {
    Phases {
        change: change(&phases.change),
        during_from_second: phases.during_from_second,
        during_to_second: phases.during_to_second,
        before: times(&phases.before),
        during: times(&phases.during),
        after: times(&phases.after),
    }
}

fn change(change: &FleetChange) -> Change<'_> {
    Change { name: &change.name, at_seconds: change.at_us.as_secs_f64(), detail: &change.detail }
}

fn step(figures: &analysis::StepFigures) -> Step<'_> {
    Step {
        scenario: &figures.scenario,
        step: &figures.step,
        requests: figures.requests.count,
        errors: figures.requests.errors,
        response_time: times(&figures.requests.response_time),
        service_time: times(&figures.requests.service_time),
    }
}

fn instance(figures: &analysis::InstanceFigures) -> Instance<'_> {
    Instance {
        instance: &figures.instance,
        zone: figures.zone.as_deref(),
        new: figures.new,
        requests: figures.requests.count,
        errors: figures.requests.errors,
        response_time: times(&figures.requests.response_time),
    }
}

fn counts(findings: &session::SessionFindings) -> Sessions {
    let (counts, answers, handoffs) = (&findings.sessions, &findings.answers, &findings.handoffs);
    Sessions {
        seen: counts.seen,
        logged_in: counts.logged_in,
        verified: counts.verified,
        asked_to_log_in_again: counts.asked_to_log_in_again,
        expired_as_agreed: counts.expired_as_agreed,
        wrong_user: counts.wrong_user,
        state_lost: counts.state_lost,
        duplicated: counts.duplicated,
        state_ambiguous: counts.state_ambiguous,
        never_answered: counts.never_answered,
        answers: Answers {
            recognised: answers.recognised,
            rejected: answers.rejected,
            rejected_as_agreed: answers.rejected_as_agreed,
            wrong_user: answers.wrong_user,
            state_lost: answers.state_lost,
            state_ambiguous: answers.state_ambiguous,
            duplicated: answers.duplicated,
            unanswered: answers.unanswered,
            silent: answers.silent,
        },
        handoffs: Handoffs {
            handoffs: handoffs.handoffs,
            sessions_placed: handoffs.sessions_placed,
            sessions_handed_off: handoffs.sessions_handed_off,
            sessions_with_affinity: handoffs.sessions_with_affinity,
        },
    }
}

fn cohort(cohort: &session::Cohort) -> Cohort<'_> {
    Cohort {
        change: change(&cohort.change),
        sessions: cohort.sessions,
        survived: cohort.survived,
        relogin: cohort.relogin,
        replaced: cohort.replaced,
        state_lost: cohort.state_lost,
        ambiguous: cohort.ambiguous,
        unavailable: cohort.unavailable,
        unobserved: cohort.unobserved,
        survival: cohort.survival.map(|s| Survival { of: s.of, share: s.share, low: s.low, high: s.high }),
        adoption: cohort.adoption.as_ref().map(|a| Adoption {
            eligible: a.curve.eligible,
            adopted: a.curve.adopted,
            t50_seconds: a.curve.t50_seconds,
            t90_seconds: a.curve.t90_seconds,
        }),
    }
}

fn scale_out<'a>(stages: &'a analysis::InstanceStages, adoptions: &[session::InstanceAdoption]) -> ScaleOut<'a> {
    let adoption = adoptions.iter().find(|adoption| adoption.instance == stages.instance);
    let at = |stamp: &Stamp| stamp.at().map(Offset::as_secs_f64);
    ScaleOut {
        instance: &stages.instance,
        zone: stages.zone.as_deref(),
        load_exceeds_capacity_at_seconds: at(&stages.t0_load_exceeds_capacity),
        objective_broken_at_seconds: at(&stages.t1_objective_broken),
        alarm_at_seconds: at(&stages.t2_alarm),
        activity_at_seconds: at(&stages.t3_activity),
        launched_at_seconds: at(&stages.t4_launched),
        in_service_at_seconds: at(&stages.t5_in_service),
        healthy_at_seconds: at(&stages.t6_healthy),
        first_response_at_seconds: at(&stages.t7_first_response),
        first_adoption_at_seconds: at(&stages.t8_first_adoption),
        fair_share_at_seconds: at(&stages.t9_fair_share),
        objective_holds_at_seconds: at(&stages.t10_objective_holds),
        adopted_sessions: adoption.map_or(0, |a| a.adopted_sessions),
        refused_sessions: adoption.map_or(0, |a| a.refused_sessions),
        warm_up_ratio: stages.warm_up.map(|penalty| penalty.ratio),
    }
}

fn generator(figures: &analysis::GeneratorFigures) -> Generator {
    Generator {
        arrivals_due: figures.arrivals_due,
        arrivals_owed: figures.arrivals_owed,
        scheduling_lag: times(&figures.scheduling_lag),
        load_thread_busy_max: figures.load_thread_busy_max,
        observations_lost: figures.observations_lost,
    }
}
