use super::{
    At, CompareFile, ConnectionsFile, FleetFile, ObjectiveFile, ScenarioFile, SessionFile, StoreFile, TargetFile,
    TimelineFile, UsersFile, WorkloadFile,
};
use schemars::JsonSchema;
use serde::Deserialize;

/// A profile: the load, where it goes, what happens to the fleet meanwhile, and what must hold.
///
/// Times are written `250ms`, `90s`, `1m30s`, `2h`; rates `5/s`, `120/min`; sizes `64KiB`, `1MiB`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "rushhour profile")]
pub struct ProfileFile {
    /// Name of the profile in reports and in the results directory. Default: the file's name without its ending.
    pub name: Option<At<String>>,
    /// One or two sentences on what the profile is for.
    #[serde(default)]
    pub description: String,
    /// Where requests go. Default on the lab: the lab's balancer.
    #[serde(default)]
    pub target: TargetFile,
    /// How connections to the balancer are kept.
    #[serde(default)]
    pub connections: ConnectionsFile,
    /// Who logs in.
    #[serde(default)]
    pub users: UsersFile,
    /// How much load, over time.
    pub workload: At<WorkloadFile>,
    /// What the users do: one journey for each kind of user.
    pub scenarios: At<Vec<At<ScenarioFile>>>,
    /// What tells whether a session still holds.
    #[serde(default)]
    pub session: SessionFile,
    /// What serves the load.
    #[serde(default)]
    pub fleet: FleetFile,
    /// The Redis that keeps the sessions of a fleet that somebody else runs. Default: nothing is known of it.
    pub store: Option<At<StoreFile>>,
    /// Changes of the fleet at times of the run.
    #[serde(default)]
    pub timeline: Vec<At<TimelineFile>>,
    /// What must hold for the run to pass.
    #[serde(default)]
    pub objectives: Vec<At<ObjectiveFile>>,
    /// When a difference to another run counts.
    #[serde(default)]
    pub compare: CompareFile,
}
