//! One step of a session: the request made, sent, followed through its redirects, and written down.

use super::answer::Answer;
use super::compiled::{CompiledBody, CompiledRejection, CompiledState, CompiledStep};
use super::connection::{Connection, RequestBody};
use super::exchange::{BodyPolicy, Unanswered, exchange};
use super::journey::Journey;
use super::notes::{LastOf, Part};
use super::render::{Place, Unset};
use super::shard::{self, SlotId};
use super::target::{Origin, TargetError};
use crate::history::{ConnectionUse, Failure, RequestKey, StateOp, TraceRoot};
use crate::plan::Role;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, Version, header};
use http_body_util::Full;
use std::borrow::Cow;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant, UNIX_EPOCH};
use url::Url;

/// More redirects than this in one step are a loop (browsers stop at 20).
const MOST_REDIRECTS: u8 = 20;

/// A server that closes an idle connection may do so while a request is on its way to it. That is seen within a round
/// trip: a few milliseconds within a region, and some for this machine to notice. A connection that ends later ended
/// with the request in progress.
pub(super) const CLOSE_CROSSES_WITHIN: Duration = Duration::from_millis(50);

/// As long as most paths get when they are filled in.
const ROOM_FOR_PATH: usize = 64;

/// What a step came to.
#[derive(Debug)]
pub struct Performed {
    pub ended: Instant,
    pub rejected: bool,
    /// Its job is to be asked for once more.
    pub polls_on: bool,
    /// The session ended with it: its login was not taken, or it may not log in again.
    pub gives_up: bool,
}

/// A request ready to be sent, more than once if need be.
struct Outgoing<'a> {
    method: Method,
    /// Where it goes; the target itself unless a redirect led elsewhere.
    origin: Option<Arc<Origin>>,
    /// Path and query.
    target: Uri,
    headers: Cow<'a, HeaderMap>,
    /// By which the balancer's access log tells of it.
    trace: Option<HeaderValue>,
    body: Bytes,
}

/// How one request went, before anybody looks at what the answer says.
pub(super) struct Sent {
    pub outcome: Result<Answer, Unanswered>,
    /// When it was handed to a connection; None when there was none to hand it to.
    pub started: Option<Instant>,
    pub connection: ConnectionUse,
    pub address: Option<SocketAddr>,
}

impl Sent {
    /// Nothing has gone out.
    pub fn nothing(failure: Failure) -> Sent {
        let outcome = Err(Unanswered::of(failure));
        Sent { outcome, started: None, connection: ConnectionUse::Opened, address: None }
    }
}

impl Journey<'_> {
    /// Performs a step that is due at `due`.
    pub async fn perform(&mut self, step: &CompiledStep, due: Instant, last: LastOf) -> Performed {
        let mut due = due;
        let (mut outgoing, mut writes) = match self.prepare(step) {
            Ok(prepared) => prepared,
            Err(Unset) => return self.not_sent(step, due, last),
        };
        for number in 0..=MOST_REDIRECTS {
            outgoing.trace = self.trace(&outgoing, due);
            let sent = self.send(&outgoing, step.needs_body).await;
            let redirect = match &sent.outcome {
                Ok(answer)
                    if step.follow_redirects && number < MOST_REDIRECTS && !self.is_turned_away(step, answer) =>
                {
                    self.redirect(&outgoing, answer)
                }
                _ => None,
            };
            let states = if number == 0 { std::mem::take(&mut writes) } else { Vec::new() };
            let (origin, target) = (outgoing.origin.clone(), outgoing.target.clone());
            let part = Part { due, number, sent, states, origin, target };
            match redirect {
                Some(next) => {
                    due = self.note_redirect(step, part);
                    outgoing = next;
                }
                None => return self.conclude(step, part, last),
            }
        }
        unreachable!("the last part is never followed")
    }

    /// The step's own request, and what it asks of the session's state.
    fn prepare<'a>(&mut self, step: &'a CompiledStep) -> Result<(Outgoing<'a>, Vec<StateOp>), Unset> {
        let plan = self.plan;
        for (variable, template) in &step.assign {
            self.values.variables[usize::from(*variable)] = Some(self.values.filled(template, Place::Plain)?);
        }
        let target = match &self.fixed_targets[usize::from(step.id.0)] {
            Some(target) => target.clone(),
            None => {
                let mut path = String::with_capacity(self.base.path.len() + ROOM_FOR_PATH);
                path.push_str(&self.base.path);
                self.values.fill(&step.path, Place::Path, &mut path)?;
                uri(path)
            }
        };
        let mut headers = Cow::Borrowed(&step.headers);
        for (name, template) in &step.filled_headers {
            let value = self.values.filled(template, Place::Plain)?;
            headers.to_mut().insert(name.clone(), HeaderValue::from_str(&value).map_err(|_| Unset)?);
        }
        let body = match &step.body {
            CompiledBody::Literal(body) => body.clone(),
            CompiledBody::Form(fields) => self.values.form(fields)?.into(),
            CompiledBody::Json(template) => self.values.filled(template, Place::Json)?.into(),
            CompiledBody::Raw(template) => self.values.filled(template, Place::Plain)?.into(),
        };
        let mut writes = Vec::new();
        for state in &step.states {
            match state {
                CompiledState::Add { state, amount } => writes.push(StateOp::Add { state: *state, amount: *amount }),
                CompiledState::Set { state, value } => {
                    let value = plan.fingerprints.of(self.values.filled(value, Place::Plain)?.as_bytes());
                    writes.push(StateOp::Set { state: *state, value });
                }
                CompiledState::StartJob { state } => writes.push(StateOp::JobStarted { state: *state }),
                CompiledState::ReadCounter { .. } | CompiledState::ReadRegister { .. } => {}
            }
        }
        Ok((Outgoing { method: step.method.clone(), origin: None, target, headers, trace: None, body }, writes))
    }

    /// The request that follows a redirect, if the answer is one that can be followed.
    fn redirect<'a>(&self, from: &Outgoing<'a>, answer: &Answer) -> Option<Outgoing<'a>> {
        if !answer.status.is_redirection() {
            return None;
        }
        let location = answer.headers.get(header::LOCATION)?.to_str().ok()?;
        let current = self.url_of(from);
        let url = current.join(location).ok()?;
        let origin = Origin::of(&url).ok()?;
        let same = origin == *self.base.origin;
        // 307 and 308 repeat the request; after the others a browser gets the new place (RFC 9110 §15.4).
        let repeats = matches!(answer.status, StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT);
        let mut headers = from.headers.clone();
        if !repeats {
            headers.to_mut().remove(header::CONTENT_TYPE);
        }
        if !same {
            headers.to_mut().remove(header::AUTHORIZATION);
        }
        Some(Outgoing {
            method: if repeats || from.method == Method::HEAD { from.method.clone() } else { Method::GET },
            origin: (!same).then(|| Arc::new(origin)),
            target: uri(url[url::Position::BeforePath..url::Position::AfterQuery].to_owned()),
            headers,
            trace: None,
            body: if repeats { from.body.clone() } else { Bytes::new() },
        })
    }

    fn trace(&self, outgoing: &Outgoing<'_>, due: Instant) -> Option<HeaderValue> {
        // Another origin has another balancer.
        if !self.plan.traced || outgoing.origin.is_some() {
            return None;
        }
        let clock = shard::with(|shard| shard.clock);
        let run = clock.zero_wall().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros() as i64;
        let request = RequestKey::new(self.values.session, clock.offset(due));
        HeaderValue::from_str(&TraceRoot { run: TraceRoot::run_of(run), request }.to_string()).ok()
    }

    fn url_of(&self, outgoing: &Outgoing<'_>) -> Url {
        outgoing.origin.as_ref().unwrap_or(&self.base.origin).at(&outgoing.target)
    }

    /// Sends a request within the time-out, over the session's connection or a new one.
    async fn send(&mut self, outgoing: &Outgoing<'_>, keep_body: bool) -> Sent {
        let (slot, timeout, begun) = (self.slot, self.plan.timeout, Instant::now());
        shard::with(|shard| shard.set_deadline(slot, begun + timeout));
        let mut sent = Sent::nothing(Failure::Timeout);
        let given_up = InTime { slot, attempt: pin!(self.send_untimed(outgoing, keep_body, &mut sent)) }.await.err();
        let too_late = sent.outcome.as_ref().is_ok_and(|answer| answer.last_byte - begun > timeout);
        if let Some(failure) = given_up.or(too_late.then_some(Failure::Timeout)) {
            // The connection has half a conversation on it.
            self.connection = None;
            // What did not come about in time is then the connection. That the run ended is no fault of it.
            let unconnected = failure == Failure::Timeout && sent.started.is_none();
            sent.outcome = Err(Unanswered::of(if unconnected { Failure::Connect } else { failure }));
        }
        sent
    }

    async fn send_untimed(&mut self, outgoing: &Outgoing<'_>, keep_body: bool, sent: &mut Sent) {
        let (base, elsewhere) = (self.base, outgoing.origin.as_deref());
        let origin = elsewhere.unwrap_or(&base.origin);
        let policy = BodyPolicy { limit: self.plan.max_body, keep: keep_body };
        // Another origin (single sign-on) gets a connection of its own for the one request.
        let kept = if elsewhere.is_some() { None } else { self.connection.take() };
        let was_fresh = kept.as_ref().is_some_and(Connection::is_fresh);
        let mut kept = kept.filter(Connection::is_fresh);
        if kept.as_mut().is_some_and(Connection::is_closed) {
            kept = None;
        }
        sent.connection = match (&kept, was_fresh) {
            (Some(_), _) => ConnectionUse::Kept,
            (None, true) => ConnectionUse::Reopened,
            (None, false) => ConnectionUse::Opened,
        };
        loop {
            let mut connection = match kept.take() {
                Some(connection) => connection,
                None => match self.connector.open(origin).await {
                    Ok(connection) => connection,
                    Err(error) => {
                        sent.outcome = Err(Unanswered { unsent: true, ..Unanswered::of(connect_failure(&error)) });
                        return;
                    }
                },
            };
            sent.address = Some(connection.address);
            let request = self.request(outgoing, origin, &connection);
            let started = Instant::now();
            sent.started = Some(started);
            let outcome = exchange(&mut connection, request, policy).await;
            let died_idle = sent.connection == ConnectionUse::Kept
                && outcome.as_ref().is_err_and(|error| {
                    let crossed = error.connection_was_dead && started.elapsed() < CLOSE_CROSSES_WITHIN;
                    // A request that may have arrived is repeated only where repeating does no harm (RFC 9110 §9.2.2).
                    error.unsent || (crossed && outgoing.method.is_safe())
                });
            if died_idle {
                sent.connection = ConnectionUse::Reopened;
                continue;
            }
            if outcome.is_ok() && elsewhere.is_none() {
                self.connection = Some(connection);
            }
            sent.outcome = outcome;
            return;
        }
    }

    fn request(&mut self, outgoing: &Outgoing<'_>, origin: &Origin, connection: &Connection) -> Request<RequestBody> {
        let mut request = Request::new(Full::new(outgoing.body.clone()));
        *request.method_mut() = outgoing.method.clone();
        *request.uri_mut() = if connection.is_http2() {
            *request.version_mut() = Version::HTTP_2;
            uri(format!("{}{}", &origin.url[..url::Position::BeforePath], outgoing.target))
        } else {
            outgoing.target.clone()
        };
        let cookie = match &outgoing.origin {
            None => self.cookies.header(|| origin.at(&outgoing.target)),
            Some(elsewhere) => self.cookies.header_elsewhere(&elsewhere.at(&outgoing.target)),
        };
        // Not a clone, which would be made to measure and grow with the next field.
        let mut headers = std::mem::take(&mut self.spare_fields);
        headers.extend(outgoing.headers.iter().map(|(name, value)| (name.clone(), value.clone())));
        if !connection.is_http2() {
            headers.insert(header::HOST, origin.host_header.clone());
        }
        if let Some(cookie) = cookie {
            headers.insert(header::COOKIE, cookie);
        }
        if let Some(trace) = &outgoing.trace {
            headers.insert(TraceRoot::HEADER, trace.clone());
        }
        *request.headers_mut() = headers;
        request
    }

    /// The application asks a session that had logged in to do so again.
    pub(super) fn is_rejected(&self, step: &CompiledStep, answer: &Answer) -> bool {
        self.logged_in && step.role == Role::Ordinary && self.asks_for_login(answer)
    }

    /// The same, or the login that should have been complete leads back to the login.
    pub(super) fn is_turned_away(&self, step: &CompiledStep, answer: &Answer) -> bool {
        self.is_rejected(step, answer) || (step.completes_login && self.asks_for_login(answer))
    }

    fn asks_for_login(&self, answer: &Answer) -> bool {
        self.plan.rejected.iter().any(|rule| rejects(rule, answer))
    }
}

/// An attempt at a request, given up when its slot's deadline has passed or the run is cut.
struct InTime<'a, T> {
    slot: SlotId,
    attempt: Pin<&'a mut T>,
}

impl<T: Future> Future for InTime<'_, T> {
    type Output = Result<T::Output, Failure>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Poll::Ready(outcome) = self.attempt.as_mut().poll(context) {
            return Poll::Ready(Ok(outcome));
        }
        match shard::with(|shard| shard.gives_up(self.slot)) {
            Some(failure) => Poll::Ready(Err(failure)),
            None => Poll::Pending,
        }
    }
}

fn connect_failure(error: &TargetError) -> Failure {
    match error {
        TargetError::Resolve { .. } => Failure::Dns,
        TargetError::Handshake { .. } | TargetError::TlsSetup { .. } | TargetError::CaFile { .. } => Failure::Tls,
        TargetError::Url { .. } | TargetError::Connect { .. } | TargetError::Silent { .. } => Failure::Connect,
    }
}

fn rejects(rule: &CompiledRejection, answer: &Answer) -> bool {
    let location = || answer.headers.get(header::LOCATION)?.to_str().ok();
    let leads_to = |path: &String| {
        answer.status.is_redirection() && location().is_some_and(|location| path_of(location).starts_with(&**path))
    };
    let says = |text: &Vec<u8>| memchr::memmem::find(&answer.body, text).is_some();
    (rule.status.is_empty() || rule.status.contains(&answer.status.as_u16()))
        && rule.redirect.as_ref().is_none_or(leads_to)
        && rule.body.as_ref().is_none_or(says)
}

/// A path that is no URI asks for the root; `prepare` has encoded all that could make it so.
pub(super) fn uri(path: String) -> Uri {
    Uri::try_from(path).unwrap_or_default()
}

/// The path of a `Location`, which may be a whole URL.
fn path_of(location: &str) -> &str {
    match location.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
        None => location,
    }
}
