use super::AnswerCounts;
use crate::history::Offset;

/// Answers by the second of their last byte, counted from the load's start.
#[derive(Debug)]
pub(super) struct AnswerSeconds {
    start: Offset,
    list: Vec<AnswerCounts>,
}

impl AnswerSeconds {
    /// Seconds of a run that are told one by one, at most (eleven days).
    const MOST: usize = 1_000_000;

    pub(super) fn new(start: Offset) -> AnswerSeconds {
        AnswerSeconds { start, list: Vec::new() }
    }

    /// The counts of the second that `time` falls into; None before the load's start.
    pub(super) fn at(&mut self, time: Offset) -> Option<&mut AnswerCounts> {
        let second = time.since(self.start).as_secs() as usize;
        if time < self.start || second >= Self::MOST {
            return None;
        }
        if self.list.len() <= second {
            self.list.resize(second + 1, AnswerCounts::default());
        }
        self.list.get_mut(second)
    }

    pub(super) fn finish(self) -> Vec<AnswerCounts> {
        self.list
    }
}
