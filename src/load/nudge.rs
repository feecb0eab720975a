//! Wake-ups that a conversation gives itself. Handing hyper a request wakes the connection's driver, and asking for a
//! body wakes it again; where both are polled by one task, each such wake would send that task once more through the
//! scheduler, only to find that nothing is left to do.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Wake, Waker};

/// Wakes a task, unless that task is at it already, and notes that it was asked to. A connection and its task live on one
/// load thread, so nothing here races.
pub struct Nudge {
    task: Waker,
    at_it: AtomicBool,
    noted: AtomicBool,
}

impl Nudge {
    pub fn new(task: &Waker) -> Arc<Nudge> {
        Arc::new(Nudge { task: task.clone(), at_it: AtomicBool::new(false), noted: AtomicBool::new(false) })
    }

    /// Whether it wakes the task that `waker` wakes.
    pub fn wakes(&self, waker: &Waker) -> bool {
        self.task.will_wake(waker)
    }

    /// From here on wake-ups are only noted.
    pub fn hold(&self) {
        self.at_it.store(true, Relaxed);
    }

    /// From here on wake-ups wake the task, too.
    pub fn release(&self) {
        self.at_it.store(false, Relaxed);
    }

    /// Whether there was a wake-up since the last time.
    pub fn take(&self) -> bool {
        self.noted.swap(false, Relaxed)
    }

    /// As if there had been a wake-up since, or none.
    pub fn set(&self, noted: bool) {
        self.noted.store(noted, Relaxed);
    }

    /// Wakes the task in any case.
    pub fn pass_on(&self) {
        self.task.wake_by_ref();
    }
}

impl Wake for Nudge {
    fn wake(self: Arc<Nudge>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Nudge>) {
        self.noted.store(true, Relaxed);
        if !self.at_it.load(Relaxed) {
            self.task.wake_by_ref();
        }
    }
}
