//! The profile, validated and resolved once; nothing is validated again after this. A plan is part of the
//! manifest, so it holds no secret: those are in [`Feeder`](crate::plan::Feeder), which is never serialised.

mod compare;
mod distribution;
mod estimate;
mod feeder;
#[cfg(test)]
pub mod fixture;
mod fleet;
mod instance_choice;
mod objective;
mod picture;
mod resolve;
mod resolved;
mod scenario;
mod session;
mod store;
mod target;
mod template;
mod timeline;
mod workload;

pub use compare::CompareRules;
pub use distribution::Distribution;
pub use estimate::Estimate;
pub use feeder::{Feeder, Secret, UserRow};
pub use fleet::{AutoscalerPlan, Defect, FleetPlan, LabPlan, LabStore, Persistence, StoreKind, WarmUp};
pub use instance_choice::{InstanceChoice, Pick};
pub use objective::{Limit, Metric, Objective, Scope, Window, WindowAnchor};
pub use resolve::{FeederSpec, Surroundings, ThisMachine, Unrecorded, resolve};
pub use resolved::Plan;
pub use scenario::{
    Assignment, Body, Check, Expectation, Extraction, JobPoll, JobStart, Part, Repeat, Role, Scenario, Source,
    StateUse, Step,
};
pub use session::{Allowance, IdentityRule, OnRejected, RejectionRule, SessionRules, State, StateKind};
pub use store::{StoreAccess, StoreLocation, StoreLogin, StoreNode, StoreTransport};
pub use target::{ConnectionMode, Connections, HttpVersion, Stickiness, Target};
pub use template::{Piece, Template};
pub use timeline::{Action, Awaited, EvictionPolicy, Failover, Farewell, OnFailure, Outage, TimelineEntry};
pub use workload::{ArrivalPattern, Arrivals, Curve, Model, Point, Share, Workload};
