use crate::analysis::CompactTimes;
use crate::history::{Event, NameId, Names, Observation, Offset, load_start};
use crate::plan::Plan;
use std::collections::BTreeMap;

/// Response times of a run by slices of time, for each step and each instance, fed one row at a time. What it keeps grows
/// with cells, steps and instances, not with requests: a longer run has longer cells, not more.
#[derive(Debug)]
pub struct Collector {
    start: Offset,
    cell_us: u64,
    steps: Vec<Vec<Cell>>,
    instances: BTreeMap<NameId, Vec<Cell>>,
}

/// Requests that were due in one slice of time.
#[derive(Clone, Debug, Default)]
pub(super) struct Cell {
    pub times: CompactTimes,
    pub requests: u32,
    pub errors: u32,
}

/// What a [`Collector`] has collected.
#[derive(Debug)]
pub struct Cells {
    pub(super) seconds: f64,
    /// By [`crate::history::StepId`].
    pub(super) steps: Vec<Vec<Cell>>,
    pub(super) instances: BTreeMap<String, Vec<Cell>>,
}

impl Collector {
    /// Cells of a run, at most; the load's tail after its curve included.
    const MOST_CELLS: usize = 600;
    /// Names come from responses: past this many instances no more are told apart.
    const MOST_INSTANCES: usize = 64;

    /// Runs of the same load curve have the same cells.
    pub fn new(plan: &Plan, events: &[Event]) -> Collector {
        let cells_of_curve = Self::MOST_CELLS as u32 / 2;
        let cell = (plan.workload.curve.duration() / cells_of_curve).as_micros() as u64;
        Collector {
            start: load_start(events),
            cell_us: cell.max(1_000_000),
            steps: vec![Vec::new(); plan.steps.len()],
            instances: BTreeMap::new(),
        }
    }

    pub fn observe(&mut self, row: &Observation) {
        let since = row.intended.since(self.start).as_micros() as u64;
        let cell = ((since / self.cell_us) as usize).min(Self::MOST_CELLS - 1);
        if let Some(cells) = self.steps.get_mut(usize::from(row.step.0)) {
            take(cells, cell, row);
        }
        let Some(instance) = row.instance else { return };
        if self.instances.len() < Self::MOST_INSTANCES || self.instances.contains_key(&instance) {
            take(self.instances.entry(instance).or_default(), cell, row);
        }
    }

    /// `names`: the table the rows' ids point into.
    pub fn finish(self, names: &Names) -> Cells {
        Cells {
            seconds: self.cell_us as f64 / 1e6,
            steps: self.steps,
            instances: self.instances.into_iter().map(|(id, cells)| (names.name(id).to_string(), cells)).collect(),
        }
    }
}

fn take(cells: &mut Vec<Cell>, index: usize, row: &Observation) {
    if cells.len() <= index {
        cells.resize(index + 1, Cell::default());
    }
    let cell = &mut cells[index];
    cell.times.record(row.response_time().as_micros() as u64);
    cell.requests += 1;
    cell.errors += u32::from(row.outcome.is_error());
}

impl Cells {
    /// From the load's start to the last request's due time.
    pub(super) fn len(&self) -> usize {
        self.steps.iter().map(Vec::len).max().unwrap_or(0)
    }
}
