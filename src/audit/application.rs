use crate::history::{Failure, Identity, Outcome, StepId};
use crate::load::{Answered, Visit, Visits};
use crate::plan::{Plan, Role, Scenario, Step};
use std::fmt;
use std::sync::Arc;

/// The application, used by the steps of the profile.
pub(super) struct Application<'a> {
    pub plan: &'a Plan,
    pub visits: &'a Visits,
}

/// A scenario by which users log in, and the step that tells whether they still are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Journey {
    scenario: usize,
    pub proof: StepId,
}

/// A user who has logged in.
pub(super) struct LoggedIn {
    /// As it was before the step that completes the login.
    pub before: Visit,
    pub visit: Visit,
}

/// What the application takes a user for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    LoggedIn,
    /// It asks for a login, or answers as it does to anybody.
    Stranger,
    /// It did not say.
    Unclear(String),
}

/// A session that only some instances know is known by one of so many tries.
const TRIES: u32 = 4;

impl Application<'_> {
    /// Logs in by each scenario that does, until one is found whose session can be told from a stranger; of those the
    /// first with a cookie.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn journey(&self) -> Result<(Journey, LoggedIn), String> {
        let mut without_cookie = None;
        let mut why = "no scenario logs in: mark the steps that do with `login = true`".to_owned();
        for scenario in (0..self.plan.scenarios.len()).filter(|at| self.steps(*at, Role::Login).next().is_some()) {
            let found = async {
                let logged_in = self.log_in(scenario, 0).await?;
                let proof = self.proof(scenario, &logged_in.visit).await?;
                Ok::<_, String>((Journey { scenario, proof }, logged_in))
            };
            match found.await {
                Ok(found) if self.visits.cookies(&found.1.visit).iter().any(|cookie| !cookie.is_affinity) => {
                    return Ok(found);
                }
                Ok(found) => without_cookie = without_cookie.or(Some(found)),
                Err(reason) => why = reason,
            }
        }
        without_cookie.ok_or(why)
    }

    /// As the user of this number, counted round.
    ///
    /// # Errors
    /// The login was not taken.
    pub async fn log_in_by(&self, journey: Journey, user: u32) -> Result<Visit, String> {
        Ok(self.log_in(journey.scenario, user).await?.visit)
    }

    pub fn logout(&self, journey: Journey) -> Option<StepId> {
        self.steps(journey.scenario, Role::Logout).next()
    }

    async fn log_in(&self, scenario: usize, user: u32) -> Result<LoggedIn, String> {
        let mut visit = self.visits.begin(scenario, user);
        let mut before = visit.clone();
        for id in self.steps(scenario, Role::Login) {
            before = visit.clone();
            let answered = self.visits.take(&mut visit, id).await;
            if answered.outcome != Outcome::Ok {
                return Err(format!("the login step `{}` was not taken: {}", self.step(id).name, Told(&answered)));
            }
        }
        visit.claim();
        before.claim();
        Ok(LoggedIn { before, visit })
    }

    /// A step that changes nothing and is answered otherwise to a stranger. Steps that say that they prove who a user is
    /// are tried first.
    async fn proof(&self, scenario: usize, visit: &Visit) -> Result<StepId, String> {
        let reads = |id: &StepId| matches!(self.step(*id).method.as_str(), "GET" | "HEAD");
        let mut steps: Vec<StepId> = self.steps(scenario, Role::Ordinary).filter(reads).collect();
        steps.sort_by_key(|id| !self.step(*id).proves_identity);
        let mut why = String::new();
        for id in steps {
            let mut standing = Standing::Stranger;
            for _ in 0..TRIES {
                standing = self.standing(&mut visit.clone(), id).await;
                if standing == Standing::LoggedIn {
                    break;
                }
            }
            match standing {
                Standing::LoggedIn if self.standing(&mut visit.impostor(), id).await == Standing::Stranger => {
                    return Ok(id);
                }
                Standing::Unclear(reason) => why = format!(" (`{}`: {reason})", self.step(id).name),
                Standing::LoggedIn | Standing::Stranger => {}
            }
        }
        let name = &self.plan.scenarios[scenario].name;
        Err(format!("no GET step of the scenario `{name}` tells a user who is logged in from a stranger{why}"))
    }

    /// What the application takes a visit for that says it had logged in.
    pub async fn standing(&self, visit: &mut Visit, proof: StepId) -> Standing {
        self.standing_and_instance(visit, proof).await.0
    }

    /// The same, and the instance that says so.
    pub async fn standing_and_instance(&self, visit: &mut Visit, proof: StepId) -> (Standing, Option<Arc<str>>) {
        visit.claim();
        let answered = self.visits.take(visit, proof).await;
        let proves = self.step(proof).proves_identity && self.plan.session.identity.is_some();
        let standing = match (answered.identity, answered.outcome) {
            (Identity::Rejected, _) => Standing::Stranger,
            (Identity::Other, _) => Standing::Unclear("answered as another user".to_owned()),
            (_, Outcome::Ok) => Standing::LoggedIn,
            // The page is there and names nobody.
            (_, Outcome::Unexpected) if proves && (200..300).contains(&answered.status) => Standing::Stranger,
            _ => Standing::Unclear(Told(&answered).to_string()),
        };
        (standing, answered.instance)
    }

    pub fn step(&self, id: StepId) -> &Step {
        &self.plan.steps[usize::from(id.0)]
    }

    fn steps(&self, scenario: usize, role: Role) -> impl Iterator<Item = StepId> {
        let Scenario { steps, .. } = &self.plan.scenarios[scenario];
        steps.iter().copied().filter(move |id| self.step(*id).role == role)
    }
}

/// An answer in a few words.
pub(super) struct Told<'a>(pub &'a Answered);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.outcome {
            Outcome::Failed(Failure::NotSent) => f.write_str("it needs a value that no answer had"),
            Outcome::Failed(_) => write!(f, "no answer ({})", self.0.outcome.name()),
            Outcome::Ok => write!(f, "status {}", self.0.status),
            Outcome::Unexpected => write!(f, "status {}, not as the step expects", self.0.status),
        }
    }
}
