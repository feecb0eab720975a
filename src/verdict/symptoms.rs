use crate::analysis::Analysis;
use crate::session::{Symptom, SymptomKind};

/// A new instance this many times as slow as its peers is told as a symptom …
const SLOW_WARM_UP: f64 = 3.0;
/// … when it served this many requests in its first seconds …
const ENOUGH_WARM_UP: u64 = 50;
/// … and half of its requests took this many times as long as half of theirs …
const SLOW_THROUGHOUT: f64 = 2.0;
/// … in this many of these seconds: one pause of the machine is no warm-up.
const FEWEST_SLOW_SECONDS: usize = 3;
/// Fewer requests than this that a new instance failed by itself are no pattern.
const FEWEST_FAILED: u64 = 3;
/// Nor is a new instance that fails no more than this many times as often as those that were there before.
const STANDS_OUT: f64 = 4.0;

/// What the figures of a run show of the fleet, beside what became of sessions.
pub(super) fn symptoms(analysis: &Analysis) -> impl Iterator<Item = Symptom> {
    [slow_warm_up(analysis), ready_too_soon(analysis), drain_ignored(analysis)].into_iter().flatten()
}

/// Errors that a new instance answered itself, while those that were there before answered hardly any.
fn ready_too_soon(analysis: &Analysis) -> Option<Symptom> {
    let share = |errors: u64, count: u64| errors as f64 / count.max(1) as f64;
    let old = analysis.instances.iter().filter(|instance| !instance.new);
    let (errors, count) = old.fold((0, 0), |(errors, count), i| (errors + i.server_errors, count + i.requests.count));
    let usual = share(errors, count);
    let failing = analysis.instances.iter().filter(|i| {
        i.new && i.server_errors >= FEWEST_FAILED && share(i.server_errors, i.requests.count) > STANDS_OUT * usual
    });
    let evidence: Vec<String> = failing
        .map(|i| format!("{}: {} of {} requests failed", i.instance, i.server_errors, i.requests.count))
        .collect();
    (!evidence.is_empty()).then(|| Symptom {
        kind: SymptomKind::ReadyTooSoon,
        title: "new instances are given requests that they cannot serve".to_owned(),
        evidence: evidence.join("; "),
        explanation:
            "The health check says yes before they are ready, or whatever it is asked: let it answer for what \
                      a request needs."
                .to_owned(),
    })
}

/// A drained instance has all the time it needs for what it was given: none of that may fail.
fn drain_ignored(analysis: &Analysis) -> Option<Symptom> {
    let failing = analysis.departures.iter().filter(|d| d.manner == "drained" && d.failed_requests > 0);
    let evidence: Vec<String> =
        failing.map(|d| format!("{} failed around the end of {}", d.failed_requests, d.instances.join(", "))).collect();
    (!evidence.is_empty()).then(|| Symptom {
        kind: SymptomKind::DrainIgnored,
        title: "requests fail when an instance is drained".to_owned(),
        evidence: evidence.join("; "),
        explanation: "It ends while it still has requests: on the signal to end it must answer what it has, and the \
                      balancer must stop sending before that signal comes."
            .to_owned(),
    })
}

fn slow_warm_up(analysis: &Analysis) -> Option<Symptom> {
    let penalties = analysis.stages.iter().filter_map(|s| Some((s.instance.as_str(), s.warm_up?)));
    let lasts = |instance: &str, seconds: u32| {
        let courses = analysis.warm_ups.iter().filter(|course| course.instance == instance);
        let seconds = courses.flat_map(|course| course.seconds.iter().take(seconds as usize));
        let slow =
            seconds.filter(|s| s.p50_ms.zip(s.peers_p50_ms).is_some_and(|(p50, peers)| p50 >= SLOW_THROUGHOUT * peers));
        slow.count() >= FEWEST_SLOW_SECONDS
    };
    let slow = penalties.filter(|(instance, w)| {
        let enough = w.requests >= ENOUGH_WARM_UP && w.peers_requests >= ENOUGH_WARM_UP;
        w.ratio >= SLOW_WARM_UP && enough && lasts(instance, w.seconds)
    });
    let evidence: Vec<String> = slow
        .map(|(instance, w)| {
            let (p99, peers) = (w.p99_ms, w.peers_p99_ms);
            format!("{instance}: p99 {p99:.0} ms in its first {} s, its peers {peers:.0} ms", w.seconds)
        })
        .collect();
    (!evidence.is_empty()).then(|| Symptom {
        kind: SymptomKind::SlowWarmUp,
        title: "new instances are slower than their peers at first".to_owned(),
        evidence: evidence.join("; "),
        explanation:
            "They take traffic before they are warm: fill caches and pools before the health check passes, or \
                      let the balancer raise their share slowly (slow start)."
                .to_owned(),
    })
}
