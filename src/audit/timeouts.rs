use super::application::{Application, Journey, Standing};
use super::check::{Check, Practice};
use super::conduct::Progress;
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};

const IDLE: Practice = Practice {
    name: "idle time-out honoured",
    why: "a session that lives longer than agreed can be used by whoever finds it; one that ends sooner is a re-login",
    remedy: "end a session on the server once it was idle for as long as agreed; the cookie's age ends nothing",
};
const ABSOLUTE: Practice = Practice {
    name: "absolute time-out honoured",
    why: "a stolen session that is kept busy would otherwise never end",
    remedy: "keep the time of the login in the session, and end it at the agreed age however busy it is",
};

/// How long sessions are agreed to last; None: that is not known.
#[derive(Clone, Copy, Debug)]
pub struct TimeOuts {
    /// Without a request.
    pub idle: Option<Duration>,
    /// However busy.
    pub absolute: Option<Duration>,
}

/// A session is looked at this share of a time-out before it is over, when it still has to be accepted.
const BEFORE: f64 = 0.8;
/// Requests within an absolute time-out.
const BEATS: f64 = 10.0;

impl TimeOuts {
    /// What waiting for both takes.
    pub fn lasts(&self) -> Duration {
        [self.idle, self.absolute].into_iter().flatten().map(past).max().unwrap_or_default()
    }
}

/// Long enough after a time-out for an application that counts in whole seconds, or clears up now and then.
fn past(limit: Duration) -> Duration {
    limit + limit.mul_f64(0.1).clamp(Duration::from_secs(2), Duration::from_secs(60))
}

/// Waits for sessions to end, each of a user of its own, side by side.
pub(super) async fn wait_for_ends(
    application: &Application<'_>,
    journey: Result<Journey, String>,
    limits: TimeOuts,
    tell: &dyn Fn(Progress),
) -> Vec<Check> {
    let journey = match journey {
        Ok(journey) => journey,
        Err(why) => return [IDLE, ABSOLUTE].map(|practice| practice.unknown(why.clone())).to_vec(),
    };
    let both = async {
        let (idle, absolute) =
            tokio::join!(async { Some(idle_ends(application, journey, limits.idle?, limits.absolute).await) }, async {
                Some(busy_ends(application, journey, limits.absolute?, limits.idle).await)
            },);
        let unsaid = |practice: Practice, key| practice.not_applicable(format!("the profile names no `{key}`"));
        vec![
            idle.unwrap_or_else(|| unsaid(IDLE, "session.idle_timeout")),
            absolute.unwrap_or_else(|| unsaid(ABSOLUTE, "session.lifetime")),
        ]
    };
    tokio::select! {
        checks = both => checks,
        never = keep_telling(limits.lasts(), tell) => match never {},
    }
}

/// The checks, left out.
pub fn not_waited_for(why: &str) -> Vec<Check> {
    [IDLE, ABSOLUTE].map(|practice| practice.not_applicable(why)).to_vec()
}

async fn keep_telling(of: Duration, tell: &dyn Fn(Progress)) -> std::convert::Infallible {
    let begun = Instant::now();
    loop {
        tell(Progress::Waiting { waited: begun.elapsed().min(of), of });
        sleep(Duration::from_secs(1)).await;
    }
}

/// A session that is left alone is there shortly before its time-out, and another one is gone after it.
async fn idle_ends(
    application: &Application<'_>,
    journey: Journey,
    limit: Duration,
    lifetime: Option<Duration>,
) -> Check {
    let begun = Instant::now();
    let log_in =
        async { Ok::<_, String>((application.log_in_by(journey, 1).await?, application.log_in_by(journey, 3).await?)) };
    let (mut visit, mut left_for_good) = match log_in.await {
        Ok(visits) => visits,
        Err(why) => return IDLE.unknown(why),
    };
    let agreed = Seconds(limit);
    let left = Instant::now();
    sleep(limit.mul_f64(BEFORE)).await;
    let standing = application.standing(&mut visit, journey.proof).await;
    let idle = left.elapsed();
    match standing {
        _ if idle >= limit => return IDLE.unknown(too_slow(limit)),
        Standing::LoggedIn => {}
        // The application's count began somewhere within the login.
        Standing::Stranger if begun.elapsed() >= limit => return IDLE.unknown(too_slow(limit)),
        Standing::Stranger => {
            return IDLE.holds(false, format!("asked to log in after {} idle, {agreed} agreed", Seconds(idle)));
        }
        Standing::Unclear(why) => return IDLE.unknown(why),
    }
    sleep_until(left + past(limit)).await;
    let (known, gone) = (Seconds(idle), Seconds(left.elapsed()));
    match application.standing(&mut left_for_good, journey.proof).await {
        Standing::Stranger if lifetime.is_some_and(|lifetime| begun.elapsed() >= lifetime) => {
            IDLE.unknown(format!("after {gone} idle a session is as old as sessions get"))
        }
        Standing::Stranger => IDLE.holds(true, format!("accepted after {known} idle, refused after {gone}")),
        Standing::LoggedIn => IDLE.holds(false, format!("still accepted after {gone} idle, {agreed} agreed")),
        Standing::Unclear(why) => IDLE.unknown(why),
    }
}

/// A session that is never idle for long is there shortly before its time-out, and gone after it.
async fn busy_ends(
    application: &Application<'_>,
    journey: Journey,
    limit: Duration,
    idle_limit: Option<Duration>,
) -> Check {
    let begun = Instant::now();
    let mut visit = match application.log_in_by(journey, 2).await {
        Ok(visit) => visit,
        Err(why) => return ABSOLUTE.unknown(why),
    };
    // The application's count began somewhere within the login.
    let agreed = Seconds(limit);
    let logged_in = Instant::now();
    let beat = idle_limit.map_or(limit, |idle| idle / 3).min(limit.div_f64(BEATS));
    let mut last = logged_in;
    let mut known = Duration::ZERO;
    loop {
        sleep_until((last + beat).min((logged_in + past(limit)).max(last))).await;
        let sent = Instant::now();
        if idle_limit.is_some_and(|idle| sent - last >= idle) {
            return ABSOLUTE.unknown(too_slow(limit));
        }
        let standing = application.standing(&mut visit, journey.proof).await;
        last = sent;
        let (youngest, oldest) = (sent - logged_in, begun.elapsed());
        match standing {
            Standing::LoggedIn if youngest >= past(limit) => {
                let seen = format!("a busy session was still accepted after {}, {agreed} agreed", Seconds(youngest));
                return ABSOLUTE.holds(false, seen);
            }
            Standing::LoggedIn => known = youngest,
            Standing::Stranger if oldest < limit => {
                let seen = format!("a busy session was asked to log in after {}, {agreed} agreed", Seconds(oldest));
                return ABSOLUTE.holds(false, seen);
            }
            Standing::Stranger if known < limit.mul_f64(BEFORE) => return ABSOLUTE.unknown(too_slow(limit)),
            Standing::Stranger => {
                let (known, gone) = (Seconds(known), Seconds(oldest));
                return ABSOLUTE.holds(true, format!("a busy session: accepted after {known}, refused after {gone}"));
            }
            Standing::Unclear(why) => return ABSOLUTE.unknown(why),
        }
    }
}

fn too_slow(limit: Duration) -> String {
    format!("answers took too long to look at a session shortly before {} were over", Seconds(limit))
}

/// To the tenth below a minute.
struct Seconds(Duration);

impl std::fmt::Display for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seconds = self.0.as_secs_f64();
        if seconds < 60.0 { write!(f, "{seconds:.1} s") } else { write!(f, "{seconds:.0} s") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_for_both_takes_as_long_as_the_longer() {
        let seconds = Duration::from_secs;
        let lasts = |idle, absolute| TimeOuts { idle, absolute }.lasts();
        assert_eq!(lasts(None, None), Duration::ZERO);
        assert_eq!(lasts(Some(seconds(100)), None), seconds(110));
        assert_eq!(lasts(Some(seconds(100)), Some(seconds(1000))), seconds(1060));
    }
}
