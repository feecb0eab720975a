use super::Analysis;
use crate::history::{Event, Names, Observation, Offset, Sample};
use crate::plan::Plan;
use std::collections::BTreeMap;

/// Measures a run's rows one at a time, in the order of the record.
pub struct Analyser {}

impl Analyser {
    pub fn new(_plan: &Plan, _events: &[Event], _samples: &[Sample]) -> Analyser {
        todo!()
    }

    pub fn observe(&mut self, _row: &Observation, _names: &Names) {
        todo!()
    }

    /// `names`: the table the rows' ids point into; `first_adoptions`: by instance, from the session oracle
    /// ([`crate::session::SessionFindings::first_adoptions`]).
    pub fn finish(self, _names: &Names, _first_adoptions: &BTreeMap<String, Offset>) -> Analysis {
        todo!()
    }
}
