//! The profile, validated and resolved once; nothing is validated again after this. A plan is part of the
//! manifest, so it holds no secret: those are in [`Feeder`], which is never serialised.

mod distribution;
mod feeder;
#[cfg(test)]
pub mod fixture;
mod fleet;
mod objective;
mod scenario;
mod session;
mod target;
mod template;
mod timeline;
mod workload;

pub use distribution::Distribution;
pub use feeder::{Feeder, Secret, UserRow};
pub use fleet::{AutoscalerPlan, Defect, FleetPlan, LabPlan, Redis, WarmUp};
pub use objective::{Limit, Metric, Objective, Scope, Window, WindowAnchor};
pub use scenario::{
    Body, Check, Expectation, Extraction, JobPoll, JobStart, Part, Repeat, Role, Scenario, Source, StateUse, Step,
};
pub use session::{Allowance, IdentityRule, OnRejected, RejectionRule, SessionRules, State, StateKind};
pub use target::{ConnectionMode, Connections, HttpVersion, Stickiness, Target};
pub use template::{Piece, Template};
pub use timeline::{Action, TimelineEntry};
pub use workload::{ArrivalPattern, Arrivals, Curve, Model, Point, Share, Workload};

use serde::{Deserialize, Serialize};

/// Everything a run does and is judged by.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Plan {
    /// The profile's name: its file's stem unless the profile says otherwise.
    pub name: String,
    pub description: String,
    pub target: Target,
    pub connections: Connections,
    pub workload: Workload,
    pub scenarios: Vec<Scenario>,
    /// All steps of all scenarios; [`crate::history::StepId`] points here.
    pub steps: Vec<Step>,
    /// Names and kinds of the state that steps write and read back.
    pub states: Vec<State>,
    pub session: SessionRules,
    pub fleet: FleetPlan,
    pub timeline: Vec<TimelineEntry>,
    pub objectives: Vec<Objective>,
    /// Names of the feeder's fields, in the order [`Piece::User`] counts them. Field 0 is the user's name.
    pub user_fields: Vec<String>,
    pub user_count: u32,
    /// Number of variables a session carries ([`Piece::Variable`] and [`Extraction::variable`] count from 0).
    pub variables: Vec<String>,
}
