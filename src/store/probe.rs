use super::canary::{Canary, Told};
#[cfg(feature = "aws")]
use super::dynamodb_store::DynamodbStore;
use super::reach::rehearse;
use super::redis_store::RedisStore;
use super::watched::WatchedStore;
use crate::history::{EventKind, EventSource, Notice, Offset, RunClock, StoreGauges, StoreNodeGauges};
use crate::plan::{RedisAccess, StoreAccess};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// How often a number is written: the resolution of what is told of outages.
const WRITE_EVERY: Duration = Duration::from_millis(20);
/// How often roles are asked for; gauges each fourth time.
const LOOK_EVERY: Duration = Duration::from_millis(250);
const LOOKS_A_GAUGE: u32 = 4;
/// How often it is found out why writes fail, while they do.
const EXPLAIN_EVERY: Duration = Duration::from_secs(1);
/// What tidying up may take when the store is away.
const TIDY_WITHIN: Duration = Duration::from_secs(3);

/// Watches a store while a run goes on. A store that cannot be reached is told of, and is no error.
#[derive(Debug)]
pub struct Probe {
    shared: Shared,
    ending: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

#[derive(Clone, Debug)]
struct Shared {
    clock: RunClock,
    notices: UnboundedSender<Notice>,
    gauges: Arc<Mutex<StoreGauges>>,
}

impl Probe {
    pub fn start(access: &StoreAccess, clock: RunClock, notices: UnboundedSender<Notice>) -> Probe {
        let run = format!("{:016x}", rand::random::<u64>());
        let shared = Shared { clock, notices, gauges: Arc::default() };
        let (ending, ends) = watch::channel(false);
        let mut tasks = JoinSet::new();
        match access.clone() {
            StoreAccess::Redis(access) => {
                tasks.spawn(write(RedisStore::new(access.clone(), &run), shared.clone(), ends.clone()));
                tasks.spawn(look(RedisStore::new(access.clone(), &run), shared.clone(), ends.clone()));
                tasks.spawn(explain(access, shared.clone(), ends));
            }
            #[cfg(feature = "aws")]
            StoreAccess::Dynamodb(access) => {
                let shared = shared.clone();
                tasks.spawn(async move {
                    let store = DynamodbStore::new(access, &run).await;
                    tokio::join!(write(store.clone(), shared.clone(), ends.clone()), look(store, shared, ends));
                });
            }
        }
        Probe { shared, ending, tasks }
    }

    pub fn gauges(&self) -> StoreGauges {
        self.shared.gauges.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Compares a last time, and leaves nothing of its own behind.
    pub async fn finish(self) {
        let Probe { ending, mut tasks, .. } = self;
        ending.send_replace(true);
        while tasks.join_next().await.is_some() {}
    }
}

impl Shared {
    fn change(&self, change: impl FnOnce(&mut StoreGauges)) {
        change(&mut self.gauges.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn tell(&self, told: impl IntoIterator<Item = Told>) {
        told.into_iter().for_each(|told| self.tell_within(told, WRITE_EVERY));
    }

    fn tell_within(&self, (at, kind): Told, resolution: Duration) {
        let notice = Notice::now(EventSource::Store, kind);
        let _ = self.notices.send(Notice { at: self.clock.instant(at), resolution, ..notice });
    }
}

/// The canary's life: a number at each tick, and a comparison whenever numbers may have gone missing.
async fn write(mut store: impl WatchedStore, shared: Shared, mut ends: watch::Receiver<bool>) {
    let mut canary = Canary::default();
    let mut ticks = interval(WRITE_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut doubtful = false;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = ends.wait_for(|ending| *ending) => break,
        }
        let number = canary.next();
        let sent = shared.clock.now();
        match store.write(number).await {
            Ok(there) => {
                shared.tell(canary.acknowledge(number, sent, shared.clock.now()));
                doubtful |= there < canary.expected();
                if doubtful {
                    doubtful = !compare(&mut store, &mut canary, &shared).await;
                }
                if let Some(first) = canary.trim() {
                    let _ = store.trim(first).await;
                }
            }
            Err(why) => {
                log::debug!("the store did not acknowledge a write: {why}");
                shared.tell(canary.fail(shared.clock.now()));
                doubtful = true;
            }
        }
        shared.change(|gauges| gauges.canary = canary.counts());
    }
    let tidying = async {
        compare(&mut store, &mut canary, &shared).await;
        store.clear().await
    };
    if !matches!(timeout(TIDY_WITHIN, tidying).await, Ok(Ok(()))) {
        log::debug!("the store is away: what the probe wrote there expires by itself");
    }
    shared.change(|gauges| gauges.canary = canary.counts());
}

/// Whether it came to a comparison.
async fn compare(store: &mut impl WatchedStore, canary: &mut Canary, shared: &Shared) -> bool {
    match store.written().await {
        Ok(found) => {
            if let Some(lost) = canary.compare(&found, shared.clock.now()) {
                shared.tell_within(lost.told, lost.resolution.max(WRITE_EVERY));
            }
            true
        }
        Err(_) => false,
    }
}

/// Follows the nodes and reads the gauges.
async fn look(mut store: impl WatchedStore, shared: Shared, mut ends: watch::Receiver<bool>) {
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut before: Vec<StoreNodeGauges> = Vec::new();
    let mut looks = 0;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = ends.wait_for(|ending| *ending) => return,
        }
        let nodes = store.nodes().await;
        shared.tell(role_changes(&before, &nodes, shared.clock.now()));
        if looks % LOOKS_A_GAUGE == 0 {
            let primary = store.primary().await.ok();
            let table = store.table().await.ok();
            let session_keys = store.session_keys().await.ok().flatten();
            shared.change(|gauges| {
                gauges.primary = primary;
                gauges.table = table;
                gauges.session_keys = session_keys.or(gauges.session_keys);
            });
        }
        shared.change(|gauges| gauges.nodes = nodes.clone());
        before = nodes;
        looks += 1;
    }
}

/// Tells, once, when writes fail because the store turns the probe away, which time does not heal.
async fn explain(access: RedisAccess, shared: Shared, mut ends: watch::Receiver<bool>) {
    let mut ticks = interval(EXPLAIN_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut in_doubt = 0;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = ends.wait_for(|ending| *ending) => return,
        }
        let now = shared.gauges.lock().unwrap_or_else(PoisonError::into_inner).canary.in_doubt;
        if std::mem::replace(&mut in_doubt, now) == now {
            continue;
        }
        if let Err(error) = rehearse(&access).await
            && error.is_refusal()
        {
            let what = error.to_string();
            return shared.tell([(shared.clock.now(), EventKind::Trouble { what })]);
        }
    }
}

/// What a node is at the first look is no change.
fn role_changes(before: &[StoreNodeGauges], now: &[StoreNodeGauges], at: Offset) -> Vec<Told> {
    let changed = before.iter().zip(now).filter(|(before, now)| before.role != now.role);
    let told = changed.map(|(_, now)| {
        let (node, zone) = (now.node.clone(), now.zone.clone());
        (at, EventKind::StoreRoleChanged { node, zone, role: now.role })
    });
    told.collect()
}
