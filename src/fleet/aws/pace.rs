use super::call::CallFailure;
use std::time::Duration;

/// How often something is asked for. What is throttled or fails is asked for less and less often, and what works again
/// soon as often as before. With jitter, so that many who ask do not do so at once.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    usual: Duration,
    times: u32,
}

const LONGEST: Duration = Duration::from_secs(60);
const MOST_TIMES: u32 = 64;

impl Pace {
    pub fn new(usual: Duration) -> Pace {
        Pace { usual, times: 1 }
    }

    /// Notes how the last call went.
    pub fn note(&mut self, failure: Option<CallFailure>) {
        self.times = match failure {
            None => (self.times / 2).max(1),
            // Not a matter of how often.
            Some(CallFailure::Denied | CallFailure::NotFound | CallFailure::Refused) => MOST_TIMES,
            Some(_) => (self.times * 2).min(MOST_TIMES),
        };
    }

    /// How long to wait before the next call. `chance` is from 0 to 1.
    pub fn wait(&self, chance: f64) -> Duration {
        let least = (self.usual * self.times).min(LONGEST.max(self.usual));
        // A steady pace wavers by a tenth; a slowed one by half, which is what spreads those who were throttled together.
        let share = if self.times == 1 { 0.1 } else { 0.5 };
        least.mul_f64(1.0 - share + share * chance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn failures() -> impl Strategy<Value = Option<CallFailure>> {
        let all = [None, Some(CallFailure::Throttled), Some(CallFailure::Denied), Some(CallFailure::Server)];
        proptest::sample::select(all.to_vec())
    }

    proptest! {
        #[test]
        fn it_stays_between_its_usual_pace_and_a_minute(
            history in proptest::collection::vec(failures(), 0..40),
            usual in 1_u64..30,
            chance in 0.0..=1.0,
        ) {
            let usual = Duration::from_secs(usual);
            let mut pace = Pace::new(usual);
            history.into_iter().for_each(|failure| pace.note(failure));
            let wait = pace.wait(chance);
            prop_assert!(wait >= usual.mul_f64(0.5) && wait <= LONGEST, "{wait:?}");
            // Six good calls are enough to be as fast as ever.
            (0..6).for_each(|_| pace.note(None));
            prop_assert!(pace.wait(chance) >= usual.mul_f64(0.9) && pace.wait(chance) <= usual);
        }

        #[test]
        fn throttled_again_it_waits_longer(chance in 0.0..=1.0) {
            let mut pace = Pace::new(Duration::from_secs(2));
            let mut before = Duration::ZERO;
            for _ in 0..4 {
                pace.note(Some(CallFailure::Throttled));
                prop_assert!(pace.wait(chance) > before);
                before = pace.wait(chance);
            }
        }
    }
}
