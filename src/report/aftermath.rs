//! What faults came to, in words that every format shares: requests that failed when instances went, the session store,
//! and why sessions were lost. Names in it are as they came; each format escapes them in its own way.

use super::Subject;
use super::wording::{manner, seconds};
use crate::analysis::{Analysis, DepartureFigures, StoreFindings};
use crate::history::ServedBy;
use crate::session::{LossCause, RestoreFindings, SessionFindings};

/// Departures told one by one.
const MOST: usize = 6;

/// A heading and what there is to tell under it.
pub(super) struct Aftermath {
    pub heading: &'static str,
    pub lines: Vec<String>,
    /// It speaks against the fleet, or of what is not known.
    pub doubtful: bool,
}

/// The parts that have something to tell.
pub(super) fn aftermath(subject: &Subject) -> Vec<Aftermath> {
    let Subject { analysis, sessions, served_by, cloudwatch, .. } = *subject;
    let part = |heading, lines, doubtful| Aftermath { heading, lines, doubtful };
    let all = [
        part("Requests that failed when instances went", departures(analysis), false),
        part("Session store", analysis.store.as_ref().map_or(Vec::new(), |found| vec![store(found)]), false),
        part("Sampled keys of sessions", analysis.store.iter().filter_map(keys_without_ttl).collect(), true),
        part("Causes of the losses", causes(sessions), false),
        part(
            "The balancer's access logs",
            served_by.map_or(Vec::new(), ServedBy::told),
            served_by.is_some_and(doubtful),
        ),
        part("CloudWatch's figures", cloudwatch.map_or(Vec::new(), |metrics| metrics.trouble.clone()), true),
        part("Restored", sessions.restored.iter().map(restored).collect(), false),
    ];
    all.into_iter().filter(|part| !part.lines.is_empty()).collect()
}

/// Something stood in the way of the logs.
fn doubtful(served_by: &ServedBy) -> bool {
    served_by.trouble.is_some()
}

fn departures(analysis: &Analysis) -> Vec<String> {
    let told = |departure: &DepartureFigures| {
        let within = departure.until_us.since(departure.at_us).as_secs_f64() + 3.0;
        format!(
            "{} failed within {within:.0} s of {}, which {} at {}",
            departure.failed_requests,
            departure.instances.join(", "),
            manner(&departure.manner),
            seconds(departure.at_us)
        )
    };
    analysis.departures.iter().filter(|d| d.failed_requests > 0).take(MOST).map(told).collect()
}

/// What the store's probe saw.
fn store(store: &StoreFindings) -> String {
    if store.acknowledged_writes == 0 {
        return "the probe reached no primary in the whole run: nothing is known of it".to_owned();
    }
    let outages: Vec<String> = (store.outages.iter())
        .map(|outage| match outage.seconds {
            Some(length) => format!("for {length:.2} s at {}", seconds(outage.from_us)),
            None => format!("from {} to the end", seconds(outage.from_us)),
        })
        .collect();
    let away = match outages.as_slice() {
        [] => "always acknowledged writes".to_owned(),
        outages => format!("no writes {}", outages.join(", ")),
    };
    format!(
        "{away}; {} of the probe's {} acknowledged writes lost; {} keys evicted; a replica was at most {} writes behind",
        store.lost_writes, store.acknowledged_writes, store.evicted_keys, store.most_behind_writes
    )
}

fn keys_without_ttl(store: &StoreFindings) -> Option<String> {
    let count = store.session_keys_without_ttl;
    (count > 0).then(|| format!("{count} have no time to live"))
}

/// What the losses were put down to. That nothing is known is not worth a section.
fn causes(sessions: &SessionFindings) -> Vec<String> {
    if sessions.causes.keys().all(|cause| *cause == LossCause::Unknown) {
        return Vec::new();
    }
    let told = sessions.causes.iter().map(|(cause, counts)| {
        let told = [("re-logins", counts.relogins), ("losses of state", counts.state_lost)];
        let told: Vec<String> =
            told.iter().filter(|(_, count)| *count > 0).map(|(what, count)| format!("{count} {what}")).collect();
        format!("{}: {}", cause.words(), told.join(", "))
    });
    told.collect()
}

/// What a restore took, as was to be expected.
fn restored(found: &RestoreFindings) -> String {
    format!(
        "gone with the restore, as was to be expected: {} sessions that had logged in since the snapshot ({} were asked to \
         log in again) and {} acknowledged writes",
        found.sessions, found.asked_to_log_in_again, found.writes
    )
}
