use super::seconds::Seconds;
use crate::plan::{Limit, Metric, Plan};

/// The response-time objective that stages and recovery are told by: the plan's first, or rather its first that covers
/// all requests. It is looked at over all requests, in windows of [`Watch::WINDOW`] seconds.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    pub text: String,
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

    fn holds(&self, seconds: &Seconds, from: usize) -> bool {
        let times = seconds.times(from..from + Self::WINDOW);
        times.count() == 0 || times.quantile_ms(self.quantile) <= self.limit_ms
    }

    /// The first second in `from..to` that begins a window in which the objective is broken.
    pub(super) fn first_broken(&self, seconds: &Seconds, from: usize, to: usize) -> Option<usize> {
        (from..to.min(seconds.len())).find(|second| !self.holds(seconds, *second))
    }

    /// The first second from `from` on that begins a whole window in which it holds.
    pub(super) fn holds_again(&self, seconds: &Seconds, from: usize) -> Option<usize> {
        let last = (seconds.len() + 1).checked_sub(Self::WINDOW)?;
        (from..last).find(|second| self.holds(seconds, *second))
    }
}
