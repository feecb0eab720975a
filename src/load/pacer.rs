//! Hands out arrivals at the instants they are due.

use super::compiled::CompiledPlan;
use super::journey::session_rng;
use super::shard::{self, Arrival};
use super::timer::{self, Waited, sleep_until};
use crate::history::Offset;
use crate::plan::{Arrivals, Model, Plan, Share};
use rand::RngExt as _;
use std::time::{Duration, Instant};

/// Above this many arrivals a second and thread, waking up for each costs more than being up to a millisecond late.
const EXACT_UP_TO: f64 = 15_000.0;

const BATCH: Duration = Duration::from_millis(1);

/// How arrivals are timed, for the record.
pub fn pacer_name(plan: &Plan, threads: usize) -> String {
    if batches(plan, threads) { format!("{}, batched by 1 ms", timer::NAME) } else { timer::NAME.to_owned() }
}

fn batches(plan: &Plan, threads: usize) -> bool {
    plan.workload.model != Model::Users && plan.workload.curve.peak() / threads as f64 > EXACT_UP_TO
}

/// Delivers the share's arrivals to the calling load thread's slots, each when it is due, until the curve ends.
pub async fn pace(plan: &CompiledPlan, share: Share, threads: usize) {
    let clock = shard::with(|shard| shard.clock);
    let batch = batches(&plan.plan, threads).then_some(BATCH);
    for (number, seconds) in Arrivals::new(&plan.plan.workload) {
        if !share.has(number) {
            continue;
        }
        let due = clock.zero() + Duration::from_secs_f64(seconds);
        if sleep_until(wake_up(due, clock.zero(), batch)).await == Waited::CutShort {
            break;
        }
        let scenario = plan.scenario_of(session_rng(plan.seed, number).random());
        shard::with(|shard| shard.deliver(scenario, Arrival { number, due }));
    }
    let end = clock.instant(Offset::ZERO + plan.plan.workload.curve.duration());
    sleep_until(end).await;
    shard::with(|shard| shard.end_arrivals());
}

/// When to wake up for an arrival: when it is due, or at the end of the batch it falls in.
fn wake_up(due: Instant, zero: Instant, batch: Option<Duration>) -> Instant {
    match batch {
        None => due,
        Some(batch) => {
            let whole = due.saturating_duration_since(zero).as_nanos().div_ceil(batch.as_nanos());
            zero + batch * u32::try_from(whole).unwrap_or(u32::MAX)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_ends_at_the_next_whole_millisecond() {
        let zero = Instant::now();
        let micros = |n| zero + Duration::from_micros(n);
        assert_eq!(wake_up(micros(1_234), zero, None), micros(1_234));
        assert_eq!(wake_up(micros(1_234), zero, Some(BATCH)), micros(2_000));
        assert_eq!(wake_up(micros(2_000), zero, Some(BATCH)), micros(2_000));
    }
}
