//! A run that passes, for tests that spoil it in one way at a time.

use super::{RunFacts, Verdict, decide};
use crate::analysis::{Analyser, Analysis};
use crate::history::fixture::{action, activity, done, launched, row};
use crate::history::{Event, Identity, Names, Observation, Outcome as Answer, Sample};
use crate::plan::fixture::{LOGIN, PAGE, plan, response_time_at_most};
use crate::plan::{Action, OnFailure, Plan, TimelineEntry};
use crate::session::{Oracle, SessionFindings};
use std::time::Duration;

pub struct Run {
    pub plan: Plan,
    pub events: Vec<Event>,
    pub samples: Vec<Sample>,
    pub names: Names,
    pub rows: Vec<Observation>,
    pub facts: RunFacts,
}

impl Run {
    /// Thirty sessions, each served by three instances in turn, of which `new` is launched when all are there.
    pub fn good() -> Run {
        let names = Names::default();
        let mut rows = Vec::new();
        for session in 0..30u64 {
            let since = session as f64 * 0.1;
            rows.push(row(session, LOGIN, since).on("a@z1", &names).who(Identity::LoggedIn));
            for (index, place) in ["a@z1", "b@z2", "a@z1", "new@z2", "b@z2"].iter().enumerate() {
                let due = since + 2.0 + index as f64 * 4.0;
                rows.push(row(session, PAGE, due).on(place, &names).who(Identity::Recognised));
            }
            rows.last_mut().expect("just pushed").last_of_session = true;
        }
        rows.sort_by_key(|row| row.last_byte);
        let mut plan = plan();
        plan.timeline = vec![TimelineEntry {
            at: Duration::from_secs(10),
            action: Action::ScaleOut { by: 1 },
            on_failure: OnFailure::Continue,
        }];
        plan.objectives = vec![response_time_at_most(0.99, 0.1)];
        Run {
            plan,
            events: vec![
                action(10.0, "scale-out"),
                activity(10.1, 2, 3),
                done(10.1, "scale-out"),
                launched(10.2, "new", "z2"),
            ],
            samples: vec![Sample::default(); 10],
            names,
            rows,
            facts: RunFacts { ended: true, ..RunFacts::default() },
        }
    }

    pub fn findings(&self) -> (Analysis, SessionFindings) {
        let mut analyser = Analyser::new(&self.plan, &self.events, &self.samples);
        let mut oracle = Oracle::new(&self.plan, &self.events, &self.samples);
        for row in &self.rows {
            analyser.observe(row, &self.names);
            oracle.observe(row, &self.names);
        }
        let sessions = oracle.finish(&self.names);
        (analyser.finish(&self.names, &sessions.first_adoptions()), sessions)
    }

    pub fn verdict(&self) -> Verdict {
        let (analysis, sessions) = self.findings();
        decide(&self.plan, &analysis, &sessions, &self.facts)
    }
}

/// Rejects the page at which `new` is met.
pub fn reject_on_new(run: &mut Run) {
    let new = run.names.id("new");
    for row in run.rows.iter_mut().filter(|r| r.instance == Some(new)) {
        row.identity = Identity::Rejected;
        row.outcome = Answer::Unexpected;
        row.status = 303;
    }
}
