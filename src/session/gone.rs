use super::causes::Lost;
use super::live::{Live, Place};
use super::oracle::Oracle;
use super::{FailoverShare, LossCause};
use crate::history::{Names, Observation, Offset};
use std::time::Duration;

/// What is gone: since when nothing had been seen of it, where it was, and its acknowledged writes, with those of them
/// that a failover may have lost.
pub(super) struct Gone {
    pub since: Option<Offset>,
    pub kept_by: Option<Place>,
    pub writes: u64,
    pub exposed: u64,
}

impl Oracle {
    /// Why something is gone, and what of it a failover explains.
    pub(super) fn cause(
        &mut self,
        live: &Live,
        row: &Observation,
        session: bool,
        gone: Gone,
        names: &Names,
    ) -> (LossCause, Option<FailoverShare>) {
        let name = gone.kept_by.map(|place| names.name(place.instance));
        let (cause, failover) = self.causes.of(&Lost {
            since: gone.since.or(live.begun).unwrap_or(row.started),
            at: row.last_byte,
            session,
            writes: gone.writes,
            exposed: gone.exposed,
            kept_by: name.as_deref(),
            idle: live.before.map_or(Duration::ZERO, |before| row.last_byte.since(before.started)),
            age: live.begun.map_or(Duration::ZERO, |begun| row.last_byte.since(begun)),
        });
        failover.into_iter().for_each(|share| self.causes.failovers.count(share));
        (cause, failover)
    }
}
