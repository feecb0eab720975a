use super::cohort::Member;
use super::ledger::Ledger;
use super::restore::Kept;
use super::{ByPlace, Tally};
use crate::history::{NameId, Observation, Offset, StateOp, StepId};
use crate::plan::{Plan, SessionRules};

/// Where something was served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub instance: NameId,
    pub zone: Option<NameId>,
}

impl Place {
    pub(super) fn of(row: &Observation) -> Option<Place> {
        Some(Place { instance: row.instance?, zone: row.zone })
    }
}

impl ByPlace {
    /// The counts for what was served at `here` and belongs to what happened at `there`.
    pub(super) fn between(&mut self, there: Option<Place>, here: Option<Place>) -> &mut Tally {
        match (there, here) {
            (Some(there), Some(here)) if there.instance == here.instance => &mut self.same_instance,
            (Some(Place { zone: Some(there), .. }), Some(Place { zone: Some(here), .. })) if there != here => {
                &mut self.other_zone
            }
            (Some(_), Some(_)) => &mut self.other_instance,
            _ => &mut self.unknown,
        }
    }
}

/// Where a session stands with its login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Not yet, or not any more.
    Out,
    In,
    /// Rejected, and not logged in again since.
    Asked,
}

/// What is kept of a session while it lives.
#[derive(Debug)]
pub(super) struct Live {
    pub standing: Standing,
    /// When the login it now stands on was acknowledged.
    pub begun: Option<Offset>,
    /// Where the last request that logs in was served (not what it redirected to), and the place farthest from there
    /// that answered since. Who has been elsewhere may have been given another session there, so that a rejection back
    /// at home still belongs to the journey.
    pub home: Option<Place>,
    pub farthest: Option<Place>,
    pub first_verified: Option<Offset>,
    /// The last answered request.
    pub before: Option<Answered>,
    /// Instances of the last login step, and of the one before it, while a login is going on.
    pub form: LoginTrail,
    pub states: Vec<StateLedger>,
    pub members: Vec<Member>,
    /// Changes before this index have been looked at.
    pub next_change: usize,
    /// New instances that adopted it, and those that asked it to log in again.
    pub adopted_by: Vec<NameId>,
    pub refused_by: Vec<NameId>,
    /// The first instance that served it, and whether another did.
    pub first_instance: Option<NameId>,
    pub handed_off: bool,
    pub facts: Facts,
    /// Its login was acknowledged in a time of which the store has lost writes.
    pub login_exposed: bool,
    /// Until when it was surely known to the application.
    pub last_verified: Option<Offset>,
    /// Milestones of the store before this index have been passed.
    pub next_milestone: usize,
    /// What the last snapshot of the store has of it.
    pub kept: Option<Kept>,
    pub writes_since_kept: u64,
    /// A snapshot that does not have it was put back.
    pub restored_away: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Answered {
    pub started: Offset,
    pub last_byte: Offset,
    pub step: StepId,
    pub place: Option<Place>,
}

/// What has ever been true of a session: each is counted once.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Facts {
    pub answered: bool,
    pub logged_in: bool,
    pub verified: bool,
    pub relogin: bool,
    pub expired: bool,
    pub wrong_user: bool,
    pub state_lost: bool,
    pub duplicated: bool,
    pub ambiguous: bool,
    pub affinity: bool,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LoginTrail {
    pub before: Option<Option<Place>>,
    pub current: Option<Option<Place>>,
}

#[derive(Clone, Debug)]
pub(super) struct StateLedger {
    pub ledger: Ledger,
    /// Where the last acknowledged write was served.
    pub written_at: Option<Place>,
    /// Until when everything acknowledged was surely there.
    pub last_agreed: Option<Offset>,
    /// Of the writes acknowledged since it was last read (of a register or a job: of the last one), those in a time of
    /// which the store has lost writes.
    pub exposed: u64,
    /// The session has logged in again, and this has not been read since.
    pub after_relogin: bool,
}

impl StateLedger {
    pub(super) fn expose(&mut self, op: StateOp, exposed: bool) {
        match op {
            StateOp::Add { amount, .. } if exposed => self.exposed += amount.max(0) as u64,
            StateOp::Add { .. } => {}
            _ => self.exposed = u64::from(exposed),
        }
    }
}

impl Live {
    pub(super) fn new(plan_states: &[crate::plan::State]) -> Live {
        let mut live = Live {
            standing: Standing::Out,
            begun: None,
            home: None,
            farthest: None,
            first_verified: None,
            before: None,
            form: LoginTrail::default(),
            states: Vec::new(),
            members: Vec::new(),
            next_change: 0,
            adopted_by: Vec::new(),
            refused_by: Vec::new(),
            first_instance: None,
            handed_off: false,
            facts: Facts::default(),
            login_exposed: false,
            last_verified: None,
            next_milestone: 0,
            kept: None,
            writes_since_kept: 0,
            restored_away: false,
        };
        live.forget_states(plan_states);
        live
    }

    /// The session ended as agreed: its state may rightly be gone.
    pub(super) fn forget_states(&mut self, plan_states: &[crate::plan::State]) {
        let fresh = |state| StateLedger {
            ledger: Ledger::new(state),
            written_at: None,
            last_agreed: None,
            exposed: 0,
            after_relogin: false,
        };
        self.states = plan_states.iter().map(fresh).collect();
    }

    /// Whether the application may rightly have let the session go before it got this request. Where the clock of the
    /// application could say either, the application is right.
    pub(super) fn may_have_expired(&self, row: &Observation, rules: &SessionRules) -> bool {
        let idle = self.before.map(|b| row.last_byte.since(b.started));
        let age = self.begun.map(|begun| row.last_byte.since(begun));
        let passed = |limit: Option<std::time::Duration>, time: Option<std::time::Duration>| {
            limit.zip(time).is_some_and(|(limit, time)| time >= limit)
        };
        passed(rules.idle_timeout, idle) || passed(rules.lifetime, age)
    }

    /// A request that logs in is answered: what comes after it is measured from here.
    pub(super) fn begins_login(&mut self, row: &Observation) {
        self.home = Place::of(row);
        self.farthest = self.home;
    }

    /// An answer from `here`.
    pub(super) fn goes_to(&mut self, here: Option<Place>) {
        let distance = |place: Option<Place>| match (self.home, place) {
            (Some(home), Some(place)) if home.instance == place.instance => 1,
            (Some(home), Some(place)) if home.zone == place.zone => 2,
            (Some(_), Some(_)) => 3,
            _ => 0,
        };
        if distance(here) > distance(self.farthest) {
            self.farthest = here;
        }
    }

    pub(super) fn logs_in(&mut self, row: &Observation) {
        if self.standing == Standing::Asked {
            self.states.iter_mut().for_each(|s| s.after_relogin = true);
        }
        self.standing = Standing::In;
        self.restored_away = false;
        self.begun = Some(row.last_byte);
        self.facts.logged_in = true;
        self.first_verified.get_or_insert(row.last_byte);
    }
}

/// The part of the plan that the oracle goes by.
#[derive(Debug)]
pub(super) struct Rules {
    pub session: SessionRules,
    pub states: Vec<crate::plan::State>,
    pub login_steps: Vec<bool>,
    pub step_names: Vec<String>,
}

impl Rules {
    pub(super) fn of(plan: &Plan) -> Rules {
        Rules {
            session: plan.session.clone(),
            states: plan.states.clone(),
            login_steps: plan.steps.iter().map(|s| s.role == crate::plan::Role::Login).collect(),
            step_names: plan.steps.iter().map(|s| s.name.clone()).collect(),
        }
    }

    pub(super) fn is_login(&self, step: StepId) -> bool {
        self.login_steps.get(usize::from(step.0)).copied().unwrap_or(false)
    }

    pub(super) fn step_name(&self, step: StepId) -> String {
        self.step_names.get(usize::from(step.0)).cloned().unwrap_or_else(|| format!("step {}", step.0))
    }
}
