use super::change::load_start;
use super::{Event, EventKind, NameId, Names, Offset};
use std::collections::BTreeMap;

/// When each instance began to exist: its launch, where the provider told it, else its first response.
///
/// An instance is *new* when it was launched after the load's start. Without a launch event, it is new when its first
/// response comes after at least [`Appearances::SETTLED`] responses of others: among 20 instances that share the load
/// evenly, the chance that one has served none of the first 200 is 0.95²⁰⁰ = 4·10⁻⁵.
#[derive(Clone, Debug, Default)]
pub struct Appearances {
    launched: BTreeMap<String, Offset>,
    start: Offset,
    seen: Vec<Option<Appearance>>,
    responses: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appearance {
    pub at: Offset,
    /// Whether the provider told when it was launched.
    pub launch_known: bool,
    pub new: bool,
    pub first_response: Offset,
}

impl Appearances {
    pub const SETTLED: u64 = 200;

    pub fn new(events: &[Event]) -> Appearances {
        let mut launched = BTreeMap::new();
        for event in events {
            if let EventKind::InstanceLaunched { instance, .. } = &event.kind {
                launched.entry(instance.clone()).or_insert(event.at_us);
            }
        }
        Appearances { launched, start: load_start(events), ..Appearances::default() }
    }

    /// A response of `instance` was complete at `at`.
    pub fn saw(&mut self, instance: NameId, at: Offset, names: &Names) -> Appearance {
        let index = usize::from(instance.0);
        if self.seen.len() <= index {
            self.seen.resize(index + 1, None);
        }
        let before = self.responses;
        self.responses += 1;
        let appearance = self.seen[index].get_or_insert_with(|| match self.launched.get(&*names.name(instance)) {
            Some(&launch) => {
                Appearance { at: launch, launch_known: true, new: launch > self.start, first_response: at }
            }
            None => Appearance { at, launch_known: false, new: before >= Self::SETTLED, first_response: at },
        });
        if at < appearance.first_response {
            appearance.first_response = at;
        }
        *appearance
    }

    pub fn of(&self, instance: NameId) -> Option<Appearance> {
        self.seen.get(usize::from(instance.0)).copied().flatten()
    }

    /// All instances that answered, in order of their ids.
    pub fn all(&self) -> impl Iterator<Item = (NameId, Appearance)> + '_ {
        self.seen.iter().enumerate().filter_map(|(id, a)| Some((NameId(id as u16), (*a)?)))
    }
}
