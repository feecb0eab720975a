use crate::history::GeneratorGauges;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// A count that one thread writes and others read now and then: no read-modify-write, no lock.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    pub fn add(&self, n: u64) {
        self.0.store(self.0.load(Relaxed) + n, Relaxed);
    }

    pub fn sub(&self, n: u64) {
        self.0.store(self.0.load(Relaxed) - n, Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }

    pub fn set(&self, n: u64) {
        self.0.store(n, Relaxed);
    }
}

/// What one load thread tells of itself. On a cache line of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct ShardGauges {
    pub arrivals_due: Count,
    pub arrivals_started: Count,
    pub arrivals_owed: Count,
    pub arrivals_waiting: Count,
    pub sessions_in_flight: Count,
    pub requests_done: Count,
    pub cpu_us: Count,
    pub drained: AtomicBool,
    timer_lag_us: AtomicU64,
}

impl ShardGauges {
    pub fn timer_lag(&self, lag: Duration) {
        self.timer_lag_us.fetch_max(lag.as_micros() as u64, Relaxed);
    }
}

/// The gauges of all load threads together.
#[derive(Clone, Debug)]
pub struct LoadGauges {
    shards: Arc<Vec<Arc<ShardGauges>>>,
}

impl LoadGauges {
    pub fn new(threads: usize) -> LoadGauges {
        LoadGauges { shards: Arc::new((0..threads).map(|_| Arc::default()).collect()) }
    }

    pub fn shard(&self, index: usize) -> Arc<ShardGauges> {
        self.shards[index].clone()
    }

    /// No arrival is due, under way, or still to come.
    pub fn drained(&self) -> bool {
        self.shards.iter().all(|shard| shard.drained.load(Relaxed))
    }

    /// CPU time each load thread has used so far.
    pub fn thread_cpu(&self) -> Vec<Duration> {
        self.shards.iter().map(|shard| Duration::from_micros(shard.cpu_us.get())).collect()
    }

    /// The sum over all threads. Takes the greatest timer lag since the call before.
    pub fn read(&self) -> GeneratorGauges {
        let sum = |field: fn(&ShardGauges) -> &Count| self.shards.iter().map(|shard| field(shard).get()).sum();
        GeneratorGauges {
            arrivals_due: sum(|s| &s.arrivals_due),
            arrivals_started: sum(|s| &s.arrivals_started),
            arrivals_owed: sum(|s| &s.arrivals_owed),
            arrivals_waiting: sum(|s| &s.arrivals_waiting),
            sessions_in_flight: sum(|s| &s.sessions_in_flight),
            requests_done: sum(|s| &s.requests_done),
            timer_lag_us: self.shards.iter().map(|s| s.timer_lag_us.swap(0, Relaxed)).max().unwrap_or(0),
            ..GeneratorGauges::default()
        }
    }
}
