//! What faults came to, in words that every format shares: requests that failed when instances went, the session store,
//! and why sessions were lost. Names in it are as they came; each format escapes them in its own way.

use super::Subject;
use super::wording::{counted, manner, seconds};
use crate::analysis::{Analysis, DepartureFigures, StoreFindings, UnservedFigures};
use crate::history::ServedBy;
use crate::session::{FailoverFindings, LossCause, RestoreFindings, SessionFindings};

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
    let unexplained = sessions.failovers.as_ref().is_some_and(|found| found.unexplained > 0);
    let all = [
        part("Times without service", unserved(analysis), false),
        part("Requests that failed when instances went", departures(analysis), false),
        part("Session store", analysis.store.as_ref().map_or(Vec::new(), |found| vec![store(found)]), false),
        part("Sampled keys of sessions", analysis.store.iter().filter_map(keys_without_ttl).collect(), true),
        part("Causes of the losses", causes(sessions), false),
        part(
            "Losses over failovers of the store",
            sessions.failovers.iter().filter_map(failovers).collect(),
            unexplained,
        ),
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

/// When nobody was served. That it never came to that is worth a line when requests failed.
fn unserved(analysis: &Analysis) -> Vec<String> {
    let told = |unserved: &UnservedFigures| {
        let failed = counted(unserved.failed_requests, "request");
        format!(
            "{:.1} s from {} on, in which {failed} failed and none was answered as expected",
            unserved.seconds,
            seconds(unserved.from_us)
        )
    };
    match analysis.unserved.as_slice() {
        [] if analysis.requests.errors > 0 => vec!["none: others were answered while requests failed".to_owned()],
        all => all.iter().take(MOST).map(told).collect(),
    }
}

fn departures(analysis: &Analysis) -> Vec<String> {
    let told = |departure: &DepartureFigures| {
        let within = departure.until_us.since(departure.at_us).as_secs_f64() + 3.0;
        let (failed, instances) = (departure.failed_requests, departure.instances.join(", "));
        let (manner, at) = (manner(&departure.manner), seconds(departure.at_us));
        match &departure.dark_zone {
            None => format!("{failed} failed within {within:.0} s of {instances}, which {manner} at {at}"),
            Some(zone) => {
                format!(
                    "{failed} failed within {within:.0} s of the outage of {zone} at {at}, with which {instances} {manner}"
                )
            }
        }
    };
    analysis.departures.iter().filter(|d| d.failed_requests > 0).take(MOST).map(told).collect()
}

/// What the store's probe saw.
fn store(store: &StoreFindings) -> String {
    if store.acknowledged_writes == 0 {
        return "the probe reached no primary in the whole run: nothing is known of it".to_owned();
    }
    let outages: Vec<String> = (store.outages.iter())
        .map(|outage| {
            let at = seconds(outage.from_us);
            let failed = match outage.failed_requests {
                0 => String::new(),
                failed => format!(" ({} failed by it)", counted(failed, "request")),
            };
            match outage.seconds {
                Some(length) => format!("for {length:.2} s at {at}{failed}"),
                None => format!("from {at} to the end{failed}"),
            }
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

/// Whether sessions lost what the probe lost, and nothing else.
fn failovers(found: &FailoverFindings) -> Option<String> {
    let (explained, unexplained) = (found.explained, found.unexplained);
    let spans: Vec<String> = (found.spans.iter())
        .map(|span| {
            let (from, to) = (span.from_us.as_secs_f64(), span.to_us.as_secs_f64());
            format!("{from:.2} to {to:.2} s, {} of the probe's", span.probe_writes)
        })
        .collect();
    let rest = match unexplained {
        0 => String::new(),
        _ => format!("; {unexplained} from another time, unexplained: no failover loses those"),
    };
    let lost = counted(explained + unexplained, "acknowledged write");
    let spans = spans.join("; ");
    let told = format!("{lost} of sessions lost, {explained} from when the store lost the probe's own ({spans}){rest}");
    (explained + unexplained > 0).then_some(told)
}

/// What a restore took, as was to be expected.
fn restored(found: &RestoreFindings) -> String {
    format!(
        "gone with the restore, as was to be expected: {} sessions that had logged in since the snapshot ({} were asked to \
         log in again) and {} acknowledged writes",
        found.sessions, found.asked_to_log_in_again, found.writes
    )
}
