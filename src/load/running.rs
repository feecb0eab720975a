//! The load threads of a run, from start to end.

use super::attack;
use super::compiled::CompiledPlan;
use super::gauges::LoadGauges;
use super::journey::Means;
use super::pacer;
use super::quiet::StdoutTurnedAway;
use super::shard::{self, Shard};
use super::target::TargetError;
use super::timer::{self, sleep_until};
use crate::history::{EventKind, EventSource, Fingerprinter, Names, Notice, Observation, Offset, RunClock};
use crate::plan::{Feeder, Model, Plan, Share};
use nix::time::{ClockId, clock_gettime};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};

/// Takes observations in batches, from any load thread. Called on the hot path: it hands on and returns.
pub type ObservationSink = Arc<dyn Fn(Vec<Observation>) + Send + Sync>;

/// How often a load thread looks up from its work: flushes, reads its CPU clock, sees what is overdue and whether it is
/// done.
const TICK: Duration = Duration::from_millis(50);

/// What requests under way get to be answered in when the run ends.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("the plan's `{what}` cannot be used: {reason}")]
    Plan { what: String, reason: String },
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error("goose could not drive the load: {reason}")]
    Goose { reason: String },
    #[error("a load thread could not be started: {reason}")]
    Thread { reason: String },
}

impl LoadError {
    pub(super) fn plan(what: &str, reason: &dyn std::fmt::Display) -> LoadError {
        LoadError::Plan { what: what.to_owned(), reason: reason.to_string() }
    }
}

pub struct LoadOptions {
    pub plan: Arc<Plan>,
    pub feeder: Feeder,
    pub fingerprints: Fingerprinter,
    /// Base URL of the target.
    pub url: String,
    pub clock: RunClock,
    pub names: Names,
    pub threads: usize,
    pub sink: ObservationSink,
    pub notices: mpsc::UnboundedSender<Notice>,
}

/// A load under way.
pub struct Load {
    gauges: LoadGauges,
    phase: watch::Sender<Phase>,
    ended: mpsc::UnboundedReceiver<Result<(), LoadError>>,
    threads: usize,
    _quiet: StdoutTurnedAway,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Running,
    /// No step is begun any more; requests under way may be answered.
    Stopping,
    /// Requests under way are given up.
    Cut,
}

impl Load {
    /// Starts the load threads; the first arrival is due at or after the clock's zero.
    ///
    /// # Errors
    /// When the plan or the target's URL cannot be used, or there are fewer slots than scenarios.
    pub fn start(options: LoadOptions) -> Result<Load, LoadError> {
        silence_goose();
        let quiet = StdoutTurnedAway::begin().map_err(|e| LoadError::Thread { reason: e.to_string() })?;
        let plan = Arc::new(CompiledPlan::new(options.plan, options.feeder, options.fingerprints)?);
        let slots = plan.plan.workload.max_sessions as usize;
        if slots < plan.scenarios.len() || (plan.feeder.len() as usize) < slots {
            let reason = format!(
                "{slots} sessions at most, {} scenarios and {} users: there must be a slot for each scenario and a \
                 user for each slot",
                plan.scenarios.len(),
                plan.feeder.len()
            );
            return Err(LoadError::plan("workload.max_sessions", &reason));
        }
        // Each thread needs a slot for each scenario.
        let threads = options.threads.clamp(1, slots / plan.scenarios.len());
        let gauges = LoadGauges::new(threads);
        let (phase, phases) = watch::channel(Phase::Running);
        let (tell_end, ended) = mpsc::unbounded_channel();
        for index in 0..threads {
            let share = Share { index: index as u64, of: threads as u64 };
            let (clock, names, sink) = (options.clock, options.names.clone(), options.sink.clone());
            let shard = Shard::new(&plan, clock, names, sink, gauges.shard(index), share);
            let thread = LoadThread {
                means: Arc::new(Means::new(plan.clone(), &options.url)?),
                share,
                threads,
                phases: phases.clone(),
                notices: options.notices.clone(),
            };
            let tell_end = tell_end.clone();
            std::thread::Builder::new()
                .name(format!("load-{index}"))
                .spawn(move || {
                    shard::install(shard);
                    let ended = thread.run();
                    shard::uninstall();
                    // Nobody listens any more once the conductor is gone.
                    let _ = tell_end.send(ended);
                })
                .map_err(|e| LoadError::Thread { reason: e.to_string() })?;
        }
        Ok(Load { gauges, phase, ended, threads, _quiet: quiet })
    }

    pub fn gauges(&self) -> LoadGauges {
        self.gauges.clone()
    }

    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Ends the load: no step is begun any more, requests under way get a second to be answered, and every
    /// observation is handed to the sink before this returns.
    pub async fn finish(mut self) -> Result<(), LoadError> {
        self.phase.send_replace(Phase::Stopping);
        // Goose forgets what it was told before its attack began, so it is told again until it has ended.
        let mut again = tokio::time::interval(TICK);
        let mut ended = 0;
        let mut outcome = Ok(());
        let cut = tokio::time::sleep(LAST_ANSWERS);
        tokio::pin!(cut);
        let mut is_cut = false;
        while ended < self.threads {
            tokio::select! {
                _ = again.tick() => attack::stop(),
                () = &mut cut, if !is_cut => {
                    is_cut = true;
                    self.phase.send_replace(Phase::Cut);
                }
                thread = self.ended.recv() => {
                    ended += 1;
                    let gone = || Err(LoadError::Thread { reason: "it ended without a word".to_owned() });
                    outcome = outcome.and(thread.unwrap_or_else(gone));
                }
            }
        }
        outcome
    }

    /// Resolves when a load thread ends by itself, which is an error: the conductor ends them.
    pub async fn failed(&mut self) -> LoadError {
        let ended = self.ended.recv().await;
        self.threads -= 1;
        match ended {
            Some(Err(error)) => error,
            _ => LoadError::Goose { reason: "it ended before the run did".to_owned() },
        }
    }
}

/// Goose installs a logger that prints, unless there is one already. Nothing here logs.
fn silence_goose() {
    struct Silence;
    impl log::Log for Silence {
        fn enabled(&self, _: &log::Metadata<'_>) -> bool {
            false
        }
        fn log(&self, _: &log::Record<'_>) {}
        fn flush(&self) {}
    }
    // It is there already when a run came before in this process.
    let _ = log::set_logger(&Silence);
}

struct LoadThread {
    means: Arc<Means>,
    share: Share,
    threads: usize,
    phases: watch::Receiver<Phase>,
    notices: mpsc::UnboundedSender<Notice>,
}

impl LoadThread {
    fn run(self) -> Result<(), LoadError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| LoadError::Thread { reason: e.to_string() })?;
        runtime.block_on(async {
            let (means, share, threads) = (self.means.clone(), self.share, self.threads);
            tokio::spawn(timer::drive());
            tokio::spawn(obey(self.phases.clone()));
            tokio::spawn(tick(means.clone(), self.notices.clone()));
            if means.plan.plan.workload.model == Model::Users {
                // Users begin at zero; goose counts their stages from its own start.
                let clock = shard::with(|shard| shard.clock);
                sleep_until(clock.zero()).await;
                let end = clock.instant(Offset::ZERO + means.plan.plan.workload.curve.duration());
                tokio::spawn(async move {
                    sleep_until(end).await;
                    shard::with(|shard| shard.end_arrivals());
                });
            } else {
                let means = means.clone();
                tokio::spawn(async move { pacer::pace(&means.plan, share, threads).await });
            }
            attack::run(means, share).await
        })
    }
}

/// Carries the conductor's word to the calling load thread's shard.
async fn obey(mut phases: watch::Receiver<Phase>) {
    while phases.changed().await.is_ok() {
        let phase = *phases.borrow_and_update();
        shard::with(|shard| match phase {
            Phase::Running => {}
            Phase::Stopping => shard.stop(),
            Phase::Cut => {
                shard.stop();
                shard.cut();
            }
        });
    }
}

async fn tick(means: Arc<Means>, notices: mpsc::UnboundedSender<Notice>) {
    let mut told = BTreeSet::new();
    // A request may be given up this much later than its time-out says.
    let tick = TICK.min(means.plan.timeout / 20);
    loop {
        let cpu = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map(Duration::from).unwrap_or_default();
        shard::with(|shard| {
            shard.flush();
            shard.wake_overdue(Instant::now());
            shard.gauges.cpu_us.set(cpu.as_micros() as u64);
            shard.gauges.drained.store(shard.drained(), Relaxed);
        });
        for address in means.connector.seen_addresses() {
            if told.insert(address) {
                let kind = EventKind::AddressResolved { address: address.to_string() };
                // The conductor hears nothing more once it is gone, and needs nothing more.
                let _ = notices.send(Notice::now(EventSource::Dns, kind));
            }
        }
        tokio::time::sleep(tick).await;
    }
}
