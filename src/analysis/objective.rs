use super::seconds::Seconds;
use super::times::Times;
use crate::plan::{Limit, Metric, Plan};

/// The response-time objective that stages and recovery are told by: the plan's first, or rather its first that covers
/// all requests. It is looked at over all requests, in windows of [`Watch::WINDOW`] seconds.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    text: String,
    quantile: f64,
    limit_ms: f64,
}

impl Watch {
    /// Seconds.
    pub(super) const WINDOW: usize = 5;

    pub(super) fn of(plan: &Plan) -> Option<Watch> {
        let watches = plan.objectives.iter().filter_map(|o| match (o.metric, o.limit) {
            (Metric::ResponseTime { quantile }, Limit::AtMost(seconds)) => {
                let watch = Watch { text: o.text.clone(), quantile, limit_ms: seconds * 1e3 };
                Some((o.scope == crate::plan::Scope::default(), watch))
            }
            _ => None,
        });
        let mut watches: Vec<_> = watches.collect();
        watches.sort_by_key(|(covers_all, _)| !covers_all);
        watches.into_iter().next().map(|(_, watch)| watch)
    }

    /// Looks at every window once: there are as many as seconds, and stages and recoveries ask for them again and again.
    pub(super) fn over(&self, seconds: &Seconds) -> Watched<'_> {
        let mut times = Times::new();
        let mut holds = |from: usize| {
            times.clear();
            seconds.add_to(&mut times, from..from + Self::WINDOW);
            times.count() == 0 || times.quantile_ms(self.quantile) <= self.limit_ms
        };
        Watched { text: &self.text, holds: (0..seconds.len()).map(&mut holds).collect() }
    }
}

/// Whether the objective holds, by the second that a window begins with.
pub(super) struct Watched<'a> {
    pub text: &'a str,
    holds: Vec<bool>,
}

impl Watched<'_> {
    /// The first second in `from..to` that begins a window in which the objective is broken.
    pub(super) fn first_broken(&self, from: usize, to: usize) -> Option<usize> {
        (from..to.min(self.holds.len())).find(|second| !self.holds[*second])
    }

    /// The first second from `from` on that begins a whole window in which it holds.
    pub(super) fn holds_again(&self, from: usize) -> Option<usize> {
        let last = (self.holds.len() + 1).checked_sub(Watch::WINDOW)?;
        (from..last).find(|second| self.holds[*second])
    }
}
