//! One session, from its arrival to its end.

use super::compiled::{CompiledPlan, CompiledStep};
use super::connection::{Connection, Connector};
use super::cookies::Cookies;
use super::notes::LastOf;
use super::perform::{Performed, uri};
use super::render::Values;
use super::shard::{self, Arrival, SlotId};
use super::target::{Base, TargetError};
use super::timer::{Waited, sleep_until};
use crate::plan::{ConnectionMode, Model, OnRejected};
use http::{HeaderMap, Uri};
use rand::{RngExt as _, SeedableRng};
use rand_pcg::Pcg64Mcg;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often a user logs in again within one session before giving up.
const MOST_RELOGINS: u32 = 3;

/// What all sessions of a load thread are made with.
pub struct Means {
    pub plan: Arc<CompiledPlan>,
    pub connector: Connector,
    pub base: Base,
    /// Path and query of each step where they are always the same. A thread's own: all threads counting the references
    /// to one would slow each other down.
    pub fixed_targets: Vec<Option<Uri>>,
}

impl Means {
    pub fn new(plan: Arc<CompiledPlan>, url: &str) -> Result<Means, TargetError> {
        let (connector, base) = (Connector::new(&plan.plan)?, Base::of(url)?);
        let fixed = |step: &CompiledStep| Some(uri(format!("{}{}", base.path, step.path.as_literal()?)));
        Ok(Means { fixed_targets: plan.steps.iter().map(fixed).collect(), plan, connector, base })
    }
}

/// A session under way.
pub struct Journey<'a> {
    pub(super) plan: &'a CompiledPlan,
    pub(super) connector: &'a Connector,
    pub(super) base: &'a Base,
    pub(super) fixed_targets: &'a [Option<Uri>],
    pub(super) scenario: usize,
    pub(super) slot: SlotId,
    pub(super) connection: Option<Connection>,
    pub(super) user: u32,
    pub(super) values: Values,
    pub(super) cookies: Cookies,
    /// The map of the response before, empty, for the next request: it has grown to what it needs.
    pub(super) spare_fields: HeaderMap,
    pub(super) logged_in: bool,
    pub(super) relogins: u32,
}

/// How a session came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Whole,
    /// The login was not taken, or the application would not let the user in again.
    GaveUp,
    /// The run is over.
    CutShort,
}

/// The source of all chance of a session: the run's seed and the session's number, whoever runs it.
pub fn session_rng(seed: u64, number: u64) -> Pcg64Mcg {
    // The golden ratio's odd multiplier spreads neighbouring numbers over the whole state (Knuth, TAOCP 3, §6.4).
    Pcg64Mcg::seed_from_u64(seed ^ number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// Runs a session of a scenario in a slot, for a user who is in no other; its first request is due when it is.
pub async fn run_session(means: &Means, scenario: usize, slot: SlotId, user: u32, arrival: Arrival) -> Ended {
    let plan = &*means.plan;
    let Arrival { number, due } = arrival;
    let pinned = plan.plan.connections.mode == ConnectionMode::Pinned;
    let connection = shard::with(|shard| {
        shard.gauges.sessions_in_flight.add(1);
        if pinned { shard.take_connection(slot) } else { None }
    });
    let mut rng = session_rng(plan.seed, number);
    // The draw that chose the scenario.
    let _: f64 = rng.random();
    let mut journey = Journey {
        plan,
        connector: &means.connector,
        base: &means.base,
        fixed_targets: &means.fixed_targets,
        scenario,
        slot,
        connection,
        user,
        values: Values {
            user: plan.feeder.row(user),
            variables: vec![None; plan.plan.variables.len()],
            rng,
            session: number,
            counter: 0,
        },
        cookies: Cookies::default(),
        spare_fields: HeaderMap::new(),
        logged_in: false,
        relogins: 0,
    };
    let ended = journey.run(due).await;
    let connection = if pinned { journey.connection.take() } else { None };
    shard::with(|shard| {
        shard.keep_connection(slot, connection);
        shard.free_user(user);
        shard.gauges.sessions_in_flight.sub(1);
    });
    ended
}

impl Journey<'_> {
    async fn run(&mut self, due: Instant) -> Ended {
        let plan = self.plan;
        let scenario = &plan.scenarios[self.scenario];
        let mut due = due;
        for (at, id) in scenario.steps.iter().enumerate() {
            let step = plan.step(*id);
            let times = self.values.rng.random_range(step.repeat.from..=step.repeat.to);
            for time in 1..=times {
                let first_of_session = at == 0 && time == 1;
                if !first_of_session {
                    due = match self.next_due(due).await {
                        Some(due) => due,
                        None => return Ended::CutShort,
                    };
                }
                let of_session = at + 1 == scenario.steps.len() && time == times;
                due = match self.take_step(step, due, of_session).await {
                    Ok(ended) => ended + self.think(step),
                    Err(ended) => return ended,
                };
            }
        }
        Ended::Whole
    }

    fn think(&mut self, step: &CompiledStep) -> Duration {
        step.think.sample(&mut self.values.rng).min(step.think_cap)
    }

    /// Waits until the session's next request is due: after the think time, or, where requests arrive by a curve, at
    /// the next arrival. None when the run is over.
    async fn next_due(&mut self, thought: Instant) -> Option<Instant> {
        if self.plan.plan.workload.model == Model::Arrivals {
            let (scenario, slot) = (self.scenario, self.slot);
            let arrival =
                std::future::poll_fn(|_| shard::with(|shard| shard.poll_next_request(scenario, slot))).await?;
            return Some(arrival.due);
        }
        match sleep_until(thought).await {
            Waited::InFull => Some(thought),
            Waited::CutShort => None,
        }
    }

    /// A step with all that a person would do about its answer: poll on while a job is pending, log in again when
    /// asked to. Returns when it ended.
    async fn take_step(&mut self, step: &CompiledStep, due: Instant, of_session: bool) -> Result<Instant, Ended> {
        let mut performed = self.perform_with_polls(step, due, of_session).await?;
        // Comes to an end: whoever has logged in again too often gives up.
        while performed.rejected {
            let logged_in = self.log_in_again(performed.ended).await?;
            performed = self.perform_with_polls(step, logged_in, of_session).await?;
        }
        Ok(performed.ended)
    }

    async fn perform_with_polls(
        &mut self,
        step: &CompiledStep,
        due: Instant,
        of_session: bool,
    ) -> Result<Performed, Ended> {
        let (every, deadline) = match &step.poll {
            Some(poll) => (poll.plan.every, due + poll.plan.within),
            None => (Duration::ZERO, due),
        };
        let mut due = due;
        loop {
            let job_overdue = due + every > deadline;
            let performed = self.perform(step, due, LastOf { of_session, job_overdue }).await;
            if performed.gives_up {
                return Err(Ended::GaveUp);
            }
            if !performed.polls_on {
                return Ok(performed);
            }
            due = performed.ended + every;
            if sleep_until(due).await == Waited::CutShort {
                return Err(Ended::CutShort);
            }
        }
    }

    pub(super) fn may_log_in_again(&self) -> bool {
        let scenario = &self.plan.scenarios[self.scenario];
        self.plan.on_rejected == OnRejected::Relogin && self.relogins < MOST_RELOGINS && !scenario.login.is_empty()
    }

    /// Runs the login steps once more, with their think times.
    async fn log_in_again(&mut self, asked: Instant) -> Result<Instant, Ended> {
        self.relogins += 1;
        let plan = self.plan;
        let mut due = asked;
        for id in &plan.scenarios[self.scenario].login {
            let step = plan.step(*id);
            if sleep_until(due).await == Waited::CutShort {
                return Err(Ended::CutShort);
            }
            let performed = self.perform(step, due, LastOf::default()).await;
            if performed.gives_up {
                return Err(Ended::GaveUp);
            }
            due = performed.ended + self.think(step);
        }
        match sleep_until(due).await {
            Waited::InFull => Ok(due),
            Waited::CutShort => Err(Ended::CutShort),
        }
    }
}
