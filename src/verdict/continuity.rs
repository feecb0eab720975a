use super::{Held, SessionCheck};
use crate::plan::Plan;
use crate::session::{SessionFindings, StateFindings, SymptomKind};

/// What users count on, the gravest first.
pub(super) fn continuity(plan: &Plan, sessions: &SessionFindings) -> Vec<SessionCheck> {
    let mut checks = vec![wrong_user(sessions), relogins(plan, sessions), state(plan, sessions), logins(sessions)];
    checks.extend(failovers(sessions));
    checks
}

pub(super) fn plural(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// `seen`: how often it could have shown.
fn check(name: &str, seen: u64, broken: bool, found: String) -> SessionCheck {
    let held = match (broken, seen) {
        (true, _) => Held::Broken,
        (false, 0) => Held::Unseen,
        (false, _) => Held::Held,
    };
    SessionCheck { name: name.to_owned(), held, found }
}

fn wrong_user(sessions: &SessionFindings) -> SessionCheck {
    let counts = &sessions.sessions;
    let found = format!("{} answered as another user", plural(counts.wrong_user, "session"));
    check("nobody is answered as another user", counts.verified, counts.wrong_user > 0, found)
}

fn allowed(most: u64) -> String {
    if most == 0 { String::new() } else { format!(" (the profile allows {most})") }
}

/// What was lost and is within what the profile allows.
pub(super) fn allowed_losses(plan: &Plan, sessions: &SessionFindings) -> Vec<String> {
    let allow = &plan.session.allow;
    let relogins = (1..=allow.relogins).contains(&sessions.sessions.asked_to_log_in_again);
    let states = (1..=allow.state_lost).contains(&not_kept(sessions));
    let found = [relogins.then(|| self::relogins(plan, sessions)), states.then(|| state(plan, sessions))];
    found.into_iter().flatten().map(|check| check.found).collect()
}

/// What the profile allows for is what a failover takes with it, and no other loss. None where the store did not fail over.
fn failovers(sessions: &SessionFindings) -> Option<SessionCheck> {
    let failovers = sessions.failovers.as_ref()?;
    let (lost, unexplained) = (failovers.explained + failovers.unexplained, failovers.unexplained);
    let writes = plural(lost, "acknowledged write");
    let found = match unexplained {
        0 => format!("{writes} lost, none from another time than the probe's own last ones"),
        _ => {
            format!("{writes} lost over failovers of the store, {unexplained} from a time of which those lose nothing")
        }
    };
    Some(check("a failover of the store loses only the last moment before it", 1, unexplained > 0, found))
}

/// How often state was lost or duplicated.
fn not_kept(sessions: &SessionFindings) -> u64 {
    sessions.states.iter().map(|s| s.lost + s.duplicated).sum()
}

fn relogins(plan: &Plan, sessions: &SessionFindings) -> SessionCheck {
    let (counts, most) = (&sessions.sessions, plan.session.allow.relogins);
    let asked = plural(counts.asked_to_log_in_again, "session");
    let found = format!("{asked} asked to log in again while still valid{}", allowed(most));
    let broken = counts.asked_to_log_in_again > most;
    check("nobody is asked to log in again while still valid", counts.verified, broken, found)
}

fn state(plan: &Plan, sessions: &SessionFindings) -> SessionCheck {
    let most = plan.session.allow.state_lost;
    let reads: u64 = sessions.states.iter().map(|s| s.agreed + s.lost + s.duplicated).sum();
    let wrong = not_kept(sessions);
    let each = |s: &StateFindings| {
        let lost = (s.lost > 0).then(|| format!("\"{}\" lost {}", s.name, plural(s.lost, "time")));
        let more = (s.duplicated > 0).then(|| format!("\"{}\" duplicated {}", s.name, plural(s.duplicated, "time")));
        [lost, more].into_iter().flatten().collect::<Vec<_>>()
    };
    let each: Vec<String> = sessions.states.iter().flat_map(each).collect();
    let found = match wrong {
        0 => format!("{} found it as acknowledged", plural(reads, "read")),
        _ => format!("state that had been acknowledged was not kept: {}{}", each.join(", "), allowed(most)),
    };
    check("acknowledged state is kept", reads, wrong > most, found)
}

fn logins(sessions: &SessionFindings) -> SessionCheck {
    let logins = &sessions.logins;
    let broken = sessions.symptoms.iter().any(|s| s.kind == SymptomKind::LoginLocalToInstance);
    let refused = plural(logins.refused, "login");
    let found = match broken {
        true => format!("{refused} refused where the form and its post were served by different instances"),
        false => format!("{refused} refused, {} accepted", logins.accepted),
    };
    check("logins are accepted whoever serves them", logins.accepted + logins.refused, broken, found)
}
