use super::InstanceChoice;
use crate::history::UNCHANGING;
use crate::profile::Span;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// An action on the fleet at a time of the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimelineEntry {
    /// After the load's start.
    pub at: Duration,
    pub action: Action,
    #[serde(default)]
    pub on_failure: OnFailure,
}

/// What becomes of the run when an action fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    #[default]
    Continue,
    Stop,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Action {
    /// Raise the desired count by this many.
    ScaleOut {
        by: u32,
    },
    /// Lower it by this many; the newest are drained first.
    ScaleIn {
        by: u32,
    },
    SetCapacity {
        to: u32,
    },
    /// Ends without warning.
    KillInstance {
        which: InstanceChoice,
    },
    /// Drained, then ended in good order.
    StopInstance {
        which: InstanceChoice,
    },
    /// Keeps its connections and answers nothing.
    FreezeInstance {
        which: InstanceChoice,
    },
    ZoneOutage {
        zone: String,
        how: Outage,
    },
    /// The balancer's traffic is shifted away from a zone, or an experiment of this template takes the zone away.
    ZoneShift {
        zone: String,
        experiment: Option<String>,
    },
    ZoneRecovery {
        zone: String,
    },
    /// `batch` new instances become healthy within `within`, then as many old ones go; again after `pause`.
    RollingReplace {
        batch: u32,
        pause: Duration,
        within: Duration,
        farewell: Farewell,
    },
    /// As many new instances as there are become healthy within `within`; their share of the traffic goes through
    /// `steps`, `pause` apart; then the old ones go.
    BlueGreen {
        steps: Vec<f64>,
        pause: Duration,
        within: Duration,
        farewell: Farewell,
    },
    StoreFailover {
        how: Failover,
    },
    StoreOutage,
    StoreRecovery,
    StoreRestart,
    Snapshot,
    Restore,
    /// The memory limit becomes this share of what is in use.
    Evict {
        policy: EvictionPolicy,
        memory_share: f64,
    },
    WaitFor {
        what: Awaited,
        within: Duration,
    },
    Run {
        name: String,
        command: Vec<String>,
        directory: PathBuf,
        within: Duration,
    },
    /// Nothing is done: someone else changes the fleet at this time, and the run is to be judged around it.
    Declare {
        name: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outage {
    /// Processes end without warning.
    Kill,
    /// Processes hang and keep their connections.
    Freeze,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Failover {
    /// The primary is asked to hand over.
    Graceful,
    /// The primary is killed.
    Kill,
}

/// How an instance that is replaced goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Farewell {
    Drained,
    /// Ended without warning.
    Abrupt,
}

/// Redis' `maxmemory-policy`, by its names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EvictionPolicy {
    Noeviction,
    AllkeysLru,
    AllkeysLfu,
    AllkeysRandom,
    VolatileLru,
    VolatileLfu,
    VolatileRandom,
    VolatileTtl,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Awaited {
    /// The next event of this name, or the beginning of the action of this name.
    Event(String),
    /// As many instances as desired are there, all of them healthy, and none is on its way out.
    Settled,
    /// No event for this long.
    Quiet(Duration),
}

impl Action {
    /// The name it has in a profile and in `during` windows.
    pub fn name(&self) -> &str {
        match self {
            Action::ScaleOut { .. } => "scale-out",
            Action::ScaleIn { .. } => "scale-in",
            Action::SetCapacity { .. } => "set-capacity",
            Action::KillInstance { .. } => "kill-instance",
            Action::StopInstance { .. } => "stop-instance",
            Action::FreezeInstance { .. } => "freeze-instance",
            Action::ZoneOutage { .. } | Action::ZoneShift { .. } => "zone-outage",
            Action::ZoneRecovery { .. } => "zone-recovery",
            Action::RollingReplace { .. } => "rolling-replace",
            Action::BlueGreen { .. } => "blue-green",
            Action::StoreFailover { .. } => "store-failover",
            Action::StoreOutage => "store-outage",
            Action::StoreRecovery => "store-recovery",
            Action::StoreRestart => "store-restart",
            Action::Snapshot => "snapshot",
            Action::Restore => "restore",
            Action::Evict { .. } => "evict",
            Action::WaitFor { .. } => "wait-for",
            Action::Run { name, .. } | Action::Declare { name } => name,
        }
    }

    /// Whether it is done to the store, not to instances.
    pub fn is_of_the_store(&self) -> bool {
        matches!(
            self,
            Action::StoreFailover { .. }
                | Action::StoreOutage
                | Action::StoreRecovery
                | Action::StoreRestart
                | Action::Snapshot
                | Action::Restore
                | Action::Evict { .. }
        )
    }

    /// Whether sessions may notice it, so that the run is judged around it.
    pub fn is_change(&self) -> bool {
        !UNCHANGING.contains(&self.name())
    }

    /// Its parameters in a few words; empty where its name says it all.
    pub fn detail(&self) -> String {
        let seconds = |duration: &Duration| Span(*duration).to_string();
        match self {
            Action::ScaleOut { by } | Action::ScaleIn { by } => format!("by {by}"),
            Action::SetCapacity { to } => format!("to {to}"),
            Action::KillInstance { which } | Action::StopInstance { which } | Action::FreezeInstance { which } => {
                which.to_string()
            }
            Action::ZoneOutage { zone, how: Outage::Kill } => format!("{zone}: killed"),
            Action::ZoneOutage { zone, how: Outage::Freeze } => format!("{zone}: frozen"),
            Action::ZoneShift { zone, experiment: None } => format!("{zone}: traffic shifted away"),
            Action::ZoneShift { zone, experiment: Some(template) } => format!("{zone}: by the experiment {template}"),
            Action::ZoneRecovery { zone } => zone.clone(),
            Action::RollingReplace { batch, pause, farewell, .. } => {
                format!("{batch} at a time, {} apart, {}", seconds(pause), farewell.words())
            }
            Action::BlueGreen { steps, pause, farewell, .. } => {
                let shares: Vec<String> = steps.iter().map(|share| format!("{:.0} %", 100.0 * share)).collect();
                format!("{}, {} apart, {}", shares.join(" → "), seconds(pause), farewell.words())
            }
            Action::StoreFailover { how: Failover::Graceful } => "the primary hands over".to_owned(),
            Action::StoreFailover { how: Failover::Kill } => "the primary is killed".to_owned(),
            Action::Evict { policy, memory_share } => {
                format!("{}, memory for {memory_share} of what is there", policy.name())
            }
            Action::WaitFor { what, within } => format!("{}, for at most {}", what.words(), seconds(within)),
            Action::Run { command, .. } => command.join(" "),
            Action::Declare { .. } => "declared by the profile".to_owned(),
            Action::StoreOutage | Action::StoreRecovery | Action::StoreRestart | Action::Snapshot | Action::Restore => {
                String::new()
            }
        }
    }
}

impl EvictionPolicy {
    /// As Redis calls it.
    pub fn name(self) -> &'static str {
        match self {
            EvictionPolicy::Noeviction => "noeviction",
            EvictionPolicy::AllkeysLru => "allkeys-lru",
            EvictionPolicy::AllkeysLfu => "allkeys-lfu",
            EvictionPolicy::AllkeysRandom => "allkeys-random",
            EvictionPolicy::VolatileLru => "volatile-lru",
            EvictionPolicy::VolatileLfu => "volatile-lfu",
            EvictionPolicy::VolatileRandom => "volatile-random",
            EvictionPolicy::VolatileTtl => "volatile-ttl",
        }
    }
}

impl Farewell {
    fn words(self) -> &'static str {
        match self {
            Farewell::Drained => "drained",
            Farewell::Abrupt => "not drained",
        }
    }
}

impl Awaited {
    fn words(&self) -> String {
        match self {
            Awaited::Event(name) => name.clone(),
            Awaited::Settled => "a settled fleet".to_owned(),
            Awaited::Quiet(time) => format!("{} without an event", Span(*time)),
        }
    }
}
