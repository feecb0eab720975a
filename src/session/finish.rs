use super::cohort::CohortTally;
use super::live::Live;
use super::oracle::Oracle;
use super::symptoms::symptoms;
use super::{HandoffCell, InstanceAdoption, SessionFindings};
use crate::history::{Appearance, NameId, Names, Offset};

/// How sessions, and at last the run, are summed up.
impl Oracle {
    pub(super) fn retire(&mut self, live: Live) {
        let facts = live.facts;
        let sessions = &mut self.sessions;
        sessions.logged_in += u64::from(facts.logged_in);
        sessions.verified += u64::from(facts.verified);
        sessions.asked_to_log_in_again += u64::from(facts.relogin);
        sessions.expired_as_agreed += u64::from(facts.expired);
        sessions.wrong_user += u64::from(facts.wrong_user);
        sessions.state_lost += u64::from(facts.state_lost);
        sessions.duplicated += u64::from(facts.duplicated);
        sessions.state_ambiguous += u64::from(facts.ambiguous);
        sessions.never_answered += u64::from(!facts.answered);
        self.handoffs.sessions_placed += u64::from(live.first_instance.is_some());
        self.handoffs.sessions_handed_off += u64::from(live.handed_off);
        self.handoffs.sessions_with_affinity += u64::from(facts.affinity);
        for member in live.members {
            self.cohorts[member.change].take(member);
        }
    }

    /// `names`: the table the rows' ids point into.
    pub fn finish(mut self, names: &Names) -> SessionFindings {
        // What is left had not ended when the record did: it was there at every change after its last row.
        for (_, mut live) in std::mem::take(&mut self.alive) {
            self.join_cohorts(&mut live, Offset(i64::MAX));
            self.retire(*live);
        }
        let name = |id: NameId| names.name(id).to_string();
        let mut cells: Vec<HandoffCell> = (self.cells.iter())
            .map(|((from, to), cell)| HandoffCell {
                from: name(*from),
                to: name(*to),
                requests: cell.requests,
                relogins: cell.relogins,
                state_lost: cell.state_lost,
                wrong_user: cell.wrong_user,
            })
            .collect();
        cells.sort_by(|a, b| (&a.from, &a.to).cmp(&(&b.from, &b.to)));
        self.handoffs.cells = cells;
        let adoption = |id: NameId, appearance: Appearance| {
            let tally = self.adoptions.get(&id)?;
            Some(InstanceAdoption {
                instance: name(id),
                zone: tally.zone.map(name),
                appeared_us: appearance.at,
                launch_known: appearance.launch_known,
                first_response_us: appearance.first_response,
                adopted_sessions: tally.adopted,
                first_adoption_us: tally.first,
                refused_sessions: tally.refused,
            })
        };
        let mut new_instances: Vec<InstanceAdoption> =
            self.appearances.all().filter(|(_, a)| a.new).filter_map(|(id, a)| adoption(id, a)).collect();
        new_instances.sort_by(|a, b| (a.appeared_us, &a.instance).cmp(&(b.appeared_us, &b.instance)));
        let changed: Vec<Offset> = self.cohorts.iter().map(|c| c.change.at_us).collect();
        let cohort = |(index, tally): (usize, CohortTally)| {
            tally.finish(&self.appearances, names, changed.get(index + 1).copied())
        };
        let mut findings = SessionFindings {
            sessions: self.sessions,
            answers: self.answers,
            answers_by_second: self.answer_seconds.finish(),
            states: self.states,
            recognition: self.recognition,
            logins: self.logins,
            handoffs: self.handoffs,
            new_instances,
            cohorts: self.cohorts.into_iter().enumerate().map(cohort).collect(),
            losses: self.losses.finish(),
            causes: self.cause_counts,
            failovers: self.causes.failovers.finish(),
            restored: self.milestones.iter().any(|milestone| milestone.restores).then_some(self.restored),
            symptoms: Vec::new(),
        };
        findings.symptoms = symptoms(&findings);
        findings
    }
}
