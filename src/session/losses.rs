use super::live::{Live, Place, Rules};
use super::{Before, FailoverShare, LossCause, LossExample, LossKind};
use crate::history::{Names, Observation};
use std::collections::{BTreeMap, BTreeSet};

/// The earliest losses of each kind, told in full.
#[derive(Debug, Default)]
pub(super) struct Losses {
    kept: BTreeMap<LossKind, BTreeSet<LossExample>>,
}

/// What was expected of a row and what was found in it.
pub(super) struct Told {
    pub expected: String,
    pub found: String,
    pub cause: Option<LossCause>,
    pub failover: Option<FailoverShare>,
}

impl Losses {
    /// `live`: the session as it was before this row.
    pub(super) fn add(
        &mut self,
        kind: LossKind,
        row: &Observation,
        live: &Live,
        rules: &Rules,
        names: &Names,
        Told { expected, found, cause, failover }: Told,
    ) {
        let kept = self.kept.entry(kind).or_default();
        let full = kept.len() >= LossExample::MOST;
        if full && kept.last().is_some_and(|last| last.at_us < row.last_byte) {
            return;
        }
        let told = |place: Option<Place>| {
            let instance = place.map(|p| names.name(p.instance).to_string());
            (instance, place.and_then(|p| p.zone).map(|z| names.name(z).to_string()))
        };
        let (instance, zone) = told(Place::of(row));
        let before = live.before.map(|b| {
            let (instance, zone) = told(b.place);
            Before { at_us: b.last_byte, step: rules.step_name(b.step), instance, zone }
        });
        kept.insert(LossExample {
            at_us: row.last_byte,
            session: row.session,
            user: row.user,
            step: rules.step_name(row.step),
            instance,
            zone,
            before,
            logged_in_us: live.begun,
            expected,
            found,
            cause,
            failover,
        });
        if full {
            kept.pop_last();
        }
    }

    pub(super) fn finish(self) -> BTreeMap<LossKind, Vec<LossExample>> {
        self.kept.into_iter().map(|(kind, examples)| (kind, examples.into_iter().collect())).collect()
    }
}
