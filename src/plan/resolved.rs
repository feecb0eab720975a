use super::{
    CompareRules, Connections, FleetPlan, Objective, Publish, Scenario, SessionRules, State, Step, Target,
    TimelineEntry, Workload,
};
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
    /// When a difference to another run counts. Runs of before it was a key had the defaults.
    #[serde(default)]
    pub compare: CompareRules,
    #[serde(default)]
    pub publish: Publish,
    /// Names of the feeder's fields, in the order [`super::Piece::User`] counts them. Field 0 is the user's name.
    pub user_fields: Vec<String>,
    pub user_count: u32,
    /// Variables a session carries ([`super::Piece::Variable`] and [`super::Extraction::variable`] count from 0).
    pub variables: Vec<String>,
}
