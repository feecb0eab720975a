//! One request and its response.

use super::answer::{Answer, decode};
use super::connection::{Connection, Http1Driver, Link, RequestBody};
use super::shard;
use crate::history::Failure;
use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
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
    let outcome = match &mut connection.link {
        Link::Http1 { sender, driver } => {
            let talk = async {
                sender.ready().await.map_err(|error| unanswered(&error))?;
                let response = sender.send_request(request).await.map_err(|error| unanswered(&error))?;
                read(response, body).await
            };
            Driven { talk: pin!(talk), driver: Some(driver) }.await
        }
        Link::Http2(sender) => {
            let talk = async {
                sender.ready().await.map_err(|error| unanswered(&error))?;
                let response = sender.send_request(request).await.map_err(|error| unanswered(&error))?;
                read(response, body).await
            };
            Driven { talk: pin!(talk), driver: None }.await
        }
    };
    let mut answer = outcome?;
    if body.keep {
        answer.body = decode(&answer.headers, answer.body, body.limit).map_err(Unanswered::of)?;
    }
    Ok(answer)
}

/// Polls a conversation, and the connection under it where that has no task of its own; gives up when the run is cut.
struct Driven<'a, T> {
    talk: Pin<&'a mut T>,
    driver: Option<&'a mut Http1Driver>,
}

impl<T: Future<Output = Result<Answer, Unanswered>>> Future for Driven<'_, T> {
    type Output = T::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T::Output> {
        if let Poll::Ready(outcome) = self.talk.as_mut().poll(context) {
            return Poll::Ready(outcome);
        }
        if let Some(driver) = &mut self.driver {
            // What it just read, or that it ended, is for the conversation to find.
            driver.poll_ended(context);
            if let Poll::Ready(outcome) = self.talk.as_mut().poll(context) {
                return Poll::Ready(outcome);
            }
        }
        if shard::with(|shard| shard.cut) {
            return Poll::Ready(Err(Unanswered::of(Failure::Abandoned)));
        }
        Poll::Pending
    }
}

async fn read(response: Response<Incoming>, policy: BodyPolicy) -> Result<Answer, Unanswered> {
    let first_byte = Instant::now();
    let (head, mut incoming) = response.into_parts();
    let (mut received, mut kept) = (0usize, Kept::None);
    while let Some(frame) = incoming.frame().await {
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
