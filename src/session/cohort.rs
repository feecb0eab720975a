use super::{AdoptionCurve, Cohort, CohortAdoption, CohortInstance, Survival};
use crate::history::{Appearance, Appearances, FleetChange, NameId, Names, Offset};
use std::time::Duration;

/// What became of a member, the graver the greater: the gravest thing seen is its fate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fate {
    Unobserved,
    Unavailable,
    Survived,
    Ambiguous,
    StateLost,
    Relogin,
    Replaced,
}

/// A session's place in one cohort, while it lives.
#[derive(Clone, Debug)]
pub(super) struct Member {
    /// Index of the change.
    pub change: usize,
    fate: Fate,
    /// Something was answered after the change that proves nothing.
    answered_silently: bool,
    last_answered: Option<Offset>,
    /// New instances that were proven to serve it, and since when; the earliest answer first.
    adopted: Vec<(NameId, Offset)>,
    /// It logged out, or ran out as agreed: what follows is another session.
    over: bool,
}

/// What a row means to the cohorts its session belongs to.
pub(super) struct Evidence {
    pub started: Offset,
    pub last_byte: Offset,
    pub answered: bool,
    /// What the row shows on its own; None when it is silent.
    pub fate: Option<Fate>,
    /// The row proves that this instance, which appeared at that time, serves a session older than itself.
    pub adopted_by: Option<(NameId, Offset)>,
    pub ends_session: bool,
}

impl Member {
    pub(super) fn new(change: usize) -> Member {
        Member {
            change,
            fate: Fate::Unobserved,
            answered_silently: false,
            last_answered: None,
            adopted: Vec::new(),
            over: false,
        }
    }

    pub(super) fn take(&mut self, row: &Evidence, change_at: Offset) {
        if self.over {
            return;
        }
        // A request sent before the change and answered after it proves no survival, but can show a loss.
        let after = row.started >= change_at;
        match row.fate {
            Some(fate) if after || fate > Fate::Survived => self.fate = self.fate.max(fate),
            None if after && row.answered => self.answered_silently = true,
            _ => {}
        }
        if after && row.answered {
            self.last_answered = self.last_answered.max(Some(row.last_byte));
        }
        if let Some((instance, appeared)) = row.adopted_by
            && appeared + CohortTally::SLACK >= change_at
            && self.adopted.iter().all(|(known, _)| *known != instance)
        {
            self.adopted.push((instance, row.last_byte));
        }
        self.over |= row.ends_session;
    }

    fn fate(&self) -> Fate {
        match self.fate {
            Fate::Unavailable if self.answered_silently => Fate::Unobserved,
            fate => fate,
        }
    }
}

/// A cohort as its members end.
pub(super) struct CohortTally {
    pub change: FleetChange,
    /// By [`Fate`].
    fates: [u64; 7],
    /// Last answer, and first proven service by each new instance, of each member that was answered at all.
    answered: Vec<(Offset, Vec<(NameId, Offset)>)>,
}

impl CohortTally {
    /// An instance may be stamped as launched a little before the change that launched it.
    const SLACK: Duration = Duration::from_secs(1);

    pub(super) fn new(change: FleetChange) -> CohortTally {
        CohortTally { change, fates: [0; 7], answered: Vec::new() }
    }

    pub(super) fn take(&mut self, member: Member) {
        self.fates[member.fate() as usize] += 1;
        if let Some(last) = member.last_answered {
            self.answered.push((last, member.adopted));
        }
    }

    /// `next`: when the fleet changed after this.
    pub(super) fn finish(self, appearances: &Appearances, names: &Names, next: Option<Offset>) -> Cohort {
        let count = |fate: Fate| self.fates[fate as usize];
        let lost = count(Fate::StateLost) + count(Fate::Relogin) + count(Fate::Replaced);
        let survived = count(Fate::Survived);
        Cohort {
            sessions: self.fates.iter().sum(),
            survived,
            relogin: count(Fate::Relogin),
            replaced: count(Fate::Replaced),
            state_lost: count(Fate::StateLost),
            ambiguous: count(Fate::Ambiguous),
            unavailable: count(Fate::Unavailable),
            unobserved: count(Fate::Unobserved),
            survival: Survival::of(survived, survived + lost + count(Fate::Unavailable)),
            adoption: self.adoption(appearances, names, next),
            change: self.change,
        }
    }

    fn adoption(&self, appearances: &Appearances, names: &Names, next: Option<Offset>) -> Option<CohortAdoption> {
        let later: Vec<(NameId, Appearance)> =
            appearances.all().filter(|(_, a)| a.new && a.at + Self::SLACK >= self.change.at_us).collect();
        let since = later.iter().map(|(_, a)| a.at).min()?;
        let first_response = later.iter().map(|(_, a)| a.first_response).min()?;
        let by_any = self.curve(since, first_response, |adopted| adopted.first().map(|(_, at)| *at));
        // What a later change brought has a cohort of its own.
        let own = later.iter().filter(|(_, a)| next.is_none_or(|next| a.at + Self::SLACK < next));
        let by_one = |(id, appearance): &(NameId, Appearance)| {
            let served = |adopted: &[(NameId, Offset)]| adopted.iter().find(|(by, _)| by == id).map(|(_, at)| *at);
            let curve = self.curve(appearance.at, appearance.first_response, served);
            CohortInstance { instance: names.name(*id).to_string(), since_us: appearance.at, curve }
        };
        let mut instances: Vec<CohortInstance> = own.map(by_one).collect();
        instances.sort_by(|a, b| (a.since_us, &a.instance).cmp(&(b.since_us, &b.instance)));
        Some(CohortAdoption { since_us: since, curve: by_any, instances })
    }

    /// `served`: when a member was first served, of its list of adoptions.
    fn curve(
        &self,
        since: Offset,
        first_response: Offset,
        served: impl Fn(&[(NameId, Offset)]) -> Option<Offset>,
    ) -> AdoptionCurve {
        let eligible = self.answered.iter().filter(|(last, _)| *last >= first_response).count() as u64;
        let mut times: Vec<f64> =
            self.answered.iter().filter_map(|(_, a)| Some(served(a)?.since(since).as_secs_f64())).collect();
        times.sort_by(f64::total_cmp);
        let reached = |share: f64| {
            let needed = ((share * eligible as f64).ceil() as usize).max(1);
            times.get(needed - 1).copied()
        };
        let seconds = times.last().map_or(0, |last| *last as usize + 1);
        let share_at = |end: usize| times.partition_point(|t| *t < end as f64) as f64 / eligible as f64;
        AdoptionCurve {
            eligible,
            adopted: times.len() as u64,
            t50_seconds: reached(0.5),
            t90_seconds: reached(0.9),
            share_by_second: (1..=seconds).map(share_at).collect(),
        }
    }
}

impl Survival {
    /// Wilson's score interval at 95 % (E. B. Wilson, JASA 22, 1927). None of nothing.
    pub fn of(survived: u64, of: u64) -> Option<Survival> {
        const Z: f64 = 1.959_963_984_540_054;
        if of == 0 {
            return None;
        }
        let n = of as f64;
        let share = survived as f64 / n;
        let centre = (share + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
        let half = Z / (1.0 + Z * Z / n) * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
        Some(Survival { of, share, low: (centre - half).max(0.0), high: (centre + half).min(1.0) })
    }

    /// How to say it: with no loss in n, the rule of three (an upper 95 % bound of 3/n), never "100 %".
    pub fn told(&self) -> String {
        let survived = (self.share * self.of as f64).round() as u64;
        if survived == self.of {
            let bound = 300.0 / self.of as f64;
            return match self.of {
                0..=3 => format!("0 of {} lost: too few to tell", self.of),
                n => format!("0 of {n} lost: at most 3/{n} = {bound:.2} %"),
            };
        }
        format!(
            "{} of {} did not survive: {:.2} % did (95 % interval {:.2} to {:.2} %)",
            self.of - survived,
            self.of,
            100.0 * self.share,
            100.0 * self.low,
            100.0 * self.high
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilson_agrees_with_published_values() {
        // Newcombe, Statistics in Medicine 17 (1998), table I, method 3: 81/263, 15/148, 0/20, 1/29.
        for (hits, of, low, high) in
            [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]
        {
            let s = Survival::of(hits, of).unwrap();
            assert!((s.low - low).abs() < 6e-5 && (s.high - high).abs() < 6e-5, "{hits}/{of}: {s:?}");
        }
        assert_eq!(Survival::of(0, 0), None);
    }

    #[test]
    fn nothing_lost_is_never_told_as_all() {
        assert_eq!(Survival::of(600, 600).unwrap().told(), "0 of 600 lost: at most 3/600 = 0.50 %");
        assert_eq!(Survival::of(2, 2).unwrap().told(), "0 of 2 lost: too few to tell");
        assert!(
            Survival::of(9, 10).unwrap().told().starts_with("1 of 10 did not survive: 90.00 % did (95 % interval 59.")
        );
    }
}
