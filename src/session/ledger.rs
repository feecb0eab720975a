use crate::history::{Failure, Identity, Observation, Outcome, StateOp};
use crate::plan::{State, StateKind};

/// What became of the writes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Acknowledged,
    /// May have been applied, or may be yet.
    InDoubt,
    /// Not sent, or refused: not applied.
    None,
}

impl Effect {
    pub(super) fn of(row: &Observation) -> Effect {
        match row.outcome {
            Outcome::Failed(failure) if Failure::in_doubt(failure) => Effect::InDoubt,
            Outcome::Failed(_) => Effect::None,
            _ if row.identity == Identity::Rejected => Effect::None,
            _ if row.status >= 500 || row.status == 0 => Effect::InDoubt,
            Outcome::Ok => Effect::Acknowledged,
            Outcome::Unexpected if (400..500).contains(&row.status) => Effect::None,
            // Answered with success, but not as expected: who knows what was done.
            Outcome::Unexpected => Effect::InDoubt,
        }
    }
}

/// What a read says about a piece of state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// Nothing was known to compare it with.
    Nothing,
    Agreed,
    /// Differs, and writes in doubt explain it.
    Ambiguous,
    Lost(Difference),
    /// More than was ever sent.
    Duplicated(Difference),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    pub expected: String,
    pub found: String,
    /// Acknowledged writes that it takes: of a counter, by how much it is short.
    pub writes: u64,
}

fn difference(expected: impl Into<String>, found: impl Into<String>) -> Difference {
    Difference { expected: expected.into(), found: found.into(), writes: 1 }
}

/// What one session has a right to find in one piece of its state.
#[derive(Clone, Debug)]
pub(super) enum Ledger {
    Counter(Counter),
    Register(Register),
    Job(Job),
}

impl Ledger {
    pub(super) fn new(state: &State) -> Ledger {
        match state.kind {
            StateKind::Counter => Ledger::Counter(Counter::default()),
            StateKind::Register => Ledger::Register(Register::default()),
            StateKind::Job => Ledger::Job(Job::None),
        }
    }

    pub(super) fn write(&mut self, op: StateOp, effect: Effect) {
        match (self, op) {
            (Ledger::Counter(counter), StateOp::Add { amount, .. }) => counter.add(amount, effect),
            (Ledger::Register(register), StateOp::Set { value, .. }) => register.set(value, effect),
            (Ledger::Job(job), StateOp::JobStarted { .. }) => match effect {
                Effect::Acknowledged => *job = Job::Running,
                Effect::InDoubt => *job = Job::InDoubt,
                Effect::None => {}
            },
            _ => {}
        }
    }

    /// `answered`: whether the application answered the request that read.
    pub(super) fn read(&mut self, op: StateOp, answered: bool) -> Reading {
        match (self, op) {
            (Ledger::Job(job), op) => job.read(op, answered),
            _ if !answered => Reading::Nothing,
            (Ledger::Counter(counter), StateOp::Counted { found, .. }) => counter.read(found),
            (Ledger::Counter(counter), StateOp::Missing { .. }) => counter.missing(),
            (Ledger::Register(register), StateOp::Found { value, .. }) => register.read(value),
            (Ledger::Register(register), StateOp::Missing { .. }) => register.missing(),
            _ => Reading::Nothing,
        }
    }
}

pub(super) fn is_write(op: StateOp) -> bool {
    matches!(op, StateOp::Add { .. } | StateOp::Set { .. } | StateOp::JobStarted { .. })
}

pub(super) fn state_of(op: StateOp) -> u8 {
    match op {
        StateOp::Add { state, .. }
        | StateOp::Set { state, .. }
        | StateOp::Counted { state, .. }
        | StateOp::Found { state, .. }
        | StateOp::Missing { state }
        | StateOp::JobStarted { state }
        | StateOp::JobPending { state }
        | StateOp::JobDone { state }
        | StateOp::JobLost { state }
        | StateOp::JobOverdue { state } => state,
    }
}

/// The least and the most a counter may hold: what was last found plus what was acknowledged since, and around it what
/// is in doubt. Until the first read its base is unknown, but taken not to be negative.
#[derive(Clone, Debug, Default)]
pub(super) struct Counter {
    /// Whether a read has told the base.
    based: bool,
    /// Base (0 while unknown) and all acknowledged since.
    value: i64,
    written: bool,
    /// Sums of what is in doubt: additions, and subtractions (not above 0).
    doubt_up: i64,
    doubt_down: i64,
}

impl Counter {
    fn add(&mut self, amount: i64, effect: Effect) {
        match effect {
            Effect::Acknowledged => {
                self.value = self.value.saturating_add(amount);
                self.written = true;
            }
            Effect::InDoubt if amount >= 0 => self.doubt_up = self.doubt_up.saturating_add(amount),
            Effect::InDoubt => self.doubt_down = self.doubt_down.saturating_add(amount),
            Effect::None => {}
        }
    }

    fn read(&mut self, found: i64) -> Reading {
        let (lower, upper) = (self.value.saturating_add(self.doubt_down), self.value.saturating_add(self.doubt_up));
        let reading = if found < lower {
            Reading::Lost(self.short_of(lower, found, found.to_string()))
        } else if !self.based {
            // The first evidence tells the base; a base of less than nothing has been ruled out.
            if self.written && found == self.value { Reading::Agreed } else { Reading::Nothing }
        } else if found > upper {
            Reading::Duplicated(difference(self.expected(), found.to_string()))
        } else if found == self.value {
            Reading::Agreed
        } else {
            self.resolve(found);
            Reading::Ambiguous
        };
        self.based = true;
        self.value = found;
        reading
    }

    /// Doubts of one sign are settled by as much as was found of them. What is left may still be applied late.
    fn resolve(&mut self, found: i64) {
        let applied = found - self.value;
        if self.doubt_down == 0 {
            self.doubt_up -= applied;
        } else if self.doubt_up == 0 {
            self.doubt_down -= applied;
        }
    }

    fn missing(&mut self) -> Reading {
        let known = self.based || self.written;
        let reading = match (known, self.doubt_up != 0 || self.doubt_down != 0) {
            (true, false) => Reading::Lost(self.short_of(self.value, 0, "nothing".to_owned())),
            (_, true) => Reading::Ambiguous,
            (false, false) => Reading::Nothing,
        };
        self.based = false;
        self.written = false;
        self.value = 0;
        reading
    }

    fn short_of(&self, least: i64, value: i64, found: String) -> Difference {
        Difference { writes: least.saturating_sub(value).max(1) as u64, ..difference(self.expected(), found) }
    }

    fn expected(&self) -> String {
        let least = if self.based { "" } else { "at least " };
        match (self.value.saturating_add(self.doubt_down), self.value.saturating_add(self.doubt_up)) {
            (lower, upper) if lower == upper => format!("{least}{lower}"),
            (lower, upper) => format!("{lower} to {upper}"),
        }
    }
}

/// The last acknowledged value, and values whose writes are in doubt: those may be applied late too.
#[derive(Clone, Debug, Default)]
pub(super) struct Register {
    value: Option<i64>,
    in_doubt: Vec<i64>,
}

impl Register {
    /// Doubts kept a session; an older one than these is no longer believed to come true.
    const MOST_DOUBTS: usize = 16;

    fn set(&mut self, value: i64, effect: Effect) {
        match effect {
            Effect::Acknowledged => self.value = Some(value),
            Effect::InDoubt => {
                if self.in_doubt.len() == Self::MOST_DOUBTS {
                    self.in_doubt.remove(0);
                }
                self.in_doubt.push(value);
            }
            Effect::None => {}
        }
    }

    fn read(&mut self, found: i64) -> Reading {
        let expected = self.value.replace(found);
        match expected {
            Some(expected) if expected == found => Reading::Agreed,
            _ if self.in_doubt.contains(&found) => Reading::Ambiguous,
            Some(expected) => Reading::Lost(difference(fingerprint(expected), fingerprint(found))),
            None => Reading::Nothing,
        }
    }

    fn missing(&mut self) -> Reading {
        match self.value.take() {
            Some(expected) if self.in_doubt.is_empty() => Reading::Lost(difference(fingerprint(expected), "nothing")),
            None if self.in_doubt.is_empty() => Reading::Nothing,
            _ => Reading::Ambiguous,
        }
    }
}

/// Values are on disk as fingerprints only.
fn fingerprint(value: i64) -> String {
    format!("value #{:08x}", value as u64 >> 32)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Job {
    None,
    Running,
    InDoubt,
}

impl Job {
    fn read(&mut self, op: StateOp, answered: bool) -> Reading {
        let was = *self;
        let lost = |how: &str| match was {
            Job::Running if answered => Reading::Lost(difference("the job running or done", how)),
            Job::Running | Job::InDoubt => Reading::Ambiguous,
            Job::None => Reading::Nothing,
        };
        let (next, reading) = match op {
            StateOp::JobPending { .. } if answered => (Job::Running, Reading::Agreed),
            StateOp::JobDone { .. } if answered => (Job::None, Reading::Agreed),
            StateOp::JobLost { .. } if answered => (Job::None, lost("failed or not known")),
            StateOp::JobOverdue { .. } => (Job::None, lost("not done within its limit")),
            StateOp::Missing { .. } if answered => (Job::None, lost("nothing")),
            _ => (was, Reading::Nothing),
        };
        *self = next;
        reading
    }
}

#[cfg(test)]
mod tests {
    use super::Effect::{Acknowledged, InDoubt, None as Refused};
    use super::*;

    fn counter() -> Counter {
        let mut counter = Counter::default();
        assert_eq!(counter.read(10), Reading::Nothing, "the first read tells the base");
        counter
    }

    fn lost(reading: Reading) -> (String, String) {
        match reading {
            Reading::Lost(d) => (d.expected, d.found),
            other => panic!("expected a loss, found {other:?}"),
        }
    }

    #[test]
    fn acknowledged_writes_must_be_found() {
        let mut c = counter();
        c.add(1, Acknowledged);
        c.add(2, Acknowledged);
        assert_eq!(c.read(13), Reading::Agreed);
        c.add(1, Acknowledged);
        assert_eq!(lost(c.read(13)), ("14".into(), "13".into()));
        assert_eq!(c.read(13), Reading::Agreed, "one loss is told once");
    }

    #[test]
    fn a_write_in_doubt_may_or_may_not_be_found() {
        let mut c = counter();
        c.add(1, InDoubt);
        assert_eq!(c.read(10), Reading::Agreed);
        assert_eq!(c.read(11), Reading::Ambiguous, "applied late");
        assert!(matches!(c.read(12), Reading::Duplicated(_)), "it was one write, and it has been found");
    }

    #[test]
    fn a_refused_write_must_not_be_found() {
        let mut c = counter();
        c.add(1, Refused);
        assert!(matches!(c.read(11), Reading::Duplicated(_)));
    }

    #[test]
    fn subtractions_in_doubt_lower_the_least() {
        let mut c = counter();
        c.add(-2, InDoubt);
        assert_eq!(c.read(8), Reading::Ambiguous);
        assert_eq!(lost(c.read(6)), ("8".into(), "6".into()));
    }

    #[test]
    fn below_what_was_written_is_a_loss_even_before_the_first_read() {
        let mut c = Counter::default();
        c.add(3, Acknowledged);
        assert_eq!(lost(c.read(2)), ("at least 3".into(), "2".into()));
    }

    #[test]
    fn a_missing_counter_is_lost_only_when_something_was_known() {
        assert_eq!(Counter::default().missing(), Reading::Nothing);
        let mut c = counter();
        assert_eq!(lost(c.missing()), ("10".into(), "nothing".into()));
        assert_eq!(c.missing(), Reading::Nothing, "one loss is told once");
        let mut c = counter();
        c.add(1, InDoubt);
        assert_eq!(c.missing(), Reading::Ambiguous);
    }

    #[test]
    fn registers_hold_the_last_acknowledged_value_or_one_in_doubt() {
        let mut r = Register::default();
        assert_eq!(r.read(7), Reading::Nothing);
        r.set(1, Acknowledged);
        assert_eq!(r.read(1), Reading::Agreed);
        r.set(2, InDoubt);
        assert_eq!(r.read(1), Reading::Agreed);
        assert_eq!(r.read(2), Reading::Ambiguous);
        r.set(3, Acknowledged);
        assert_eq!(r.read(2), Reading::Ambiguous, "an older doubt applied late");
        r.set(4, Acknowledged);
        assert!(matches!(r.read(1), Reading::Lost(_)));
        assert_eq!(r.read(1), Reading::Agreed, "one loss is told once");
    }

    #[test]
    fn jobs_must_be_known_to_whoever_is_asked() {
        let (pending, done, gone) =
            (StateOp::JobPending { state: 0 }, StateOp::JobDone { state: 0 }, StateOp::JobLost { state: 0 });
        let overdue = StateOp::JobOverdue { state: 0 };
        let cases = [
            (Job::Running, pending, true, Reading::Agreed),
            (Job::Running, done, true, Reading::Agreed),
            (Job::InDoubt, pending, true, Reading::Agreed),
            (Job::InDoubt, gone, true, Reading::Ambiguous),
            (Job::InDoubt, overdue, true, Reading::Ambiguous),
            (Job::Running, overdue, false, Reading::Ambiguous),
            (Job::None, gone, true, Reading::Nothing),
        ];
        for (mut job, op, answered, expected) in cases {
            assert_eq!(job.read(op, answered), expected, "{op:?}");
        }
        assert_eq!(lost({ Job::Running }.read(gone, true)).1, "failed or not known");
        assert_eq!(lost({ Job::Running }.read(overdue, true)).1, "not done within its limit");
    }
}
