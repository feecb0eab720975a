//! What came of a request, written down as an observation. Facts only: what they mean is for the oracle.

use super::answer::Answer;
use super::compiled::{CompiledPoll, CompiledState, CompiledStep};
use super::extract::Reader;
use super::journey::Journey;
use super::perform::{Performed, Sent};
use super::shard;
use super::target::Origin;
use crate::history::{Failure, Identity, NameId, Observation, Outcome, StateOp};
use crate::plan::Role;
use http::Uri;
use std::sync::Arc;
use std::time::Instant;

/// A request of a step that has been sent.
pub(super) struct Part {
    pub due: Instant,
    /// 0 for the step's own request, then one for each redirect.
    pub number: u8,
    pub sent: Sent,
    /// What it asks of the session's state.
    pub states: Vec<StateOp>,
    /// Whom it went to; None: the target.
    pub origin: Option<Arc<Origin>>,
    /// Path and query.
    pub target: Uri,
}

/// What a whole answer says.
struct Read {
    outcome: Outcome,
    identity: Identity,
    found_identity: i64,
    instance: Option<NameId>,
    zone: Option<NameId>,
    affinity: bool,
    rejected: bool,
}

/// What a poll saw of its job.
#[derive(Clone, Copy, PartialEq, Eq)]
enum JobSeen {
    Pending,
    Done,
    Lost,
}

/// Whom an answer names as its user: the one expected, or another by fingerprint.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Named {
    AsExpected,
    Other(i64),
}

impl Journey<'_> {
    /// Writes down the last part of a step, and takes from the answer what later steps need.
    pub(super) fn conclude(&mut self, step: &CompiledStep, mut part: Part, last: LastOf) -> Performed {
        let (read, job) = match &part.sent.outcome {
            Ok(answer) => {
                let reader = Reader::new(answer);
                let read = self.read(step, &part, answer, &reader);
                let job = step.poll.as_ref().map(|poll| job_seen(poll, answer, &reader, read.rejected));
                if !read.rejected {
                    self.read_states(step, answer, &reader, &mut part.states);
                    self.extract(step, &reader);
                }
                (Some(read), job)
            }
            Err(_) => (None, None),
        };
        if let Some(poll) = &step.poll {
            let state = poll.plan.state;
            part.states.extend(match job {
                Some(JobSeen::Done) => Some(StateOp::JobDone { state }),
                Some(JobSeen::Lost) => Some(StateOp::JobLost { state }),
                // An answer that never came is the last word on the job, too.
                _ if last.job_overdue => Some(StateOp::JobOverdue { state }),
                Some(JobSeen::Pending) => Some(StateOp::JobPending { state }),
                None => None,
            });
        }
        let as_expected = read.as_ref().is_some_and(|read| read.outcome == Outcome::Ok);
        let rejected = read.as_ref().is_some_and(|read| read.rejected);
        if as_expected && step.completes_login {
            self.logged_in = true;
        }
        if rejected || (as_expected && step.role == Role::Logout) {
            self.logged_in = false;
        }
        // A session whose login is not taken ends there; one that is asked to log in again goes on, if it may.
        let gives_up = match step.role {
            Role::Login => !as_expected,
            _ => rejected && !self.may_log_in_again(),
        };
        let settled = matches!(job, Some(JobSeen::Done | JobSeen::Lost));
        let polls_on = step.poll.is_some() && !rejected && !settled && !last.job_overdue;
        let ends_session = gives_up || (last.of_session && !rejected && !polls_on);
        let ended = self.note(step, part, read, ends_session);
        Performed { ended, rejected, polls_on, gives_up }
    }

    /// Writes down a part that a redirect follows. Returns when the next part is due.
    pub(super) fn note_redirect(&mut self, step: &CompiledStep, part: Part) -> Instant {
        let read = match &part.sent.outcome {
            Ok(answer) => {
                let mut read = self.read_served(&part, answer, &Reader::new(answer));
                read.outcome = Outcome::Ok;
                Some(read)
            }
            Err(_) => None,
        };
        self.note(step, part, read, false)
    }

    /// Writes down a step that could not be made: a variable it needs was never given a value.
    pub(super) fn not_sent(&mut self, step: &CompiledStep, due: Instant, last: LastOf) -> Performed {
        let (origin, target) = (None, Uri::default());
        let part = Part { due, number: 0, sent: Sent::nothing(Failure::NotSent), states: Vec::new(), origin, target };
        let gives_up = step.role == Role::Login;
        let ended = self.note(step, part, None, gives_up || last.of_session);
        // The value will not be there the next time either.
        Performed { ended, rejected: false, polls_on: false, gives_up }
    }

    fn read(&mut self, step: &CompiledStep, part: &Part, answer: &Answer, reader: &Reader<'_>) -> Read {
        let mut read = self.read_served(part, answer, reader);
        read.rejected = self.is_rejected(step, answer);
        let met = step.expect.iter().all(|expectation| reader.meets(expectation, &mut self.values).unwrap_or(false));
        let plan = self.plan;
        let named = plan.identity.as_ref().and_then(|(source, equals)| {
            let found = reader.find(source)?;
            let same = self.values.equals(equals, &found).unwrap_or(false);
            Some(if same { Named::AsExpected } else { Named::Other(plan.fingerprints.of(found.as_bytes())) })
        });
        let proven = plan.identity.is_none() || named == Some(Named::AsExpected);
        let as_expected = met && !self.is_turned_away(step, answer) && (proven || !step.proves_identity);
        read.outcome = if as_expected { Outcome::Ok } else { Outcome::Unexpected };
        read.identity = if read.rejected {
            Identity::Rejected
        } else if let Some(Named::Other(found)) = named.filter(|_| self.logged_in || step.completes_login) {
            read.found_identity = found;
            Identity::Other
        } else if as_expected && step.completes_login {
            Identity::LoggedIn
        } else if as_expected && step.role == Role::Logout {
            Identity::LoggedOut
        } else if self.logged_in && (named.is_some() || (step.proves_identity && as_expected)) {
            Identity::Recognised
        } else {
            Identity::Silent
        };
        read
    }

    /// Who served, and the cookies that came along.
    fn read_served(&mut self, part: &Part, answer: &Answer, reader: &Reader<'_>) -> Read {
        let plan = self.plan;
        let name = |source: &Option<super::compiled::CompiledSource>| {
            let found = reader.find(source.as_ref()?)?;
            shard::with(|shard| Some(shard.name(&found)))
        };
        let (instance, zone) = (name(&plan.instance), name(&plan.zone));
        let base = &self.base.origin;
        let affinity = match &part.origin {
            None => {
                let url = || base.at(&part.target);
                self.cookies.take(&answer.headers, &base.url, url, &plan.affinity, plan.strip_affinity)
            }
            Some(elsewhere) => {
                self.cookies.take_elsewhere(&answer.headers, &elsewhere.at(&part.target), &base.url);
                self.cookies.has_affinity
            }
        };
        Read {
            outcome: Outcome::Unexpected,
            identity: Identity::Silent,
            found_identity: 0,
            instance,
            zone,
            affinity,
            rejected: false,
        }
    }

    fn read_states(&mut self, step: &CompiledStep, answer: &Answer, reader: &Reader<'_>, states: &mut Vec<StateOp>) {
        // An error page is no evidence that the state is gone.
        if !answer.status.is_success() {
            return;
        }
        for state in &step.states {
            match state {
                CompiledState::ReadCounter { state, source } => {
                    let found = reader.find(source).and_then(|text| text.trim().parse().ok());
                    states.push(match found {
                        Some(found) => StateOp::Counted { state: *state, found },
                        None => StateOp::Missing { state: *state },
                    });
                }
                CompiledState::ReadRegister { state, source } => states.push(match reader.find(source) {
                    Some(text) => StateOp::Found { state: *state, value: self.plan.fingerprints.of(text.as_bytes()) },
                    None => StateOp::Missing { state: *state },
                }),
                CompiledState::Add { .. } | CompiledState::Set { .. } | CompiledState::StartJob { .. } => {}
            }
        }
    }

    fn extract(&mut self, step: &CompiledStep, reader: &Reader<'_>) {
        for (variable, source) in &step.extract {
            if let Some(found) = reader.find(source) {
                self.values.variables[usize::from(*variable)] = Some(found.into_owned());
            }
        }
    }

    /// Hands the observation on. Returns when the request ended.
    fn note(&mut self, step: &CompiledStep, part: Part, read: Option<Read>, last_of_session: bool) -> Instant {
        let Part { due, number, sent, states, .. } = part;
        let (status, body_bytes, first_byte, ended, failure) = match &sent.outcome {
            Ok(answer) => {
                let bytes = u32::try_from(answer.body_bytes).unwrap_or(u32::MAX);
                (answer.status.as_u16(), bytes, Some(answer.first_byte), answer.last_byte, None)
            }
            Err(unanswered) => (0, 0, None, Instant::now(), Some(unanswered.failure)),
        };
        if let Ok(mut answer) = sent.outcome {
            answer.headers.clear();
            self.spare_fields = answer.headers;
        }
        let (outcome, identity, found_identity, instance, zone, affinity) = match (read, failure) {
            (Some(read), _) => {
                (read.outcome, read.identity, read.found_identity, read.instance, read.zone, read.affinity)
            }
            (None, failure) => {
                let failure = failure.expect("what was not read had failed");
                (Outcome::Failed(failure), Identity::Silent, 0, None, None, self.cookies.has_affinity)
            }
        };
        shard::with(|shard| {
            let clock = shard.clock;
            let address = sent.address.map(|address| shard.address(address));
            shard.observe(Observation {
                session: self.values.session,
                user: self.user,
                step: step.id,
                part: number,
                intended: clock.offset(due),
                started: clock.offset(sent.started.unwrap_or(ended)),
                first_byte: first_byte.map(|at| clock.offset(at)),
                last_byte: clock.offset(ended),
                outcome,
                status,
                body_bytes,
                instance,
                zone,
                address,
                connection: sent.connection,
                affinity,
                identity,
                found_identity,
                last_of_session,
                states,
            });
        });
        ended
    }
}

/// What ends with the request, if all goes well.
#[derive(Clone, Copy, Debug, Default)]
pub struct LastOf {
    /// Nothing of the session follows.
    pub of_session: bool,
    /// A job that is not seen done now has missed its limit.
    pub job_overdue: bool,
}

fn job_seen(poll: &CompiledPoll, answer: &Answer, reader: &Reader<'_>, rejected: bool) -> JobSeen {
    let state = reader.find(&poll.source);
    match state.as_deref() {
        Some(state) if poll.plan.done.iter().any(|done| done == state) => JobSeen::Done,
        Some(state) if poll.plan.failed.iter().any(|failed| failed == state) => JobSeen::Lost,
        Some(_) => JobSeen::Pending,
        // Not there, said in so many words: only that is a loss. A login page or a 5xx says nothing of the job.
        None if !rejected && (answer.status.is_success() || answer.status.as_u16() == 404) => JobSeen::Lost,
        None => JobSeen::Pending,
    }
}
