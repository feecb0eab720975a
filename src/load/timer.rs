//! A timer exact to microseconds. tokio's rounds to a millisecond, which would bias every response time that is
//! counted from an intended start; on Linux one timerfd a load thread, armed for the earliest of all waits, does
//! not. Elsewhere tokio's own timer is the best there is.

use super::shard;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

/// All waits of one load thread.
#[derive(Default)]
pub struct Timers {
    waits: BinaryHeap<Reverse<Wait>>,
    /// Woken when a new wait is earlier than all before it.
    driver: Option<Waker>,
    next_id: u64,
}

struct Wait {
    due: Instant,
    id: u64,
    waker: Waker,
}

impl PartialEq for Wait {
    fn eq(&self, other: &Wait) -> bool {
        self.id == other.id
    }
}
impl Eq for Wait {}
impl PartialOrd for Wait {
    fn partial_cmp(&self, other: &Wait) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Wait {
    fn cmp(&self, other: &Wait) -> std::cmp::Ordering {
        (self.due, self.id).cmp(&(other.due, other.id))
    }
}

impl Timers {
    fn add(&mut self, due: Instant, waker: Waker) {
        let earliest = self.waits.peek().is_none_or(|Reverse(first)| due < first.due);
        self.waits.push(Reverse(Wait { due, id: self.next_id, waker }));
        self.next_id += 1;
        if earliest && let Some(driver) = self.driver.take() {
            driver.wake();
        }
    }

    /// Wakes everything due by `now` and returns when the next wait is due. A wait given up before its time is
    /// left in the heap: waking its task once for nothing is cheaper than finding it.
    fn fire(&mut self, now: Instant) -> Option<Instant> {
        while let Some(Reverse(first)) = self.waits.peek() {
            if first.due > now {
                return Some(first.due);
            }
            if let Some(Reverse(wait)) = self.waits.pop() {
                wait.waker.wake();
            }
        }
        None
    }

    /// Wakes every wait, due or not: the run is ending.
    pub fn wake_all(&mut self) {
        for Reverse(wait) in self.waits.drain() {
            wait.waker.wake();
        }
    }
}

/// Whether a wait ran its full length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    InFull,
    /// The run is ending; there is nothing more to wait for.
    CutShort,
}

/// Waits until `due` on the calling load thread's timer, or until the run ends.
pub fn sleep_until(due: Instant) -> SleepUntil {
    SleepUntil { due, registered: false }
}

pub struct SleepUntil {
    due: Instant,
    registered: bool,
}

impl Future for SleepUntil {
    type Output = Waited;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Waited> {
        if shard::with(|shard| shard.stopping) {
            return Poll::Ready(Waited::CutShort);
        }
        if Instant::now() >= self.due {
            return Poll::Ready(Waited::InFull);
        }
        // A goose user is one task for life, so the waker first registered stays the right one.
        if !self.registered {
            self.registered = true;
            let due = self.due;
            shard::with(|shard| shard.timers.add(due, context.waker().clone()));
        }
        Poll::Pending
    }
}

/// Runs the calling load thread's timers for ever.
pub async fn drive() {
    let mut alarm = Alarm::new();
    loop {
        let now = Instant::now();
        let next = shard::with(|shard| shard.timers.fire(now));
        std::future::poll_fn(|context| {
            let earlier = shard::with(|shard| {
                let first = shard.timers.waits.peek().map(|Reverse(wait)| wait.due);
                if first != next {
                    return true;
                }
                shard.timers.driver = Some(context.waker().clone());
                false
            });
            if earlier {
                return Poll::Ready(());
            }
            match next {
                Some(due) => alarm.poll_due(due, context),
                None => Poll::Pending,
            }
        })
        .await;
        if let Some(due) = next {
            let lag = Instant::now().saturating_duration_since(due);
            shard::with(|shard| shard.gauges.timer_lag(lag));
        }
    }
}

#[cfg(target_os = "linux")]
pub use linux::Alarm;
#[cfg(not(target_os = "linux"))]
pub use portable::Alarm;

#[cfg(target_os = "linux")]
mod linux {
    use nix::sys::time::TimeSpec;
    use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
    use std::os::fd::{AsFd, AsRawFd};
    use std::task::{Context, Poll, ready};
    use std::time::{Duration, Instant};
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    pub const NAME: &str = "timerfd";

    /// A timerfd, armed for one instant at a time.
    pub struct Alarm {
        timer: AsyncFd<Armable>,
        armed: Option<Instant>,
    }

    struct Armable(TimerFd);

    impl AsRawFd for Armable {
        fn as_raw_fd(&self) -> i32 {
            self.0.as_fd().as_raw_fd()
        }
    }

    impl Alarm {
        pub fn new() -> Alarm {
            let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
            let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, flags).expect("a timerfd can be made");
            // SAFETY: the descriptor is owned by the `TimerFd` inside, and stays open and the same as long as it.
            let timer = unsafe { AsyncFd::register_with_interest(Armable(timer), Interest::READABLE) };
            Alarm { timer: timer.expect("a timerfd can be watched"), armed: None }
        }

        /// Ready once `due` has passed.
        pub fn poll_due(&mut self, due: Instant, context: &mut Context<'_>) -> Poll<()> {
            if self.armed != Some(due) {
                // Zero would disarm the timer.
                let left = due.saturating_duration_since(Instant::now()).max(Duration::from_nanos(1));
                let shot = Expiration::OneShot(TimeSpec::from_duration(left));
                self.timer.get_ref().0.set(shot, TimerSetTimeFlags::empty()).expect("a timerfd can be armed");
                self.armed = Some(due);
            }
            loop {
                let mut guard = ready!(self.timer.poll_read_ready(context)).expect("a timerfd can be watched");
                // What made it readable may be an alarm set for another instant: reading takes that back.
                let mut expirations = [0u8; 8];
                let read = nix::unistd::read(self.timer.get_ref().0.as_fd(), &mut expirations);
                guard.clear_ready();
                if read.is_ok() {
                    self.armed = None;
                    return Poll::Ready(());
                }
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod portable {
    use std::pin::Pin;
    use std::task::{Context, Poll};
    use std::time::Instant;

    pub const NAME: &str = "tokio";

    pub struct Alarm {
        sleep: Pin<Box<tokio::time::Sleep>>,
        armed: Option<Instant>,
    }

    impl Alarm {
        pub fn new() -> Alarm {
            Alarm { sleep: Box::pin(tokio::time::sleep_until(Instant::now().into())), armed: None }
        }

        pub fn poll_due(&mut self, due: Instant, context: &mut Context<'_>) -> Poll<()> {
            if self.armed != Some(due) {
                self.sleep.as_mut().reset(due.into());
                self.armed = Some(due);
            }
            self.sleep.as_mut().poll(context)
        }
    }
}

#[cfg(target_os = "linux")]
pub use linux::NAME;
#[cfg(not(target_os = "linux"))]
pub use portable::NAME;
