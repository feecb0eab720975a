use super::ledger::{Effect, is_write, state_of};
use super::live::{Live, Standing, StateLedger};
use crate::history::{Event, EventKind, Identity, Observation, Offset};
use crate::plan::State;
use std::time::Duration;

/// Snapshots of the store, and when one was put back. What was written between the two is expected to be gone, and
/// nothing else. Each began at its first and was over at its second time: what is answered in between may belong to
/// either side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Milestone {
    pub from: Offset,
    pub to: Offset,
    pub restores: bool,
}

impl Milestone {
    pub(super) fn all(events: &[Event]) -> Vec<Milestone> {
        let milestones = events.iter().filter_map(|event| {
            let (took_us, restores) = match event.kind {
                EventKind::StoreSnapshotTaken { .. } => (event.resolution_us, false),
                EventKind::StoreRestored { took_us } => (took_us, true),
                _ => return None,
            };
            let from = event.at_us - Duration::from_micros(took_us);
            Some(Milestone { from, to: event.at_us, restores })
        });
        let mut milestones: Vec<Milestone> = milestones.collect();
        milestones.sort_by_key(|milestone| milestone.from);
        milestones
    }

    /// Whether the row is answered by what is there after it. A request for a login that comes while a snapshot is put
    /// back comes from the store that has it.
    fn is_before(&self, row: &Observation) -> bool {
        let begun = row.last_byte >= self.from;
        let rejected = row.identity == Identity::Rejected;
        begun && (!self.restores || row.started >= self.from || row.last_byte >= self.to || rejected)
    }

    fn straddled_by(&self, row: &Observation) -> bool {
        row.started < self.to && row.last_byte >= self.from
    }
}

/// What a snapshot holds of a session.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    states: Vec<StateLedger>,
    /// When the login it stands on was acknowledged; None: it was not logged in.
    begun: Option<Offset>,
}

/// What a restore took from sessions, as was to be expected.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Expected {
    pub session: bool,
    pub writes: u64,
}

impl Live {
    /// Brings the session up to the milestones before this row.
    pub(super) fn pass_milestones(
        &mut self,
        milestones: &[Milestone],
        row: &Observation,
        states: &[State],
    ) -> Expected {
        let mut expected = Expected::default();
        while let Some(milestone) = milestones.get(self.next_milestone) {
            if !milestone.is_before(row) {
                break;
            }
            self.next_milestone += 1;
            if milestone.restores {
                expected.writes += self.restored(states);
                expected.session |= self.restored_away;
            } else {
                let begun = self.begun.filter(|_| self.standing == Standing::In);
                self.kept = Some(Kept { states: self.states.clone(), begun });
                self.writes_since_kept = 0;
            }
        }
        expected
    }

    /// The number of its acknowledged writes that the snapshot does not have.
    fn restored(&mut self, states: &[State]) -> u64 {
        let lost_login = self.begun.is_some() && self.kept.as_ref().is_none_or(|kept| kept.begun != self.begun);
        self.restored_away = self.standing == Standing::In && lost_login;
        match &self.kept {
            Some(kept) => self.states = kept.states.clone(),
            None => self.forget_states(states),
        }
        std::mem::take(&mut self.writes_since_kept)
    }

    /// Notes an acknowledged write, and one that a snapshot may or may not have.
    pub(super) fn note_writes(&mut self, milestones: &[Milestone], row: &Observation, effect: Effect) {
        let writes = || row.states.iter().copied().filter(|op| is_write(*op));
        if effect == Effect::Acknowledged {
            self.writes_since_kept += writes().count() as u64;
        }
        let last = self.next_milestone.checked_sub(1).map(|last| milestones[last]);
        if let (Some(milestone), Some(kept)) = (last, &mut self.kept)
            && !milestone.restores
            && milestone.straddled_by(row)
            && effect != Effect::None
        {
            for op in writes() {
                if let Some(state) = kept.states.get_mut(usize::from(state_of(op))) {
                    state.ledger.write(op, Effect::InDoubt);
                }
            }
        }
    }
}

/// A write that was answered while the store was being put back: nobody can say on which side it fell.
pub(super) fn in_a_restore(milestones: &[Milestone], row: &Observation) -> bool {
    milestones.iter().any(|milestone| milestone.restores && milestone.straddled_by(row))
}
