//! What one load thread touches for every request. Thread-local: each thread has its own, and nothing here is
//! locked or shared.

use super::compiled::CompiledPlan;
use super::connection::Connection;
use super::gauges::ShardGauges;
use super::running::ObservationSink;
use super::timer::Timers;
use crate::history::{Failure, NameId, Names, Observation, RunClock};
use crate::plan::Share;
use rustc_hash::FxHashMap;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Instant;

/// Observations handed on at a time; also the most that a crash of the thread could take with it.
const BATCH: usize = 512;

pub struct Shard {
    pub clock: RunClock,
    pub gauges: Arc<ShardGauges>,
    pub timers: Timers,
    /// The run is over: waits end early and no session begins another step.
    pub stopping: bool,
    /// What is still under way is given up, too.
    cut: bool,
    /// Arrivals that are due, and slots that wait for one, by scenario.
    queues: Vec<Queue>,
    /// No more arrivals will come.
    arrivals_over: bool,
    /// Users not in a session now, the longest idle first.
    free_users: VecDeque<u32>,
    names: Names,
    known_names: FxHashMap<Box<str>, NameId>,
    known_addresses: FxHashMap<SocketAddr, NameId>,
    batch: Vec<Observation>,
    sink: ObservationSink,
    slots: Vec<Slot>,
    share: Share,
    sessions_begun: u64,
}

#[derive(Default)]
struct Queue {
    due: VecDeque<Arrival>,
    /// Slots in the order they began to wait. One that found an arrival by itself is still in here, but not
    /// `waiting`.
    idle: VecDeque<SlotId>,
}

/// A session slot: one goose user, which is one task for life.
struct Slot {
    task: Waker,
    waiting: bool,
    /// When its request under way, or the last there was, must be answered.
    deadline: Option<Instant>,
    /// That has passed.
    overdue: bool,
    /// What it keeps open between sessions (`pinned`).
    connection: Option<Connection>,
}

/// A slot's place in its shard.
#[derive(Clone, Copy, Debug)]
pub struct SlotId(usize);

/// A session (or, in the `arrivals` model, a request) that is due.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    pub number: u64,
    pub due: Instant,
}

thread_local! {
    static SHARD: RefCell<Option<Shard>> = const { RefCell::new(None) };
}

/// Gives the calling thread its shard, for the length of the run.
pub fn install(shard: Shard) {
    SHARD.set(Some(shard));
}

/// Ends the calling thread's shard, handing on what it still holds.
pub fn uninstall() {
    if let Some(mut shard) = SHARD.take() {
        shard.flush();
    }
}

/// The calling load thread's shard.
pub fn with<R>(act: impl FnOnce(&mut Shard) -> R) -> R {
    SHARD.with_borrow_mut(|shard| act(shard.as_mut().expect("only load threads ask for their shard")))
}

impl Shard {
    pub fn new(
        plan: &CompiledPlan,
        clock: RunClock,
        names: Names,
        sink: ObservationSink,
        gauges: Arc<ShardGauges>,
        share: Share,
    ) -> Shard {
        Shard {
            clock,
            gauges,
            timers: Timers::default(),
            stopping: false,
            cut: false,
            queues: plan.scenarios.iter().map(|_| Queue::default()).collect(),
            arrivals_over: false,
            free_users: (0..plan.feeder.len()).filter(|user| share.has(u64::from(*user))).collect(),
            names,
            known_names: FxHashMap::default(),
            known_addresses: FxHashMap::default(),
            batch: Vec::with_capacity(BATCH),
            sink,
            slots: Vec::new(),
            share,
            sessions_begun: 0,
        }
    }

    pub fn name(&mut self, name: &str) -> NameId {
        if let Some(id) = self.known_names.get(name) {
            return *id;
        }
        let id = self.names.id(name);
        // A target that makes up names without end is stopped by `Names`; its rejects are not worth remembering.
        if self.known_names.len() < usize::from(u16::MAX) {
            self.known_names.insert(name.into(), id);
        }
        id
    }

    pub fn address(&mut self, address: SocketAddr) -> NameId {
        match self.known_addresses.get(&address) {
            Some(id) => *id,
            None => {
                let id = self.names.id(&address.to_string());
                self.known_addresses.insert(address, id);
                id
            }
        }
    }

    pub fn observe(&mut self, observation: Observation) {
        self.gauges.requests_done.add(1);
        self.batch.push(observation);
        if self.batch.len() >= BATCH {
            self.flush();
        }
    }

    pub fn flush(&mut self) {
        if !self.batch.is_empty() {
            let full = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH));
            (self.sink)(full);
        }
    }

    /// An arrival of `scenario` is due: a waiting slot is woken for it, or it is owed.
    pub fn deliver(&mut self, scenario: usize, arrival: Arrival) {
        let queue = &mut self.queues[scenario];
        queue.due.push_back(arrival);
        self.gauges.arrivals_due.add(1);
        self.gauges.arrivals_waiting.add(1);
        while let Some(SlotId(id)) = queue.idle.pop_front() {
            let slot = &mut self.slots[id];
            if std::mem::take(&mut slot.waiting) {
                slot.task.wake_by_ref();
                return;
            }
        }
        self.gauges.arrivals_owed.add(1);
    }

    pub fn end_arrivals(&mut self) {
        self.arrivals_over = true;
        self.wake_slots();
    }

    /// Nothing is due, nothing is under way, and nothing will be.
    pub fn drained(&self) -> bool {
        self.arrivals_over
            && self.queues.iter().all(|queue| queue.due.is_empty())
            && self.gauges.sessions_in_flight.get() == 0
    }

    /// The next arrival for a slot of `scenario`; None when the run is over.
    pub fn poll_arrival(&mut self, scenario: usize, slot: SlotId) -> Poll<Option<Arrival>> {
        if self.stopping {
            return Poll::Ready(None);
        }
        let queue = &mut self.queues[scenario];
        let waiting = &mut self.slots[slot.0].waiting;
        match queue.due.pop_front() {
            Some(arrival) => {
                *waiting = false;
                self.gauges.arrivals_started.add(1);
                self.gauges.arrivals_waiting.sub(1);
                Poll::Ready(Some(arrival))
            }
            None => {
                if !std::mem::replace(waiting, true) {
                    queue.idle.push_back(slot);
                }
                Poll::Pending
            }
        }
    }

    /// The same for a session under way (`arrivals` model), which also ends when no more arrivals will come.
    pub fn poll_next_request(&mut self, scenario: usize, slot: SlotId) -> Poll<Option<Arrival>> {
        match self.poll_arrival(scenario, slot) {
            Poll::Pending if self.arrivals_over => Poll::Ready(None),
            other => other,
        }
    }

    /// The number of a session that no arrival stands for (`users` model): unique over all shards.
    pub fn next_session_number(&mut self) -> u64 {
        let number = self.sessions_begun * self.share.of + self.share.index;
        self.sessions_begun += 1;
        number
    }

    /// A user who is in no session, if there is one.
    pub fn take_user(&mut self) -> Option<u32> {
        self.free_users.pop_front()
    }

    pub fn free_user(&mut self, user: u32) {
        self.free_users.push_back(user);
    }

    pub fn add_slot(&mut self, task: &Waker) -> SlotId {
        self.slots.push(Slot { task: task.clone(), waiting: false, deadline: None, overdue: false, connection: None });
        SlotId(self.slots.len() - 1)
    }

    pub fn take_connection(&mut self, slot: SlotId) -> Option<Connection> {
        self.slots[slot.0].connection.take()
    }

    pub fn keep_connection(&mut self, slot: SlotId, connection: Option<Connection>) {
        self.slots[slot.0].connection = connection;
    }

    pub fn set_deadline(&mut self, slot: SlotId, deadline: Instant) {
        let slot = &mut self.slots[slot.0];
        (slot.deadline, slot.overdue) = (Some(deadline), false);
    }

    /// Wakes the slots whose deadline has passed. Looking at all of them now and then costs less than a timer for each
    /// request, nearly all of which are answered long before.
    pub fn wake_overdue(&mut self, now: Instant) {
        for slot in &mut self.slots {
            if slot.deadline.take_if(|deadline| *deadline <= now).is_some() {
                slot.overdue = true;
                slot.task.wake_by_ref();
            }
        }
    }

    /// Why a slot's request under way is given up, if it is.
    pub fn gives_up(&self, slot: SlotId) -> Option<Failure> {
        if self.cut {
            return Some(Failure::Abandoned);
        }
        self.slots[slot.0].overdue.then_some(Failure::Timeout)
    }

    /// No session is begun any more.
    pub fn closed(&self) -> bool {
        self.stopping || self.arrivals_over
    }

    /// No new step is begun from here on; every wait ends.
    pub fn stop(&mut self) {
        self.stopping = true;
        self.timers.wake_all();
        self.wake_slots();
    }

    /// Requests under way are given up.
    pub fn cut(&mut self) {
        self.cut = true;
        self.wake_slots();
    }

    fn wake_slots(&self) {
        for slot in &self.slots {
            slot.task.wake_by_ref();
        }
    }
}
