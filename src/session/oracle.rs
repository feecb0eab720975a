use super::SessionFindings;
use crate::history::{Event, Names, Observation};
use crate::plan::Plan;

/// Judges a run's rows one at a time, in the order of the record.
pub struct Oracle {}

impl Oracle {
    pub fn new(_plan: &Plan, _events: &[Event]) -> Oracle {
        todo!()
    }

    pub fn observe(&mut self, _row: &Observation, _names: &Names) {
        todo!()
    }

    /// `names`: the table the rows' ids point into.
    pub fn finish(self, _names: &Names) -> SessionFindings {
        todo!()
    }
}
