use super::answer_seconds::AnswerSeconds;
use super::causes::Causes;
use super::cohort::{CohortTally, Evidence, Fate, Member};
use super::gone::Gone;
use super::ledger::{Effect, Reading, is_write, state_of};
use super::live::{Answered, Live, LoginTrail, Place, Rules, Standing};
use super::losses::{Losses, Told};
use super::restore::{Milestone, in_a_restore};
use super::{
    AnswerCounts, ByPlace, CauseCounts, HandoffFindings, LoginFindings, LossCause, LossKind, RestoreFindings,
    SessionCounts, StateFindings,
};
use crate::history::{
    Appearance, Appearances, Event, FleetChange, Identity, NameId, Names, Observation, Offset, Outcome, Sample,
    SessionNumber, load_start,
};
use crate::plan::Plan;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// Judges a run's rows one at a time, in the order of the record: the rows of one session in order, sessions
/// interleaved as they come.
pub struct Oracle {
    pub(super) rules: Rules,
    pub(super) appearances: Appearances,
    pub(super) cohorts: Vec<CohortTally>,
    /// Sessions that have not ended. Boxed, as each is taken out and put back once a row.
    pub(super) alive: FxHashMap<SessionNumber, Box<Live>>,
    pub(super) sessions: SessionCounts,
    pub(super) answers: AnswerCounts,
    pub(super) answer_seconds: AnswerSeconds,
    pub(super) states: Vec<StateFindings>,
    pub(super) recognition: ByPlace,
    pub(super) logins: LoginFindings,
    pub(super) handoffs: HandoffFindings,
    pub(super) cells: BTreeMap<(NameId, NameId), CellTally>,
    pub(super) adoptions: BTreeMap<NameId, AdoptionTally>,
    pub(super) losses: Losses,
    pub(super) causes: Causes,
    pub(super) milestones: Vec<Milestone>,
    pub(super) cause_counts: BTreeMap<LossCause, CauseCounts>,
    pub(super) restored: RestoreFindings,
}

#[derive(Default)]
pub(super) struct CellTally {
    pub(super) requests: u64,
    pub(super) relogins: u64,
    pub(super) state_lost: u64,
    pub(super) wrong_user: u64,
}

#[derive(Default)]
pub(super) struct AdoptionTally {
    pub(super) zone: Option<NameId>,
    pub(super) adopted: u64,
    pub(super) refused: u64,
    pub(super) first: Option<Offset>,
}

/// What a response says of the session, before its state is looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Said {
    Unanswered,
    Silent,
    LoggedIn,
    LoggedOut,
    Recognised,
    WrongUser,
    Rejected,
    RejectedAsAgreed {
        expired: bool,
    },
    /// It began after the snapshot that was put back.
    RejectedAsRestored,
}

/// The gravest thing its state reads found.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum StateSaid {
    Nothing,
    Agreed,
    Ambiguous,
    Duplicated,
    Lost,
}

impl Oracle {
    pub fn new(plan: &Plan, events: &[Event], samples: &[Sample]) -> Oracle {
        let state = |s: &crate::plan::State| StateFindings {
            name: s.name.clone(),
            kind: s.kind,
            agreed: 0,
            lost: 0,
            ambiguous: 0,
            duplicated: 0,
            kept_after_relogin: 0,
            lost_after_relogin: 0,
            by_place: ByPlace::default(),
            evicted: 0,
            lost_with: BTreeMap::new(),
        };
        Oracle {
            rules: Rules::of(plan),
            appearances: Appearances::new(events),
            cohorts: FleetChange::all(events).into_iter().map(CohortTally::new).collect(),
            alive: FxHashMap::default(),
            sessions: SessionCounts::default(),
            answers: AnswerCounts::default(),
            answer_seconds: AnswerSeconds::new(load_start(events)),
            states: plan.states.iter().map(state).collect(),
            recognition: ByPlace::default(),
            logins: LoginFindings::default(),
            handoffs: HandoffFindings::default(),
            cells: BTreeMap::new(),
            adoptions: BTreeMap::new(),
            losses: Losses::default(),
            causes: Causes::new(plan, events, samples),
            milestones: Milestone::all(events),
            cause_counts: BTreeMap::new(),
            restored: RestoreFindings::default(),
        }
    }

    pub fn observe(&mut self, row: &Observation, names: &Names) {
        let mut live = match self.alive.remove(&row.session) {
            Some(live) => live,
            None => {
                self.sessions.seen += 1;
                Box::new(Live::new(&self.rules.states))
            }
        };
        live.facts.affinity |= row.affinity;
        self.join_cohorts(&mut live, row.last_byte);
        let expected = live.pass_milestones(&self.milestones, row, &self.rules.states);
        self.restored.sessions += u64::from(expected.session);
        self.restored.writes += expected.writes;
        let said = self.listen(&live, row);
        let appearance = match row.instance {
            Some(instance) if row.answered() => Some(self.appearances.saw(instance, row.last_byte, names)),
            _ => None,
        };
        self.follow_login(&mut live, row, said, names);
        self.tell_loss(&live, row, said, names);
        let state = self.judge_states(&mut live, row, said, names);
        self.count_answer(row, said, state);
        self.count_place(&mut live, row, said, state);
        let adopted_by = self.count_adoption(&mut live, row, said, appearance);
        self.inform_cohorts(&mut live, row, said, state, adopted_by);
        self.move_on(&mut live, row, said, state);
        if row.last_of_session {
            self.retire(*live);
        } else {
            self.alive.insert(row.session, live);
        }
    }

    fn listen(&self, live: &Live, row: &Observation) -> Said {
        if !row.answered() {
            return Said::Unanswered;
        }
        match row.identity {
            Identity::Silent => Said::Silent,
            Identity::LoggedIn => Said::LoggedIn,
            Identity::LoggedOut => Said::LoggedOut,
            Identity::Recognised => Said::Recognised,
            Identity::Other => Said::WrongUser,
            Identity::Rejected if live.standing != Standing::In => Said::RejectedAsAgreed { expired: false },
            Identity::Rejected if live.restored_away => Said::RejectedAsRestored,
            Identity::Rejected if live.may_have_expired(row, &self.rules.session) => {
                Said::RejectedAsAgreed { expired: true }
            }
            Identity::Rejected => Said::Rejected,
        }
    }

    /// The session joins the cohorts of the changes that have happened by `at`.
    pub(super) fn join_cohorts(&self, live: &mut Live, at: Offset) {
        while let Some(cohort) = self.cohorts.get(live.next_change)
            && cohort.change.at_us <= at
        {
            let verified_before = live.first_verified.is_some_and(|v| v < cohort.change.at_us);
            if verified_before && live.standing == Standing::In {
                live.members.push(Member::new(live.next_change));
            }
            live.next_change += 1;
        }
    }

    /// Keeps where the parts of a login were served, and counts how it ended.
    fn follow_login(&mut self, live: &mut Live, row: &Observation, said: Said, names: &Names) {
        if !self.rules.is_login(row.step) || said == Said::Unanswered {
            return;
        }
        if row.part == 0 {
            live.login_exposed &= live.form.current.is_some();
            live.form = LoginTrail { before: live.form.current, current: Some(Place::of(row)) };
            live.begins_login(row);
        }
        live.login_exposed |= self.causes.expose(row);
        let refused = row.outcome == Outcome::Unexpected;
        if !refused && said != Said::LoggedIn {
            return;
        }
        if refused {
            self.logins.refused += 1;
            let found = format!("status {}", row.status);
            let told = Told { expected: "the login accepted".to_owned(), found, cause: None, failover: None };
            self.losses.add(LossKind::LoginRefused, row, live, &self.rules, names, told);
        } else {
            self.logins.accepted += 1;
        }
        if let LoginTrail { before: Some(form), current: Some(post) } = live.form {
            self.logins.by_place.between(form, post).count(refused);
        }
        live.form = LoginTrail::default();
    }

    fn tell_loss(&mut self, live: &Live, row: &Observation, said: Said, names: &Names) {
        let (kind, expected, found) = match said {
            Said::Rejected => {
                let found = format!("asked to log in again (status {})", row.status);
                (LossKind::Relogin, "the session recognised", found)
            }
            Said::WrongUser => {
                let found = format!("another identity, #{:08x}", row.found_identity as u64 >> 32);
                (LossKind::WrongUser, "the session's own user", found)
            }
            _ => return,
        };
        let (cause, failover) = if kind == LossKind::Relogin {
            let of =
                Gone { since: live.last_verified, kept_by: live.home, writes: 1, exposed: live.login_exposed.into() };
            let (cause, failover) = self.cause(live, row, true, of, names);
            self.cause_counts.entry(cause).or_default().relogins += 1;
            (Some(cause), failover)
        } else {
            (None, None)
        };
        let told = Told { expected: expected.to_owned(), found, cause, failover };
        self.losses.add(kind, row, live, &self.rules, names, told);
    }

    /// First what the row wrote, then what it read: an answer that tells a count includes its own write.
    fn judge_states(&mut self, live: &mut Live, row: &Observation, said: Said, names: &Names) -> StateSaid {
        let torn = in_a_restore(&self.milestones, row);
        let effect = match Effect::of(row) {
            Effect::Acknowledged if torn => Effect::InDoubt,
            effect => effect,
        };
        live.note_writes(&self.milestones, row, effect);
        let here = Place::of(row);
        let exposed = self.causes.expose(row);
        for op in row.states.iter().copied().filter(|op| is_write(*op)) {
            if let Some(state) = live.states.get_mut(usize::from(state_of(op))) {
                state.ledger.write(op, effect);
                if effect == Effect::Acknowledged {
                    state.written_at = here;
                    state.expose(op, exposed);
                }
            }
        }
        // Whoever is asked to log in, or taken for someone else, sees nothing of the session's own state.
        // What is answered while a snapshot is put back may come from before it or from after.
        let unseen =
            matches!(said, Said::WrongUser | Said::Rejected | Said::RejectedAsAgreed { .. } | Said::RejectedAsRestored);
        if unseen || torn {
            return StateSaid::Nothing;
        }
        let mut gravest = StateSaid::Nothing;
        for op in row.states.iter().copied().filter(|op| !is_write(*op)) {
            gravest = gravest.max(self.judge_read(live, row, op, names));
        }
        gravest
    }

    fn judge_read(
        &mut self,
        live: &mut Live,
        row: &Observation,
        op: crate::history::StateOp,
        names: &Names,
    ) -> StateSaid {
        let index = usize::from(state_of(op));
        let Some(state) = live.states.get_mut(index) else { return StateSaid::Nothing };
        let (written_at, last_agreed) = (state.written_at.or(live.home), state.last_agreed);
        let reading = state.ledger.read(op, row.answered());
        let relogin = reading != Reading::Nothing && std::mem::take(&mut state.after_relogin);
        let exposed = if reading == Reading::Nothing { 0 } else { std::mem::take(&mut state.exposed) };
        let findings = &mut self.states[index];
        let (said, loss) = match reading {
            Reading::Nothing => return StateSaid::Nothing,
            Reading::Agreed => {
                findings.agreed += 1;
                state.last_agreed = Some(row.last_byte);
                (StateSaid::Agreed, None)
            }
            Reading::Ambiguous => {
                findings.ambiguous += 1;
                (StateSaid::Ambiguous, None)
            }
            Reading::Lost(difference) => {
                findings.lost += 1;
                (StateSaid::Lost, Some((LossKind::StateLost, difference)))
            }
            Reading::Duplicated(difference) => {
                findings.duplicated += 1;
                (StateSaid::Duplicated, Some((LossKind::Duplicated, difference)))
            }
        };
        findings.by_place.between(written_at, Place::of(row)).count(said == StateSaid::Lost);
        findings.lost_after_relogin += u64::from(relogin && said == StateSaid::Lost);
        findings.kept_after_relogin += u64::from(relogin && said != StateSaid::Lost);
        if let Some((kind, difference)) = loss {
            let expected = format!("{}: {}", findings.name, difference.expected);
            let (cause, failover) = if kind == LossKind::StateLost {
                let of = Gone { since: last_agreed, kept_by: written_at, writes: difference.writes, exposed };
                let (cause, failover) = self.cause(live, row, false, of, names);
                self.cause_counts.entry(cause).or_default().state_lost += 1;
                let findings = &mut self.states[index];
                findings.evicted += u64::from(cause == LossCause::Eviction);
                if let Some(place) = written_at.filter(|_| cause == LossCause::InstanceGone) {
                    *findings.lost_with.entry(names.name(place.instance).to_string()).or_default() += 1;
                }
                (Some(cause), failover)
            } else {
                (None, None)
            };
            let told = Told { expected, found: difference.found, cause, failover };
            self.losses.add(kind, row, live, &self.rules, names, told);
        }
        said
    }

    fn count_answer(&mut self, row: &Observation, said: Said, state: StateSaid) {
        let count = |answers: &mut AnswerCounts| {
            let count = match (said, state) {
                (Said::WrongUser, _) => &mut answers.wrong_user,
                (Said::Rejected, _) => &mut answers.rejected,
                (Said::RejectedAsAgreed { .. } | Said::RejectedAsRestored, _) => &mut answers.rejected_as_agreed,
                (Said::Unanswered, _) => &mut answers.unanswered,
                (_, StateSaid::Lost) => &mut answers.state_lost,
                (_, StateSaid::Duplicated) => &mut answers.duplicated,
                (_, StateSaid::Ambiguous) => &mut answers.state_ambiguous,
                (Said::Recognised, _) => &mut answers.recognised,
                _ => &mut answers.silent,
            };
            *count += 1;
        };
        count(&mut self.answers);
        self.answer_seconds.at(row.last_byte).map(count);
    }

    fn count_place(&mut self, live: &mut Live, row: &Observation, said: Said, state: StateSaid) {
        if said == Said::Unanswered {
            return;
        }
        let here = Place::of(row);
        live.goes_to(here);
        if matches!(said, Said::Recognised | Said::Rejected) {
            let farthest = if here.is_some() { live.farthest } else { None };
            self.recognition.between(live.home, farthest).count(said == Said::Rejected);
        }
        self.handoffs.answered += 1;
        let Some(here) = here else {
            self.handoffs.instance_unknown += 1;
            return;
        };
        match live.first_instance {
            None => live.first_instance = Some(here.instance),
            Some(first) => live.handed_off |= first != here.instance,
        }
        if let Some(from) = live.before.and_then(|b| b.place) {
            self.handoffs.handoffs += u64::from(from.instance != here.instance);
            let cell = self.cells.entry((from.instance, here.instance)).or_default();
            cell.requests += 1;
            cell.relogins += u64::from(said == Said::Rejected);
            cell.wrong_user += u64::from(said == Said::WrongUser);
            cell.state_lost += u64::from(state == StateSaid::Lost);
        }
    }

    /// When the row proves that a new instance serves a session older than itself: that instance, and when it appeared.
    fn count_adoption(
        &mut self,
        live: &mut Live,
        row: &Observation,
        said: Said,
        appearance: Option<Appearance>,
    ) -> Option<(NameId, Offset)> {
        let appearance = appearance.filter(|a| a.new)?;
        let here = Place::of(row)?;
        let tally = self.adoptions.entry(here.instance).or_default();
        tally.zone = tally.zone.or(here.zone);
        if live.begun.is_none_or(|begun| begun >= appearance.at) || live.standing != Standing::In {
            return None;
        }
        match said {
            Said::Recognised => {
                if !live.adopted_by.contains(&here.instance) {
                    live.adopted_by.push(here.instance);
                    tally.adopted += 1;
                }
                tally.first = Some(tally.first.map_or(row.last_byte, |first| first.min(row.last_byte)));
                Some((here.instance, appearance.at))
            }
            Said::Rejected => {
                if !live.refused_by.contains(&here.instance) {
                    live.refused_by.push(here.instance);
                    tally.refused += 1;
                }
                None
            }
            _ => None,
        }
    }

    fn inform_cohorts(
        &mut self,
        live: &mut Live,
        row: &Observation,
        said: Said,
        state: StateSaid,
        adopted_by: Option<(NameId, Offset)>,
    ) {
        let fate = match (said, state) {
            (Said::WrongUser, _) => Some(Fate::Replaced),
            (Said::Rejected, _) => Some(Fate::Relogin),
            (Said::RejectedAsAgreed { .. } | Said::RejectedAsRestored, _) => None,
            (_, StateSaid::Lost | StateSaid::Duplicated) => Some(Fate::StateLost),
            (_, StateSaid::Ambiguous) => Some(Fate::Ambiguous),
            (Said::Unanswered, _) => Some(Fate::Unavailable),
            (Said::Recognised, _) | (_, StateSaid::Agreed) => Some(Fate::Survived),
            _ => None,
        };
        let evidence = Evidence {
            started: row.started,
            last_byte: row.last_byte,
            answered: said != Said::Unanswered,
            fate,
            adopted_by,
            ends_session: matches!(
                said,
                Said::LoggedOut | Said::RejectedAsAgreed { expired: true } | Said::RejectedAsRestored
            ),
        };
        for member in &mut live.members {
            member.take(&evidence, self.cohorts[member.change].change.at_us);
        }
    }

    fn move_on(&mut self, live: &mut Live, row: &Observation, said: Said, state: StateSaid) {
        match said {
            Said::LoggedIn => live.logs_in(row),
            // No login is seen where the plan has none: the first recognition stands for it.
            Said::Recognised if live.begun.is_none() => live.logs_in(row),
            Said::Rejected => live.standing = Standing::Asked,
            Said::RejectedAsAgreed { expired: true } | Said::RejectedAsRestored => {
                self.restored.asked_to_log_in_again += u64::from(said == Said::RejectedAsRestored);
                live.standing = Standing::Out;
                live.forget_states(&self.rules.states);
            }
            Said::LoggedOut => {
                live.standing = Standing::Out;
                live.forget_states(&self.rules.states);
            }
            _ => {}
        }
        if matches!(said, Said::LoggedIn | Said::Recognised) {
            live.last_verified = Some(row.last_byte);
        }
        let facts = &mut live.facts;
        facts.answered |= said != Said::Unanswered;
        facts.verified |= said == Said::Recognised;
        facts.relogin |= said == Said::Rejected;
        facts.expired |= said == Said::RejectedAsAgreed { expired: true };
        facts.wrong_user |= said == Said::WrongUser;
        facts.state_lost |= state == StateSaid::Lost;
        facts.duplicated |= state == StateSaid::Duplicated;
        facts.ambiguous |= state == StateSaid::Ambiguous;
        if said != Said::Unanswered {
            live.before = Some(Answered {
                started: row.started,
                last_byte: row.last_byte,
                step: row.step,
                place: Place::of(row),
            });
        }
    }
}
