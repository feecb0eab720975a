//! Goose drives: every session slot is a goose user, every scenario a goose scenario, and one iteration of it is
//! one whole session. Goose's test plan raises and lowers the slots; its metrics, log and controllers are off.

use super::journey::{Ended, Means, run_session};
use super::running::LoadError;
use super::shard::{self, Arrival, Shard, SlotId};
use crate::plan::{Curve, Model, Share};
use goose::client::GooseClientBuilder;
use goose::config::GooseConfiguration;
use goose::goose::{GooseUser, Scenario, Transaction, TransactionFunction};
use goose::{GooseAttack, GooseError};
use std::fmt::Write as _;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

/// A user whose login was refused doesn't come back sooner. Without it the `users` model would turn a target that
/// refuses connections into a busy loop.
const PAUSE_AFTER_GIVING_UP: Duration = Duration::from_secs(1);

/// Between the iterations of a user who has nothing to do, for goose to notice that it is to end.
const IDLE: Duration = Duration::from_millis(100);

/// Longer than any run: the conductor ends runs, not goose.
const FOR_EVER_SECONDS: u64 = 30 * 24 * 3600;

/// Runs the share's slots on the calling load thread until [`stop`].
pub async fn run(means: Arc<Means>, share: Share) -> Result<(), LoadError> {
    let workload = &means.plan.plan.workload;
    let slots = slots_of(share, workload.max_sessions);
    let test_plan = match workload.model {
        Model::Sessions | Model::Arrivals => format!("{slots},1s;{slots},{FOR_EVER_SECONDS}s"),
        Model::Users => users_test_plan(&workload.curve, share),
    };
    let weights: Vec<u32> = means.plan.scenarios.iter().map(|scenario| scenario.slot_weight).collect();
    let shares = apportion(slots, &weights);
    let configuration = GooseConfiguration::parse_args_default(&[
        // Never sent to: goose only wants to know a host.
        "--host",
        means.base.origin.url.as_str(),
        "--test-plan",
        &test_plan,
        "--no-metrics",
        "--no-print-metrics",
        "--no-transaction-metrics",
        "--no-scenario-metrics",
        "--no-error-summary",
        "--no-telnet",
        "--no-websocket",
        "-qq",
    ])
    .map_err(goose_failed)?;
    // A shared client without cookies, which nobody uses: goose would make one for each user.
    let mut attack = GooseAttack::initialize_with_config(configuration)
        .and_then(|attack| attack.set_client_builder_without_cookies(GooseClientBuilder::new().without_cookies()))
        .map_err(goose_failed)?;
    for (index, (scenario, slots)) in means.plan.scenarios.iter().zip(shares).enumerate() {
        let means = means.clone();
        let iteration: TransactionFunction = Arc::new(move |user| {
            let means = means.clone();
            Box::pin(async move {
                iterate(user, &means, index).await;
                Ok(())
            })
        });
        let scenario = Scenario::new(&scenario.name)
            .register_transaction(Transaction::new(iteration))
            .set_weight(slots as usize)
            .map_err(goose_failed)?;
        attack = attack.register_scenario(scenario);
    }
    attack.execute().await.map(drop).map_err(goose_failed)
}

/// Ends every attack of the process.
pub fn stop() {
    goose::trigger_killswitch("the run is over");
}

/// One iteration of a slot: wait for a session that is due, and run it.
async fn iterate(user: &mut GooseUser, means: &Means, scenario: usize) {
    let slot = match user.get_session_data::<SlotId>() {
        Some(slot) => *slot,
        None => {
            let add = |context: &mut std::task::Context<'_>| shard::with(|shard| shard.add_slot(context.waker()));
            let slot = std::future::poll_fn(|context| Poll::Ready(add(context))).await;
            user.set_session_data(slot);
            slot
        }
    };
    if means.plan.plan.workload.model == Model::Users {
        // A user whom goose ended stays until the session is over. Where the curve rises again before that, there are more
        // slots than users for a while.
        let Some(user) = shard::with(|shard| if shard.closed() { None } else { shard.take_user() }) else {
            return tokio::time::sleep(IDLE).await;
        };
        let arrival = Arrival { number: shard::with(Shard::next_session_number), due: Instant::now() };
        if run_session(means, scenario, slot, user, arrival).await == Ended::GaveUp {
            super::timer::sleep_until(Instant::now() + PAUSE_AFTER_GIVING_UP).await;
        }
        return;
    }
    match std::future::poll_fn(|_| shard::with(|shard| shard.poll_arrival(scenario, slot))).await {
        Some(arrival) => {
            let user = shard::with(Shard::take_user).expect("the plan has at least as many users as slots");
            run_session(means, scenario, slot, user, arrival).await;
        }
        None => tokio::time::sleep(IDLE).await,
    }
}

fn goose_failed(error: GooseError) -> LoadError {
    LoadError::Goose { reason: error.to_string() }
}

/// How many of `total` numbered things are the share's.
fn slots_of(share: Share, total: u32) -> u32 {
    (0..u64::from(total)).filter(|number| share.has(*number)).count() as u32
}

/// The users curve as goose's test plan, which counts whole seconds. A jump of the curve takes none.
fn users_test_plan(curve: &Curve, share: Share) -> String {
    let mut plan = String::new();
    let mut before = 0;
    let mut last_at = 0.0;
    for point in &curve.points {
        let users = slots_of(share, point.value.round() as u32);
        let seconds = (point.at_seconds.round() - last_at) as u64;
        if seconds > 0 || users != before {
            write!(plan, "{users},{seconds}s;").expect("a String can be written to");
        }
        (before, last_at) = (users, point.at_seconds.round());
    }
    write!(plan, "{before},{FOR_EVER_SECONDS}s").expect("a String can be written to");
    plan
}

/// `total` slots over scenarios in proportion to their weights, at least one each (largest remainder).
fn apportion(total: u32, weights: &[u32]) -> Vec<u32> {
    let sum: f64 = weights.iter().map(|w| f64::from(*w)).sum();
    let quota = |weight: &u32| f64::from(total) * f64::from(*weight) / sum;
    let mut shares: Vec<u32> = weights.iter().map(|weight| (quota(weight) as u32).max(1)).collect();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by(|a, b| quota(&weights[*b]).fract().total_cmp(&quota(&weights[*a]).fract()));
    for index in order.into_iter().cycle() {
        let given: u32 = shares.iter().sum();
        match given.cmp(&total) {
            std::cmp::Ordering::Less => shares[index] += 1,
            std::cmp::Ordering::Equal => break,
            std::cmp::Ordering::Greater => match shares.iter_mut().max().filter(|largest| **largest > 1) {
                Some(largest) => *largest -= 1,
                None => break,
            },
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Point;
    use proptest::prelude::*;

    #[test]
    fn slots_follow_the_weights() {
        assert_eq!(apportion(10, &[80, 20]), [8, 2]);
        assert_eq!(apportion(3, &[1, 1000]), [1, 2]);
        assert_eq!(apportion(2, &[1, 1, 1]), [1, 1, 1]);
    }

    #[test]
    fn a_users_curve_is_a_test_plan_in_whole_seconds_in_which_a_jump_takes_none() {
        let plan = |points: &[(f64, f64)]| {
            let points = points.iter().map(|(at_seconds, value)| Point { at_seconds: *at_seconds, value: *value });
            users_test_plan(&Curve { points: points.collect() }, Share::ALL)
        };
        let ramp_and_drop = plan(&[(0.0, 0.0), (10.0, 50.0), (60.0, 50.0), (60.0, 20.0)]);
        assert_eq!(ramp_and_drop, format!("50,10s;50,50s;20,0s;20,{FOR_EVER_SECONDS}s"));
        let steps = plan(&[(0.0, 20.0), (10.0, 20.0), (10.0, 2.0), (15.0, 2.0), (15.0, 20.0), (25.0, 20.0)]);
        assert_eq!(steps, format!("20,0s;20,10s;2,0s;2,5s;20,0s;20,10s;20,{FOR_EVER_SECONDS}s"));
    }

    proptest! {
        #[test]
        fn every_scenario_has_a_slot_and_no_slot_is_lost(
            total in 1u32..500,
            weights in proptest::collection::vec(1u32..1000, 1..8),
        ) {
            let shares = apportion(total, &weights);
            prop_assert!(shares.iter().all(|share| *share >= 1));
            prop_assert_eq!(shares.iter().sum::<u32>(), total.max(weights.len() as u32));
        }

        #[test]
        fn shares_add_up(total in 0u32..1000, of in 1u64..9) {
            let sum: u32 = (0..of).map(|index| slots_of(Share { index, of }, total)).sum();
            prop_assert_eq!(sum, total);
        }
    }
}
