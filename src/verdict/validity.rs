use super::{RunFacts, ValidityCheck};
use crate::analysis::{Analysis, GeneratorFigures};
use crate::plan::{Plan, Role};
use crate::session::{Brought, SessionFindings};

/// Fewer requests than this are no run.
const ENOUGH_REQUESTS: u64 = 100;
/// More owed arrivals than this, and the load was not the one planned.
const MOST_OWED: f64 = 0.01;
/// A greater delay of the generator's own would be told as the target's response time.
const MOST_LAG_MS: f64 = 50.0;
/// Seconds in which load threads may be busy throughout.
const MOST_BUSY: f64 = 0.05;
/// Answers that name no instance.
const MOST_UNKNOWN: f64 = 0.01;
/// With affinity, fewer sessions than this handed from instance to instance show nothing of the store.
const FEWEST_HANDED_OFF: f64 = 0.05;

/// Whether the plan asks for sessions to hold, and not only for response time.
fn asks_for_continuity(plan: &Plan) -> bool {
    plan.steps.iter().any(|s| s.role == Role::Login || s.proves_identity)
}

/// The conditions for believing the run, in the order they are told.
pub(super) fn validity(
    plan: &Plan,
    analysis: &Analysis,
    sessions: &SessionFindings,
    run: &RunFacts,
) -> Vec<ValidityCheck> {
    let mut checks = vec![ended(run), recorded(analysis, run), requests(analysis)];
    checks.extend(generator(analysis));
    if !run.interrupted {
        checks.extend(timeline(plan, analysis));
    }
    if asks_for_continuity(plan) || plan.target.instance.is_some() || plan.target.access_log.is_some() {
        checks.push(served_by(plan, sessions));
    }
    if asks_for_continuity(plan) {
        checks.push(identity(sessions));
        checks.extend(adoption(sessions));
        checks.extend(affinity(analysis, sessions));
    }
    checks
}

fn check(name: &str, ok: bool, found: impl Into<String>, needed: impl Into<String>) -> ValidityCheck {
    ValidityCheck { name: name.to_owned(), ok, found: found.into(), needed: needed.into() }
}

fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn ended(run: &RunFacts) -> ValidityCheck {
    let found = match (&run.failure, run.ended) {
        (Some(failure), _) => format!("the run was given up: {failure}"),
        (None, false) => "the run was killed, or is still going on".to_owned(),
        (None, true) => "the run ended in order".to_owned(),
    };
    check("run ended", run.ended && run.failure.is_none(), found, "the run ends in order")
}

fn recorded(analysis: &Analysis, run: &RunFacts) -> ValidityCheck {
    let lost =
        analysis.generator.observations_lost.max(run.observations_produced.saturating_sub(run.observations_read));
    let found = match (&run.record_error, lost, run.unreadable_parts) {
        (Some(error), ..) => format!("recording stopped: {error}"),
        (None, 0, 0) => "every observation is in the record".to_owned(),
        (None, lost, 0) => format!("{lost} observations are not in the record"),
        (None, lost, parts) => format!("{parts} parts of the record cannot be read, {lost} observations are missing"),
    };
    let ok = run.record_error.is_none() && lost == 0 && run.unreadable_parts == 0;
    check("record", ok, found, "every observation is in the record")
}

fn requests(analysis: &Analysis) -> ValidityCheck {
    let count = analysis.requests.count;
    check("requests", count >= ENOUGH_REQUESTS, format!("{count} requests"), format!("at least {ENOUGH_REQUESTS}"))
}

fn generator(analysis: &Analysis) -> Vec<ValidityCheck> {
    let generator = &analysis.generator;
    let mut checks = Vec::new();
    if generator.arrivals_due > 0 {
        let owed = share(generator.arrivals_owed, generator.arrivals_due);
        let found = format!(
            "{} of {} arrivals found no free slot ({})",
            generator.arrivals_owed,
            generator.arrivals_due,
            percent(owed)
        );
        let needed = format!("at most {}; raise max_sessions, or load less", percent(MOST_OWED));
        checks.push(check("owed arrivals", owed <= MOST_OWED, found, needed));
    }
    let lag = generator.scheduling_lag;
    if lag.count >= ENOUGH_REQUESTS {
        let (lag_ms, percent) = (generator.lag_at_quantile_ms, 100.0 * generator.lag_quantile);
        let found = format!("requests were sent {lag_ms:.1} ms after they were due (p{percent:.0})");
        checks.push(check("scheduling lag", lag_ms <= MOST_LAG_MS, found, format!("at most {MOST_LAG_MS} ms")));
    }
    if generator.seconds_sampled > 0 {
        let busy = share(generator.seconds_busy, generator.seconds_sampled);
        let full = percent(GeneratorFigures::BUSY);
        let found =
            format!("load threads over {full} busy in {} of {} s", generator.seconds_busy, generator.seconds_sampled);
        checks.push(check("load threads", busy <= MOST_BUSY, found, format!("in at most {}", percent(MOST_BUSY))));
    }
    checks
}

/// Every action of the timeline must have been carried out. One that the run's end cut short was not.
fn timeline(plan: &Plan, analysis: &Analysis) -> Vec<ValidityCheck> {
    let mut names: Vec<&str> = plan.timeline.iter().map(|entry| entry.action.name()).collect();
    names.sort_unstable();
    names.dedup();
    let expected = |name: &str| plan.timeline.iter().filter(|e| e.action.name() == name).count() as u64;
    let judge = |name: &str| {
        let (expected, found) = (expected(name), analysis.actions.get(name).copied().unwrap_or(0));
        let found_text = format!("{found} of {expected} \"{name}\" were carried out");
        check("timeline", found >= expected, found_text, "every action of the timeline is carried out by the run's end")
    };
    names.into_iter().map(judge).collect()
}

fn served_by(plan: &Plan, sessions: &SessionFindings) -> ValidityCheck {
    let (unknown, answered) = (sessions.handoffs.instance_unknown, sessions.handoffs.answered);
    let (found, remedy) = match (&plan.target.instance, &plan.target.access_log) {
        (None, None) => {
            ("the profile does not say how a response names its instance".to_owned(), "set target.instance")
        }
        (Some(_), None) => {
            (format!("{unknown} of {answered} answers do not say who served them"), "set target.instance")
        }
        (_, Some(_)) => (
            format!("of {unknown} of {answered} answers the balancer's access logs do not say who served them"),
            "see what is said of the balancer's access logs",
        ),
    };
    let needed = format!("at most {}; {remedy}", percent(MOST_UNKNOWN));
    check("who served", share(unknown, answered) <= MOST_UNKNOWN, found, needed)
}

fn identity(sessions: &SessionFindings) -> ValidityCheck {
    let verified = sessions.sessions.verified;
    let found = match (sessions.sessions.logged_in, verified) {
        (0, _) => "no session ever logged in".to_owned(),
        (_, 0) => "no step proves identity".to_owned(),
        (logged_in, _) => format!("{verified} of {logged_in} sessions were recognised after their login"),
    };
    check("identity", verified > 0, found, "responses that prove whose session it is")
}

/// Where new instances came, some session must have been served by one younger than itself: for each kind of change that
/// brings them.
fn adoption(sessions: &SessionFindings) -> Option<ValidityCheck> {
    let brought = sessions.brought();
    let told = |(name, brought): (&&str, &Brought)| match (brought.instances, brought.adoptions) {
        (0, _) => format!("{name} was to bring new instances, and none served a request"),
        (_, 0) => format!("no new instance of {name} served a session that was there before it"),
        (instances, adoptions) => format!("{adoptions} adoptions by {instances} new instances of {name}"),
    };
    let silent: Vec<String> = brought.iter().filter(|(_, brought)| brought.adoptions == 0).map(told).collect();
    let ok = silent.is_empty();
    let found = if ok { brought.iter().map(told).collect() } else { silent };
    let needed = "new instances that adopt no session prove nothing";
    (!brought.is_empty()).then(|| check("adoption", ok, found.join("; "), needed))
}

fn affinity(analysis: &Analysis, sessions: &SessionFindings) -> Option<ValidityCheck> {
    let handoffs = &sessions.handoffs;
    if handoffs.sessions_with_affinity == 0 || analysis.instances.len() < 2 {
        return None;
    }
    let handed_off = share(handoffs.sessions_handed_off, handoffs.sessions_placed);
    let found = format!(
        "stickiness hides whether the store is shared: {} of {} sessions carry an affinity cookie, and only {} were \
         served by more than one instance",
        handoffs.sessions_with_affinity,
        sessions.sessions.seen,
        percent(handed_off)
    );
    let enough = handed_off >= FEWEST_HANDED_OFF;
    let found = if enough { format!("{} of sessions were handed off", percent(handed_off)) } else { found };
    let needed = format!("at least {}; run with stickiness = \"stripped\"", percent(FEWEST_HANDED_OFF));
    Some(check("affinity", enough, found, needed))
}
