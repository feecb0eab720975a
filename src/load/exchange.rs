//! One request and its response.

use super::answer::{Answer, decode};
use super::connection::{Connection, Http1Driver, Link, RequestBody};
use crate::history::Failure;
use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

/// What of the body is wanted.
#[derive(Clone, Copy)]
pub struct BodyPolicy {
    /// Longer bodies are an error.
    pub limit: usize,
    /// Keep (and decode) it; otherwise it is read and counted only.
    pub keep: bool,
}

/// A request that got no whole response.
#[derive(Debug)]
pub struct Unanswered {
    pub failure: Failure,
    /// Nothing came back, and the connection went away as one does that the server had closed while idle.
    pub connection_was_dead: bool,
    /// The request certainly never left.
    pub unsent: bool,
}

impl Unanswered {
    pub fn of(failure: Failure) -> Unanswered {
        Unanswered { failure, connection_was_dead: false, unsent: false }
    }
}

/// Sends a request over an open connection and reads the response to its end. Must be polled by a load thread.
pub async fn exchange(
    connection: &mut Connection,
    request: Request<RequestBody>,
    body: BodyPolicy,
) -> Result<Answer, Unanswered> {
    connection.count_request();
    let mut answer = match &mut connection.link {
        Link::Http1 { sender, driver } => {
            if !sender.is_ready() {
                Driven { talk: pin!(sender.ready()), driver }.await.map_err(|error| unanswered(&error))?;
            }
            // Sent here and not within: a request is large to carry from one future to the next.
            driver.nudge.hold();
            let response = sender.send_request(request);
            driver.nudge.release();
            let talk = async { read(response.await.map_err(|error| unanswered(&error))?, body).await };
            Driven { talk: pin!(talk), driver }.await?
        }
        Link::Http2(sender) => {
            sender.ready().await.map_err(|error| unanswered(&error))?;
            let response = sender.send_request(request).await.map_err(|error| unanswered(&error))?;
            read(response, body).await?
        }
    };
    if body.keep {
        answer.body = decode(&answer.headers, answer.body, body.limit).map_err(Unanswered::of)?;
    }
    Ok(answer)
}

/// Polls a conversation and the connection under it, which has no task of its own.
struct Driven<'a, T> {
    talk: Pin<&'a mut T>,
    driver: &'a mut Http1Driver,
}

impl<T: Future> Future for Driven<'_, T> {
    type Output = T::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T::Output> {
        let Driven { talk, driver } = &mut *self;
        debug_assert!(driver.nudge.wakes(context.waker()), "a connection stays with the task that opened it");
        driver.nudge.hold();
        let outcome = converse(talk.as_mut(), driver);
        driver.nudge.release();
        outcome
    }
}

/// As long as one has something for the other.
fn converse<T: Future>(mut talk: Pin<&mut T>, driver: &mut Http1Driver) -> Poll<T::Output> {
    /// hyper's driver may wake itself to let others have their turn, and so may tokio's sockets.
    const ROUNDS: usize = 8;
    // What the conversation waits for comes from the driver, after which it is asked anyway.
    let listening = &mut Context::from_waker(Waker::noop());
    for _ in 0..ROUNDS {
        driver.nudge.take();
        // That it ended is for the conversation to find.
        driver.has_ended();
        let has_more = driver.nudge.take();
        if let Poll::Ready(outcome) = talk.as_mut().poll(listening) {
            // What the conversation asked for last, it no longer needs.
            driver.nudge.set(has_more);
            return Poll::Ready(outcome);
        }
        if !driver.nudge.take() && !has_more {
            return Poll::Pending;
        }
    }
    driver.nudge.pass_on();
    Poll::Pending
}

async fn read(response: Response<Incoming>, policy: BodyPolicy) -> Result<Answer, Unanswered> {
    let first_byte = Instant::now();
    let (head, mut incoming) = response.into_parts();
    let (mut received, mut kept) = (0usize, Kept::None);
    while !incoming.is_end_stream()
        && let Some(frame) = incoming.frame().await
    {
        let frame = frame.map_err(|error| Unanswered::of(failure(&error)))?;
        let Ok(data) = frame.into_data() else { continue };
        received += data.len();
        if received > policy.limit {
            return Err(Unanswered::of(Failure::TooLarge));
        }
        if policy.keep {
            kept = kept.with(data);
        }
    }
    Ok(Answer {
        status: head.status,
        headers: head.headers,
        body: kept.into_bytes(),
        body_bytes: received,
        first_byte,
        last_byte: Instant::now(),
    })
}

/// A body so far. Most come in one piece, which is then not copied.
enum Kept {
    None,
    One(Bytes),
    Many(BytesMut),
}

impl Kept {
    fn with(self, data: Bytes) -> Kept {
        match self {
            Kept::None => Kept::One(data),
            Kept::One(first) => {
                let mut many = BytesMut::with_capacity(2 * (first.len() + data.len()));
                many.extend_from_slice(&first);
                many.extend_from_slice(&data);
                Kept::Many(many)
            }
            Kept::Many(mut many) => {
                many.extend_from_slice(&data);
                Kept::Many(many)
            }
        }
    }

    fn into_bytes(self) -> Bytes {
        match self {
            Kept::None => Bytes::new(),
            Kept::One(one) => one,
            Kept::Many(many) => many.freeze(),
        }
    }
}

fn unanswered(error: &hyper::Error) -> Unanswered {
    let failure = failure(error);
    Unanswered { failure, connection_was_dead: failure == Failure::Reset, unsent: error.is_canceled() }
}

fn failure(error: &hyper::Error) -> Failure {
    if error.is_parse() || error.is_parse_too_large() { Failure::Malformed } else { Failure::Reset }
}
