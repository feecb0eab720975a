use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rand::{Rng, RngExt as _};
use rand_distr::{Distribution, Exp1, StandardNormal};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::config::{Capacity, ServiceTime, WarmUp};

/// What gives an instance a limit of its own on a machine that runs several: a number of workers, and a time that
/// each request keeps one of them. The time is slept, not computed, so two cores can carry a fleet.
#[derive(Debug, Clone)]
pub struct Workers {
    free: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    queue_limit: usize,
    service_time: ServiceTime,
    warm_up: Option<WarmUp>,
}

impl Workers {
    pub fn new(capacity: &Capacity) -> Self {
        Self {
            free: Arc::new(Semaphore::new(capacity.workers)),
            waiting: Arc::default(),
            queue_limit: capacity.queue_limit,
            service_time: capacity.service_time,
            warm_up: capacity.warm_up,
        }
    }

    /// Waits for a worker, first come first served; `None` when too many wait already.
    pub async fn take(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(worker) = self.free.clone().try_acquire_owned() {
            return Some(worker);
        }
        let _place = QueuePlace::take(&self.waiting, self.queue_limit)?;
        // The semaphore is fair, and it is never closed.
        self.free.clone().acquire_owned().await.ok()
    }

    /// How long the next request keeps its worker, on an instance ready since `ready_for`. The runtime's timers round
    /// it up to the next millisecond.
    pub fn service_time(&self, ready_for: Duration) -> Duration {
        let ms = self.service_time.sample_ms(&mut rand::rng());
        let factor = self.warm_up.map_or(1.0, |warm_up| warm_up.factor_after(ready_for));
        // A sample far out in the tail must not overflow; no client waits an hour.
        Duration::from_secs_f64((ms * factor / 1e3).min(3600.0))
    }
}

/// A place in the queue, given back also when the client gives up.
struct QueuePlace<'a>(&'a AtomicUsize);

impl<'a> QueuePlace<'a> {
    fn take(waiting: &'a AtomicUsize, limit: usize) -> Option<Self> {
        waiting
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |now| (now < limit).then_some(now + 1))
            .ok()
            .map(|_| Self(waiting))
    }
}

impl Drop for QueuePlace<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl ServiceTime {
    fn sample_ms(self, rng: &mut impl Rng) -> f64 {
        match self {
            Self::Constant { ms } => ms,
            Self::Uniform { from_ms, to_ms } => from_ms + (to_ms - from_ms) * rng.random::<f64>(),
            Self::Exponential { mean_ms } => {
                let unit: f64 = Exp1.sample(rng);
                mean_ms * unit
            }
            Self::Lognormal { median_ms, sigma } => {
                let normal: f64 = StandardNormal.sample(rng);
                median_ms * (sigma * normal).exp()
            }
        }
    }
}

impl WarmUp {
    fn factor_after(self, ready_for: Duration) -> f64 {
        if self.for_ms == 0 {
            return 1.0;
        }
        let done = (ready_for.as_secs_f64() * 1e3 / self.for_ms as f64).min(1.0);
        self.factor + (1.0 - self.factor) * done
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Waker};

    use rand::SeedableRng;
    use rand_pcg::Pcg64Mcg;

    use super::*;

    fn samples(service_time: ServiceTime) -> Vec<f64> {
        let mut rng = Pcg64Mcg::seed_from_u64(7);
        (0..100_000).map(|_| service_time.sample_ms(&mut rng)).collect()
    }

    #[test]
    fn a_uniform_service_time_fills_its_range() {
        let all = samples(ServiceTime::Uniform { from_ms: 10.0, to_ms: 30.0 });
        assert!(all.iter().all(|ms| (10.0..30.0).contains(ms)));
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        assert!((mean - 20.0).abs() < 0.1, "{mean}");
    }

    #[test]
    fn an_exponential_service_time_has_its_mean() {
        let all = samples(ServiceTime::Exponential { mean_ms: 20.0 });
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        assert!((mean - 20.0).abs() < 0.4, "{mean}");
    }

    #[test]
    fn a_lognormal_service_time_has_its_median_and_spread() {
        let mut all = samples(ServiceTime::Lognormal { median_ms: 20.0, sigma: 0.5 });
        all.sort_by(f64::total_cmp);
        let quantile = |q: f64| all[(q * all.len() as f64) as usize];
        assert!((quantile(0.5) - 20.0).abs() < 0.3, "{}", quantile(0.5));
        // One standard deviation above the median, in the logarithm.
        assert!((quantile(0.8413) - 20.0 * 0.5_f64.exp()).abs() < 0.6, "{}", quantile(0.8413));
    }

    #[test]
    fn warming_up_falls_in_a_line_from_the_factor_to_one() {
        let warm_up = WarmUp { for_ms: 10_000, factor: 5.0 };
        assert_eq!(warm_up.factor_after(Duration::ZERO), 5.0);
        assert_eq!(warm_up.factor_after(Duration::from_secs(5)), 3.0);
        assert_eq!(warm_up.factor_after(Duration::from_secs(10)), 1.0);
        assert_eq!(warm_up.factor_after(Duration::from_secs(99)), 1.0);
        assert_eq!(WarmUp { for_ms: 0, factor: 5.0 }.factor_after(Duration::ZERO), 1.0);
    }

    #[tokio::test]
    async fn beyond_the_queue_limit_requests_are_turned_away() {
        let workers = Workers::new(&Capacity { workers: 1, queue_limit: 1, ..Capacity::default() });
        let busy = workers.take().await.expect("a free worker");
        let mut queued = pin!(workers.take());
        let waits = queued.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending();
        assert!(waits);
        assert!(workers.take().await.is_none(), "the queue is full");
        drop(busy);
        assert!(queued.await.is_some(), "served in turn");
        assert!(workers.take().await.is_some(), "every place was given back");
    }
}
