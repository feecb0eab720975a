use super::UnservedFigures;
use crate::history::{Observation, Offset, Outcome};
use std::time::Duration;

/// Looks for times in which requests ended, and none as expected: nobody was served. Rows come in no order of time.
#[derive(Debug)]
pub(super) struct Unserved {
    start: Offset,
    slices: Vec<Slice>,
}

/// Requests whose last byte came in one slice of time.
#[derive(Clone, Copy, Debug, Default)]
struct Slice {
    served: bool,
    failed: u32,
}

impl Unserved {
    const SLICE_US: usize = 100_000;
    const SLICE: Duration = Duration::from_micros(Self::SLICE_US as u64);
    /// Anything shorter is a pause between two requests as much as an outage.
    const SHORTEST: usize = 5;

    pub(super) fn new(start: Offset) -> Unserved {
        Unserved { start, slices: Vec::new() }
    }

    pub(super) fn take(&mut self, row: &Observation) {
        let Ok(since_us) = usize::try_from(row.last_byte.0 - self.start.0) else { return };
        let index = since_us / Self::SLICE_US;
        if index >= self.slices.len() {
            self.slices.resize(index + 1, Slice::default());
        }
        let slice = &mut self.slices[index];
        if row.outcome == Outcome::Ok { slice.served = true } else { slice.failed += 1 }
    }

    pub(super) fn finish(&self) -> Vec<UnservedFigures> {
        let mut all = Vec::new();
        // Until the first request is answered nothing is known to work at all.
        let first = self.slices.iter().position(|slice| slice.served).unwrap_or(self.slices.len());
        let mut from = first;
        for slices in self.slices[first..].chunk_by(|a, b| a.served == b.served) {
            let failed_requests = slices.iter().map(|slice| u64::from(slice.failed)).sum();
            if !slices[0].served && failed_requests > 0 && slices.len() >= Self::SHORTEST {
                all.push(UnservedFigures {
                    from_us: self.start + Self::SLICE * from as u32,
                    seconds: (Self::SLICE * slices.len() as u32).as_secs_f64(),
                    failed_requests,
                });
            }
            from += slices.len();
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::StepId;
    use crate::history::fixture::{at, row};

    #[test]
    fn nobody_is_served_while_requests_fail_and_none_is_answered() {
        let ends = |seconds: f64| row(1, StepId(0), seconds).taking(Duration::ZERO);
        let fails = |seconds: f64| ends(seconds).answered_with(Outcome::Unexpected, 503);
        let mut unserved = Unserved::new(at(0.0));
        let rows = [
            // Nothing worked yet.
            fails(0.1),
            ends(1.05),
            // An outage, of which the second worker tells first.
            ends(4.05),
            fails(2.55),
            fails(1.55),
            ends(2.95),
            // Nobody asked.
            ends(6.05),
            // Too short.
            fails(6.25),
            ends(6.35),
            // To the end.
            fails(7.95),
        ];
        rows.iter().for_each(|row| unserved.take(row));
        let found = unserved.finish();
        let spans: Vec<(f64, f64, u64)> = found
            .iter()
            .map(|u| (u.from_us.as_secs_f64(), (u.seconds * 10.0).round() / 10.0, u.failed_requests))
            .collect();
        assert_eq!(spans, [(1.1, 1.8, 2), (6.4, 1.6, 1)]);
    }
}
