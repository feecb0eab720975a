use super::WarmUpPenalty;
use super::times::Times;
use crate::history::{Appearance, NameId, Observation, Offset};
use std::time::Duration;

/// The first seconds of each new instance, beside its peers in the same seconds. Service time: what the instance
/// makes of a request, whenever that was sent.
#[derive(Debug, Default)]
pub(super) struct WarmUps {
    list: Vec<WarmUp>,
}

#[derive(Debug)]
struct WarmUp {
    instance: NameId,
    from: Offset,
    own: Times,
    peers: Times,
}

impl WarmUps {
    /// How long an instance counts as fresh, from its first response.
    pub(super) const LASTS: Duration = Duration::from_secs(15);
    /// Fewer requests than this on either side tell nothing of a 99th percentile.
    const ENOUGH: u64 = 20;

    /// An answered row of `instance`.
    pub(super) fn take(&mut self, row: &Observation, instance: NameId, appearance: Appearance) {
        if appearance.new && !self.list.iter().any(|w| w.instance == instance) {
            let (own, peers) = (Times::new(), Times::new());
            self.list.push(WarmUp { instance, from: row.last_byte, own, peers });
        }
        if self.list.is_empty() {
            return;
        }
        let service = row.service_time().as_micros() as u64;
        let fresh = |w: &WarmUp| row.last_byte >= w.from && row.last_byte < w.from + Self::LASTS;
        // Another fresh instance is no peer to measure against.
        let is_fresh = self.list.iter().any(|w| w.instance == instance && fresh(w));
        for warm_up in self.list.iter_mut().filter(|w| fresh(w)) {
            if warm_up.instance == instance {
                warm_up.own.record(service);
            } else if !is_fresh {
                warm_up.peers.record(service);
            }
        }
    }

    pub(super) fn penalty(&self, instance: NameId) -> Option<WarmUpPenalty> {
        let warm_up = self.list.iter().find(|w| w.instance == instance)?;
        let (own, peers) = (&warm_up.own, &warm_up.peers);
        if own.count() < Self::ENOUGH || peers.count() < Self::ENOUGH {
            return None;
        }
        let (p99, peers_p99) = (own.quantile_ms(0.99), peers.quantile_ms(0.99));
        Some(WarmUpPenalty {
            seconds: Self::LASTS.as_secs() as u32,
            requests: own.count(),
            p99_ms: p99,
            peers_requests: peers.count(),
            peers_p99_ms: peers_p99,
            ratio: p99 / peers_p99,
        })
    }
}
