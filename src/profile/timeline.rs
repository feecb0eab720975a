use super::{At, Span};
use schemars::JsonSchema;
use serde::Deserialize;

/// A change of the fleet at a time of the run. Actions run side by side: one does not wait for those before it, unless
/// `wait-for` stands between them.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TimelineFile {
    /// When, after the load's start; divided by `workload.compress`.
    pub at: At<Span>,
    /// What is done. With `fleet.provider = "observe"` only `declare`, `wait-for` and `run` can be;
    /// with `aws` also what `fleet.aws.allow` lists.
    #[serde(rename = "do")]
    pub action: At<ActionFile>,
    /// With `scale-out` and `scale-in`: by how many instances. Default: 1.
    pub by: Option<At<u32>>,
    /// With `set-capacity`: to how many instances.
    pub to: Option<At<u32>>,
    /// With `kill-instance`, `stop-instance` and `freeze-instance`: which instance: `oldest`, `newest`, `random` (drawn
    /// by `workload.seed`), `all`, or an instance's id. Default: `random`.
    pub target: Option<At<String>>,
    /// With `zone-outage` and `zone-recovery`: the zone. With `target`: only instances of this zone are meant.
    pub zone: Option<At<String>>,
    /// With `zone-outage` `kill` or `freeze`, default `kill`; with `store-failover` `graceful` or `kill`, default
    /// `graceful`.
    pub how: Option<At<HowFile>>,
    /// With `rolling-replace`: how many instances are replaced at a time. Default: 1.
    pub batch: Option<At<u32>>,
    /// With `blue-green`: the new set's share of the traffic, step by step up to 1. Default: `[0.1, 0.5, 1.0]`.
    pub steps: Option<At<Vec<f64>>>,
    /// With `rolling-replace` and `blue-green`: from one batch or step to the next. Default: `2s`; on AWS the
    /// group's instance warm-up, and 60 s from step to step.
    pub pause: Option<At<Span>>,
    /// With `rolling-replace` and `blue-green`: whether instances are drained before they end. Default: `true`.
    pub drain: Option<At<bool>>,
    /// How long it may take: with `wait-for`, with `run`, and with `rolling-replace` and `blue-green` until new
    /// instances are healthy. Then the action has failed. Default: `60s`; for the latter two 15 minutes on AWS.
    pub within: Option<At<Span>>,
    /// With `evict`: what the store removes when its memory is full. Default: `allkeys-lru`.
    pub policy: Option<At<EvictionPolicyFile>>,
    /// With `evict`: the store's memory limit, as a share of what it uses then. Default: 0.5.
    pub memory: Option<At<f64>>,
    /// With `wait-for`: an event from then on, such as `instance-healthy`, or the name of an action that begins.
    pub event: Option<At<String>>,
    /// With `wait-for`: a state of the fleet.
    pub state: Option<At<FleetStateFile>>,
    /// With `wait-for`: a time without any event.
    pub quiet: Option<At<Span>>,
    /// With `run`: program and arguments, run in the profile's directory. They are recorded with the run, so no secret
    /// belongs here.
    pub command: Option<At<Vec<String>>>,
    /// With `declare` and `run`: the event's name, for `during`.
    pub name: Option<At<String>>,
    /// What becomes of the run when the action fails. It is inconclusive either way. Default: `continue`.
    pub on_failure: Option<OnFailureFile>,
}

/// What is done to the fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ActionFile {
    /// More instances are asked for.
    ScaleOut,
    /// Fewer instances are asked for; the newest are drained first.
    ScaleIn,
    /// A number of instances is asked for.
    SetCapacity,
    /// An instance ends without warning; the balancer finds out by its health checks.
    KillInstance,
    /// An instance is drained at the balancer and ends in good order.
    StopInstance,
    /// An instance hangs: it keeps its connections and answers nothing. The balancer has to find out.
    FreezeInstance,
    /// A zone goes dark: its instances and the store's node in it. Nothing is launched there until `zone-recovery`.
    ZoneOutage,
    /// The zone comes back, and the fleet is spread over all zones again.
    ZoneRecovery,
    /// Every instance is replaced by a new one, batch by batch. The new ones are healthy before the old ones go.
    RollingReplace,
    /// A second set of instances is stood up, traffic is shifted to it in steps, and the first set goes.
    BlueGreen,
    /// The store's primary gives its role to a replica.
    StoreFailover,
    /// No node of the store answers until `store-recovery`.
    StoreOutage,
    /// The store's nodes answer again.
    StoreRecovery,
    /// The store's nodes are restarted with what they persisted.
    StoreRestart,
    /// The store's data is kept aside.
    Snapshot,
    /// The store is put back to the last `snapshot`: what was written since is gone.
    Restore,
    /// The store's memory is limited, so that it evicts by its policy.
    Evict,
    /// Nothing, but actions behind it wait until something has happened.
    WaitFor,
    /// A command of your own.
    Run,
    /// Nothing: someone else changes the fleet at this time, and the run is judged around it.
    Declare,
}

/// The manner of an outage or a failover.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HowFile {
    /// In good order.
    Graceful,
    /// Processes end without warning.
    Kill,
    /// Processes hang and keep their connections.
    Freeze,
}

/// What Redis removes when its memory is full: its `maxmemory-policy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EvictionPolicyFile {
    /// Nothing: writes are refused.
    Noeviction,
    /// Any key, the least recently used first.
    AllkeysLru,
    /// Any key, the least frequently used first.
    AllkeysLfu,
    /// Any key, at random.
    AllkeysRandom,
    /// Keys with a TTL, the least recently used first.
    VolatileLru,
    /// Keys with a TTL, the least frequently used first.
    VolatileLfu,
    /// Keys with a TTL, at random.
    VolatileRandom,
    /// Keys with a TTL, those that expire soonest first.
    VolatileTtl,
}

/// A state of the fleet that can be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FleetStateFile {
    /// As many instances as desired are there, all of them are healthy, and none is on its way out.
    Settled,
}

/// What becomes of a run when an action fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailureFile {
    /// The run goes on.
    #[default]
    Continue,
    /// The run ends there.
    Stop,
}
