use super::{InstanceAdoption, SessionFindings};
use crate::history::{FleetChange, Offset};
use std::collections::BTreeMap;
use std::time::Duration;

/// The new instances that changes of one name brought, and the sessions that they adopted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Brought {
    pub instances: u64,
    pub adoptions: u64,
}

/// An instance may be stamped as launched a little before the change that launched it.
const SLACK: Duration = Duration::from_secs(1);

impl SessionFindings {
    /// When each new instance first served a session older than itself, by name.
    pub fn first_adoptions(&self) -> BTreeMap<String, Offset> {
        let first = self.new_instances.iter().filter_map(|i| Some((i.instance.clone(), i.first_adoption_us?)));
        first.collect()
    }

    /// By name of the changes that are to bring instances. An instance belongs to the last of them before it.
    pub fn brought(&self) -> BTreeMap<&str, Brought> {
        let changes: Vec<&FleetChange> =
            self.cohorts.iter().map(|cohort| &cohort.change).filter(|change| change.brings_instances()).collect();
        let mut brought: BTreeMap<&str, Brought> =
            changes.iter().map(|change| (change.name.as_str(), Brought::default())).collect();
        let by = |instance: &InstanceAdoption| {
            changes.iter().rev().find(|change| change.at_us <= instance.appeared_us + SLACK)
        };
        for instance in &self.new_instances {
            if let Some(brought) = by(instance).and_then(|change| brought.get_mut(change.name.as_str())) {
                brought.instances += 1;
                brought.adoptions += instance.adopted_sessions;
            }
        }
        brought
    }
}
