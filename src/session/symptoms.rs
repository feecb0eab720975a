use super::{ByPlace, LossCause, SessionFindings, StateFindings, Symptom, SymptomKind, Tally};
use crate::plan::StateKind;

/// How losses are spread over the places that serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spread {
    /// Only where another instance serves than the one it belongs to.
    OtherInstances,
    /// Only in other zones.
    OtherZones,
    /// Wherever it is served.
    Anywhere,
}

/// Fewer responses at home than this are no contrast, and fewer losses than [`FEWEST`] elsewhere no pattern.
const ENOUGH: u64 = 5;
const FEWEST: u64 = 3;
/// What a place does not know at all, it loses nearly always.
const NEARLY_ALWAYS: f64 = 0.5;
/// A share of losses no greater than this counts as "none there": a stray loss does not hide a pattern.
const HARDLY: f64 = 0.05;
/// Nor is it a pattern that few were lost at home, where they would have been as few by chance at least this often.
const BY_CHANCE: f64 = 1e-3;

/// None when nothing was lost. A pattern needs a contrast: a share of losses over `from` elsewhere, hardly any at home.
fn spread(places: &ByPlace, from: f64) -> Option<Spread> {
    if places.lost() == 0 {
        return None;
    }
    let other_instance = places.other_instance;
    let elsewhere = Tally {
        seen: other_instance.seen + places.other_zone.seen,
        lost: other_instance.lost + places.other_zone.lost,
    };
    let stands_out = |tally: Tally, home: Tally| {
        let contrast = home.seen >= ENOUGH && home.share() <= HARDLY.min(tally.share() / 4.0);
        // What is lost nearly always elsewhere needs no statistics.
        let by_chance = tally.share() <= NEARLY_ALWAYS && as_few_by_chance(home, tally.share()) > BY_CHANCE;
        tally.lost >= FEWEST && tally.share() > from && contrast && !by_chance
    };
    let zone = Tally {
        seen: places.same_instance.seen + other_instance.seen,
        lost: places.same_instance.lost + other_instance.lost,
    };
    if other_instance.seen >= ENOUGH && stands_out(places.other_zone, zone) && other_instance.share() <= HARDLY {
        return Some(Spread::OtherZones);
    }
    if stands_out(elsewhere, places.same_instance) {
        return Some(Spread::OtherInstances);
    }
    Some(Spread::Anywhere)
}

/// The chance that no more than these are lost, if each is with this probability (binomial).
fn as_few_by_chance(tally: Tally, share: f64) -> f64 {
    let mut exactly = (1.0 - share).powf(tally.seen as f64);
    let mut at_most = exactly;
    for lost in 1..=tally.lost {
        exactly *= (tally.seen - lost + 1) as f64 / lost as f64 * share / (1.0 - share);
        at_most += exactly;
    }
    at_most
}

/// What the losses have in common, in order of gravity.
pub(super) fn symptoms(findings: &SessionFindings) -> Vec<Symptom> {
    let mut symptoms = Vec::new();
    wrong_user(findings, &mut symptoms);
    rejections(findings, &mut symptoms);
    symptoms.extend(evicted(findings));
    logins(findings, &mut symptoms);
    for state in &findings.states {
        symptoms.extend(lost_with_instance(state));
        let table = told(&state.by_place, "lost");
        let name = &state.name;
        // Jobs are unknown elsewhere for good; of other state only the first read elsewhere shows the loss.
        let least = if state.kind == StateKind::Job { NEARLY_ALWAYS } else { HARDLY };
        if let Some(spread) = spread(&state.by_place, least).filter(|spread| !is_told(state, *spread)) {
            symptoms.push(match state.kind {
                StateKind::Job => job(name, spread, table),
                StateKind::Counter | StateKind::Register => lost_state(name, spread, table),
            });
        }
        if state.duplicated > 0 {
            symptoms.push(symptom(
                SymptomKind::WritesDuplicated,
                format!("\"{name}\" held more than was ever sent"),
                format!("{} reads above everything sent", state.duplicated),
                "A write is applied twice: look for retries (in the balancer or the application) of requests that are \
                 not idempotent, or for users shared by two sessions at a time.",
            ));
        }
    }
    symptoms
}

fn symptom(kind: SymptomKind, title: impl Into<String>, evidence: String, explanation: &str) -> Symptom {
    Symptom { kind, title: title.into(), evidence, explanation: explanation.to_owned() }
}

fn told(places: &ByPlace, lost: &str) -> String {
    let cells = [
        ("on the same instance", places.same_instance),
        ("on another instance", places.other_instance),
        ("in another zone", places.other_zone),
        ("instance unknown", places.unknown),
    ];
    let cells = cells.iter().filter(|(_, tally)| tally.seen > 0);
    let cells: Vec<String> = cells.map(|(place, t)| format!("{} of {} {lost} {place}", t.lost, t.seen)).collect();
    cells.join(", ")
}

fn wrong_user(findings: &SessionFindings, symptoms: &mut Vec<Symptom>) {
    if findings.answers.wrong_user > 0 {
        let (responses, sessions) = (findings.answers.wrong_user, findings.sessions.wrong_user);
        symptoms.push(symptom(
            SymptomKind::WrongUser,
            "responses carry another user's identity",
            format!("{responses} responses in {sessions} sessions"),
            "Users see each other's data: look for a response cached across users, a session id used twice, or state \
             of a request kept where requests share it.",
        ));
    }
}

/// Losses with no pattern by instance that have been told with another pattern.
fn is_told(state: &StateFindings, spread: Spread) -> bool {
    spread == Spread::Anywhere && (2 * state.evicted > state.lost || lost_with_all(state) == state.lost)
}

fn lost_with_all(state: &StateFindings) -> u64 {
    state.lost_with.values().sum()
}

fn lost_with_instance(state: &StateFindings) -> Option<Symptom> {
    let lost = lost_with_all(state);
    let (name, jobs) = (&state.name, if state.kind == StateKind::Job { " jobs" } else { "" });
    (lost > 0 && (lost >= FEWEST || lost == state.lost)).then(|| {
        let instances: Vec<String> =
            state.lost_with.iter().map(|(instance, lost)| format!("{lost} lost with {instance}")).collect();
        symptom(
            SymptomKind::LostWithInstance,
            format!("\"{name}\"{jobs} lost with the instance that had them"),
            instances.join(", "),
            "They were there until it ended and were not after that: keep them where all instances find them, and let \
             others go on with what one has left behind.",
        )
    })
}

fn evicted(findings: &SessionFindings) -> Option<Symptom> {
    let counts = findings.causes.get(&LossCause::Eviction)?;
    let (relogins, state) = (counts.relogins, counts.state_lost);
    Some(symptom(
        SymptomKind::Evicted,
        "the store makes room by forgetting sessions",
        format!("keys were evicted before {relogins} re-logins and {state} losses of state"),
        "It has less memory than its sessions need, and a policy that evicts: give it room for all of them, watch its \
         memory, and let it refuse writes (`noeviction`) rather than forget users.",
    ))
}

fn rejections(findings: &SessionFindings, symptoms: &mut Vec<Symptom>) {
    let relogins: u64 = findings.causes.values().map(|counts| counts.relogins).sum();
    let evicted = findings.causes.get(&LossCause::Eviction).map_or(0, |counts| counts.relogins);
    if 2 * evicted > relogins {
        return;
    }
    let evidence = told(&findings.recognition, "rejected");
    if let Some(symptom) = rejected_by_new(findings) {
        symptoms.push(symptom);
        return;
    }
    symptoms.extend(spread(&findings.recognition, NEARLY_ALWAYS).map(|spread| match spread {
        Spread::OtherInstances => symptom(
            SymptomKind::SessionsLocalToInstance,
            "sessions do not follow users between instances",
            evidence,
            "Sessions are known only to the instance that served the login: they live in its memory or on its disk, \
             not in a store that all instances share.",
        ),
        Spread::OtherZones => symptom(
            SymptomKind::SessionsLocalToZone,
            "sessions do not follow users between zones",
            evidence,
            "Sessions are known only in the zone that served the login: each zone has a store of its own, or reads a \
             replica that does not have them.",
        ),
        Spread::Anywhere => symptom(
            SymptomKind::SessionsRejected,
            "sessions are rejected, with no pattern by instance",
            evidence,
            "No instance stands out, so look at the store: evicted keys, a time to live shorter than the \
             profile's idle time-out, a failover that lost writes.",
        ),
    }));
}

/// Nearly all rejections come from new instances, of sessions older than they are.
fn rejected_by_new(findings: &SessionFindings) -> Option<Symptom> {
    let refused: u64 = findings.new_instances.iter().map(|i| i.refused_sessions).sum();
    let adopted: u64 = findings.new_instances.iter().map(|i| i.adopted_sessions).sum();
    let rejected = findings.answers.rejected;
    let known_elsewhere = findings.recognition.seen() - findings.recognition.lost() > adopted;
    let pattern = refused >= FEWEST && refused > adopted && refused * 10 >= rejected * 9 && known_elsewhere;
    let other = findings.recognition.other_instance.seen + findings.recognition.other_zone.seen;
    // Where only new instances are elsewhere, nothing tells this from sessions that never leave their instance.
    (pattern && other > rejected).then(|| {
        symptom(
            SymptomKind::NewInstancesReject,
            "new instances do not know the sessions that were there before them",
            format!("{refused} older sessions rejected and {adopted} recognised by new instances; {rejected} rejections in all"),
            "The other instances share sessions among themselves, but new ones come up with another store, key or \
             configuration.",
        )
    })
}

fn logins(findings: &SessionFindings, symptoms: &mut Vec<Symptom>) {
    let logins = &findings.logins;
    if logins.refused == 0 {
        return;
    }
    let all = format!("{} of {} logins refused", logins.refused, logins.refused + logins.accepted);
    let evidence = match told(&logins.by_place, "refused") {
        table if table.is_empty() => all,
        table => format!("{all}; post as against form: {table}"),
    };
    symptoms.push(match spread(&logins.by_place, NEARLY_ALWAYS) {
        Some(Spread::OtherInstances | Spread::OtherZones) => symptom(
            SymptomKind::LoginLocalToInstance,
            "logins are refused when the form and its post are served by different instances",
            evidence,
            "Login state isn't shared: a CSRF token or pre-login session lives in the memory of the instance that \
             rendered the form.",
        ),
        _ => symptom(
            SymptomKind::LoginsRefused,
            "logins are refused",
            evidence,
            "No instance stands out: check the users' names and passwords, and what the login steps expect.",
        ),
    });
}

fn job(name: &str, spread: Spread, evidence: String) -> Symptom {
    match spread {
        Spread::OtherInstances | Spread::OtherZones => symptom(
            SymptomKind::JobsLocalToInstance,
            format!("\"{name}\" jobs are known only to the instance that took them"),
            evidence,
            "Jobs live in the memory of the instance that took them: whoever else is asked does not know them, and they \
             end with it.",
        ),
        Spread::Anywhere => symptom(
            SymptomKind::JobsLost,
            format!("\"{name}\" jobs are lost, with no pattern by instance"),
            evidence,
            "No instance stands out: look at the queue or the workers that finish jobs.",
        ),
    }
}

fn lost_state(name: &str, spread: Spread, evidence: String) -> Symptom {
    match spread {
        Spread::OtherInstances | Spread::OtherZones => symptom(
            SymptomKind::StateLocalToInstance,
            format!("\"{name}\" does not follow users between instances"),
            evidence,
            "The state is lost where another instance reads it than wrote it: it is cached or kept in the instance.",
        ),
        Spread::Anywhere => symptom(
            SymptomKind::WritesDropped,
            format!("acknowledged writes to \"{name}\" are lost, with no pattern by instance"),
            evidence,
            "A write is acknowledged before it is stored, or overwritten by an older copy of the session: look for \
             writes behind the answer, and for concurrent writers of one session record.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::fixture::{at, event, row};
    use crate::history::{
        Event, EventKind, Identity, Names, Observation, Outcome, PrimaryGauges, Sample, StateOp, StoreGauges,
    };
    use crate::plan::fixture::{CART, EXPORT, LOGIN, PAGE, plan};
    use crate::session::Oracle;

    fn places(same: (u64, u64), other: (u64, u64), zone: (u64, u64)) -> ByPlace {
        let tally = |(lost, seen)| Tally { seen, lost };
        ByPlace {
            same_instance: tally(same),
            other_instance: tally(other),
            other_zone: tally(zone),
            unknown: Tally::default(),
        }
    }

    #[test]
    fn losses_are_told_apart_by_where_they_happen() {
        let cases = [
            ("nothing", places((0, 100), (0, 50), (0, 50)), None),
            ("local", places((0, 100), (60, 60), (70, 70)), Some(Spread::OtherInstances)),
            ("local, one instance a zone", places((0, 100), (0, 0), (70, 70)), Some(Spread::OtherInstances)),
            ("zone", places((0, 100), (0, 60), (70, 70)), Some(Spread::OtherZones)),
            ("anywhere", places((3, 100), (2, 60), (4, 70)), Some(Spread::Anywhere)),
            ("now and then elsewhere", places((0, 100), (6, 60), (7, 70)), Some(Spread::Anywhere)),
            ("no contrast", places((0, 0), (60, 60), (70, 70)), Some(Spread::Anywhere)),
            ("a single loss elsewhere", places((0, 100), (1, 60), (0, 70)), Some(Spread::Anywhere)),
        ];
        for (what, places, expected) in cases {
            assert_eq!(spread(&places, NEARLY_ALWAYS), expected, "{what}");
        }
    }

    #[test]
    fn few_losses_at_home_are_a_pattern_only_if_chance_hardly_explains_them() {
        for (what, places, expected) in [
            ("one in twenty, wherever", places((0, 28), (4, 52), (4, 28)), Some(Spread::Anywhere)),
            ("as often, and many reads at home", places((0, 280), (10, 100), (6, 100)), Some(Spread::OtherInstances)),
            ("one in three elsewhere", places((0, 28), (20, 52), (9, 28)), Some(Spread::OtherInstances)),
        ] {
            assert_eq!(spread(&places, HARDLY), expected, "{what}");
        }
    }

    fn judged(events: &[Event], samples: &[Sample], rows: &[Observation], names: &Names) -> Vec<(SymptomKind, String)> {
        let mut oracle = Oracle::new(&plan(), events, samples);
        rows.iter().for_each(|row| oracle.observe(row, names));
        let symptoms = oracle.finish(names).symptoms;
        symptoms.into_iter().map(|symptom| (symptom.kind, symptom.evidence)).collect()
    }

    #[test]
    fn a_job_that_ends_with_its_instance_is_told_with_that() {
        let names = &Names::default();
        let page = |seconds, place| row(1, PAGE, seconds).on(place, names).who(Identity::Recognised);
        let rows = [
            row(1, LOGIN, 0.0).on("b@z1", names).who(Identity::LoggedIn),
            page(1.0, "a@z1").with(&[StateOp::JobStarted { state: EXPORT }]),
            page(2.0, "a@z1").with(&[StateOp::JobPending { state: EXPORT }]),
            page(6.0, "b@z1").with(&[StateOp::JobLost { state: EXPORT }]).last(),
        ];
        let gone = |seconds, instance: &str| {
            let (instance, zone) = (instance.to_owned(), "z1".to_owned());
            event(seconds, EventKind::InstanceGone { instance, zone, expected: true })
        };
        let told = judged(&[gone(5.0, "a")], &[], &rows, names);
        assert_eq!(told, [(SymptomKind::LostWithInstance, "1 lost with a".to_owned())]);
        for other in [gone(1.5, "a"), gone(5.0, "c")] {
            let kinds: Vec<SymptomKind> =
                judged(&[other], &[], &rows, names).into_iter().map(|(kind, _)| kind).collect();
            assert_eq!(kinds, [SymptomKind::JobsLost], "it was seen after that, or was not there");
        }
    }

    #[test]
    fn sessions_and_state_that_were_evicted_are_told_with_that() {
        let names = &Names::default();
        let page = |session, seconds| row(session, PAGE, seconds).on("a@z1", names).who(Identity::Recognised);
        let login = |session| row(session, LOGIN, 0.0).on("a@z1", names).who(Identity::LoggedIn);
        let rows = [
            login(1),
            login(2),
            page(1, 2.0),
            page(2, 2.0).with(&[StateOp::Add { state: CART, amount: 1 }]),
            page(1, 6.0).who(Identity::Rejected).answered_with(Outcome::Unexpected, 401).last(),
            page(2, 6.0).with(&[StateOp::Missing { state: CART }]).last(),
        ];
        let samples = |evicted: u64| {
            let sample = |second: u32| {
                let evicted_keys = if second < 4 { 0 } else { evicted };
                let primary = Some(PrimaryGauges { evicted_keys, ..PrimaryGauges::default() });
                let store = Some(StoreGauges { primary, ..StoreGauges::default() });
                Sample { at_us: at(f64::from(second)), store, ..Sample::default() }
            };
            (0..8).map(sample).collect::<Vec<_>>()
        };
        let evidence = "keys were evicted before 1 re-logins and 1 losses of state".to_owned();
        assert_eq!(judged(&[], &samples(9), &rows, names), [(SymptomKind::Evicted, evidence)]);
        let kinds: Vec<SymptomKind> =
            judged(&[], &samples(0), &rows, names).into_iter().map(|(kind, _)| kind).collect();
        assert_eq!(kinds, [SymptomKind::SessionsRejected, SymptomKind::WritesDropped], "nothing was evicted");
    }
}
