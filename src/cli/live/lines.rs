//! One line each ten seconds, for logs.

use super::tally::Tally;
use super::wording;
use crate::run::Begins;

pub fn line(begins: &Begins, tally: &Tally) -> String {
    let now = begins.clock.now().as_secs_f64();
    let total = begins.plan.workload.curve.duration().as_secs_f64();
    let response = tally.response_time();
    let gauges = &tally.sample.generator;
    let stage = match now > total {
        false => format!("of {}", wording::clock(total)),
        true => "last sessions finishing".to_owned(),
    };
    format!(
        "{} {stage}  {} requests/s  {} sessions in flight  p50 {}  p99 {}  {} re-logins  {} failures  {} owed",
        wording::clock(now),
        tally.rate(),
        gauges.sessions_in_flight,
        wording::milliseconds(response.p50),
        wording::milliseconds(response.p99),
        tally.relogins,
        tally.failed,
        gauges.arrivals_owed,
    )
}
