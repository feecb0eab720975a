//! Single steps of a plan's scenarios, taken outside a run. What is a login, what asks for one, and what is as expected is
//! what it is in a run.

use super::compiled::CompiledPlan;
use super::connection::Connector;
use super::cookies::Cookies;
use super::gauges::LoadGauges;
use super::journey::{Journey, Means, session_rng};
use super::notes::LastOf;
use super::render::Values;
use super::running::LoadError;
use super::shard::{self, Shard};
use super::target::Base;
use crate::history::{Fingerprinter, Identity, Names, Observation, Outcome, RunClock, StepId};
use crate::plan::{ConnectionMode, Feeder, Plan, Share, Stickiness};
use rand::distr::{Alphanumeric, SampleString as _};
use std::cell::Cell;
use std::convert::Infallible;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

/// Makes the calling thread one that may take steps, for as long as it lives; there is one at a time on a thread.
pub struct Visits {
    means: Means,
    names: Names,
    seen: Arc<Mutex<Vec<Observation>>>,
    begun: Cell<u64>,
    /// It stays on its thread.
    _thread: PhantomData<*const ()>,
}

/// A user on the way through a scenario. A copy of it is somebody else with the same cookies and values.
#[derive(Clone)]
pub struct Visit {
    scenario: usize,
    user: u32,
    values: Values,
    cookies: Cookies,
    logged_in: bool,
}

/// What came of a step.
#[derive(Clone, Debug)]
pub struct Answered {
    pub outcome: Outcome,
    /// 0 when there was none.
    pub status: u16,
    pub identity: Identity,
    pub instance: Option<Arc<str>>,
    pub zone: Option<Arc<str>>,
}

/// A cookie that a visit holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieHeld {
    pub name: String,
    /// One of the balancer's.
    pub is_affinity: bool,
    pub http_only: bool,
    pub secure: bool,
    /// Other sites' pages do not carry it.
    pub same_site: bool,
}

/// What balancers call theirs, besides the names of the profile.
const BALANCERS_COOKIES: [&str; 6] = ["AWSELB*", "SERVERID", "ROUTEID", "ARRAffinity*", "GCLB", "INGRESSCOOKIE"];
/// How late a step that gets no answer may be given up.
const LOOK_EVERY: Duration = Duration::from_millis(50);

impl Visits {
    /// Each step goes over a connection of its own, as that of a new visitor would.
    ///
    /// # Errors
    /// As [`super::Load::start`].
    pub fn new(mut plan: Plan, feeder: Feeder, url: &str) -> Result<Visits, LoadError> {
        plan.connections.mode = ConnectionMode::PerRequest;
        // What is not kept cannot be seen.
        plan.connections.stickiness = Stickiness::Kept;
        plan.connections.affinity_cookies.extend(BALANCERS_COOKIES.map(str::to_owned));
        let connector = Connector::new(&plan)?;
        let plan = Arc::new(CompiledPlan::new(Arc::new(plan), feeder, Fingerprinter::new(&rand::random()))?);
        let (names, seen) = (Names::default(), Arc::new(Mutex::new(Vec::new())));
        let sink = {
            let seen: Arc<Mutex<Vec<Observation>>> = seen.clone();
            Arc::new(move |batch: Vec<Observation>| seen.lock().unwrap_or_else(PoisonError::into_inner).extend(batch))
        };
        let clock = RunClock::starting_in(Duration::ZERO);
        let share = Share { index: 0, of: 1 };
        shard::install(Shard::new(&plan, clock, names.clone(), sink, LoadGauges::new(1).shard(0), share));
        let means = Means { plan, connector, base: Base::of(url)? };
        Ok(Visits { means, names, seen, begun: Cell::new(0), _thread: PhantomData })
    }

    /// A user who comes for the first time. Users are counted round.
    pub fn begin(&self, scenario: usize, user: u32) -> Visit {
        let plan = &self.means.plan;
        let (user, session) = (user % plan.feeder.len().max(1), self.begun.get());
        self.begun.set(session + 1);
        let values = Values {
            user: plan.feeder.row(user),
            variables: vec![None; plan.plan.variables.len()],
            rng: session_rng(rand::random(), session),
            session,
            counter: 0,
        };
        Visit { scenario, user, values, cookies: Cookies::copied(), logged_in: false }
    }

    pub async fn take(&self, visit: &mut Visit, step: StepId) -> Answered {
        let Means { plan, connector, base } = &self.means;
        let add_slot =
            |task: &mut std::task::Context<'_>| Poll::Ready(shard::with(|shard| shard.add_slot(task.waker())));
        let mut journey = Journey {
            plan,
            connector,
            base,
            scenario: visit.scenario,
            slot: std::future::poll_fn(add_slot).await,
            connection: None,
            user: visit.user,
            values: visit.values.clone(),
            cookies: visit.cookies.clone(),
            logged_in: visit.logged_in,
            relogins: 0,
        };
        tokio::select! {
            _ = journey.perform(plan.step(step), Instant::now(), LastOf::default()) => {}
            never = give_up_in_time() => match never {},
        }
        let Journey { values, cookies, logged_in, .. } = journey;
        (visit.values, visit.cookies, visit.logged_in) = (values, cookies, logged_in);
        self.answered(visit.values.session)
    }

    /// The last answer of a session; those before it were redirects.
    fn answered(&self, session: u64) -> Answered {
        shard::with(Shard::flush);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let last = seen.iter().rev().find(|row| row.session == session).cloned().expect("each step is observed");
        seen.retain(|row| row.session != session);
        let name = |id| self.names.name(id);
        Answered {
            outcome: last.outcome,
            status: last.status,
            identity: last.identity,
            instance: last.instance.map(name),
            zone: last.zone.map(name),
        }
    }

    pub fn cookies(&self, visit: &Visit) -> Vec<CookieHeld> {
        let held = visit.cookies.held();
        held.map(|cookie| CookieHeld {
            name: cookie.name().to_owned(),
            is_affinity: self.means.plan.affinity.has(cookie.name()),
            http_only: cookie.http_only().unwrap_or_default(),
            secure: cookie.secure().unwrap_or_default(),
            same_site: cookie.same_site().is_some_and(|same_site| !same_site.is_none()),
        })
        .collect()
    }

    /// The same visit without some of its cookies.
    pub fn without(&self, visit: &Visit, drops: impl Fn(&CookieHeld) -> bool) -> Visit {
        let dropped: Vec<String> = self.cookies(visit).into_iter().filter(drops).map(|cookie| cookie.name).collect();
        let cookies = visit.cookies.without(&dropped, &self.means.base.origin.url);
        Visit { cookies, ..visit.clone() }
    }

    /// Whether requests go over TLS.
    pub fn is_encrypted(&self) -> bool {
        self.means.base.origin.https
    }
}

impl Drop for Visits {
    fn drop(&mut self) {
        shard::uninstall();
    }
}

impl Visit {
    /// From here on it counts as logged in: an answer that asks for a login is a rejection.
    pub fn claim(&mut self) {
        self.logged_in = true;
    }

    /// Somebody without its cookies who has made up whatever it was given to show.
    pub fn impostor(&self) -> Visit {
        let made_up = |value: &String| Alphanumeric.sample_string(&mut rand::rng(), value.len());
        let variables = self.values.variables.iter().map(|value| value.as_ref().map(made_up)).collect();
        Visit { values: Values { variables, ..self.values.clone() }, cookies: Cookies::copied(), ..self.clone() }
    }
}

/// Has the slots looked at whose requests are overdue.
async fn give_up_in_time() -> Infallible {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        shard::with(|shard| shard.wake_overdue(Instant::now()));
    }
}
