use super::super::guard::{Daemon, Runner};
use crate::lab::LabError;
use futures_util::future::select_all;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A machine of the store, with one server on it: a data node or a sentinel.
#[derive(Clone, Debug)]
pub(in crate::lab) struct Host {
    pub(in crate::lab) zone: Option<String>,
    /// Where everybody finds it: its relay, if it has one.
    pub(super) port: u16,
    pub(super) server: Daemon,
    pub(super) relay: Option<Daemon>,
    /// It was told to go, so that its end is no trouble.
    gone: Arc<AtomicBool>,
    /// Its zone is dark: only that zone's recovery brings it back.
    dark: Arc<AtomicBool>,
}

impl Host {
    pub(super) fn new(zone: Option<String>, port: u16, server: Daemon, relay: Option<Daemon>) -> Host {
        Host { zone, port, server, relay, gone: Arc::default(), dark: Arc::default() }
    }

    pub(in crate::lab) fn name(&self) -> &str {
        self.server.name()
    }

    pub(in crate::lab) fn daemons(&self) -> impl Iterator<Item = &Daemon> {
        self.relay.iter().chain([&self.server])
    }

    pub(super) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(super) fn is_in(&self, zone: &str) -> bool {
        self.zone.as_deref() == Some(zone)
    }

    pub(super) fn darken(&self, dark: bool) {
        self.dark.store(dark, Ordering::Relaxed);
    }

    pub(super) fn is_dark(&self) -> bool {
        self.dark.load(Ordering::Relaxed)
    }

    pub(super) fn runs(&self) -> bool {
        self.server.pid().is_some()
    }

    /// Its end is about to be brought about by other means than [`Host::kill`].
    pub(super) fn expect_end(&self) {
        self.gone.store(true, Ordering::Relaxed);
    }

    /// The link first, so that nothing the server still says reaches anybody. Returns once it is gone.
    pub(super) async fn kill(&self, runner: &Runner) {
        self.expect_end();
        for daemon in self.daemons() {
            runner.kill(daemon.name());
        }
        self.ended().await;
    }

    pub(super) async fn ended(&self) {
        for daemon in self.daemons() {
            daemon.clone().ended().await;
        }
    }

    pub(super) fn freeze(&self, runner: &Runner) {
        self.daemons().for_each(|daemon| runner.freeze(daemon.name()));
    }

    pub(super) fn thaw(&self, runner: &Runner) {
        self.daemons().for_each(|daemon| runner.thaw(daemon.name()));
    }

    /// Starts again what does not run.
    pub(super) fn start(&self, runner: &Runner) {
        self.gone.store(false, Ordering::Relaxed);
        for daemon in self.daemons().filter(|daemon| daemon.pid().is_none()) {
            runner.restart(daemon);
        }
    }

    /// Waits until `ready` says so.
    ///
    /// # Errors
    /// As those of [`Daemon::until`], also when its link ended: nobody gets to the server then.
    pub(super) async fn until(&self, ready: impl Future<Output = ()>, within: Duration) -> Result<(), LabError> {
        let link_ends = async {
            match &self.relay {
                Some(relay) => relay.until(pending(), Duration::MAX).await,
                None => pending().await,
            }
        };
        tokio::select! {
            up = self.server.until(ready, within) => up,
            ended = link_ends => ended,
        }
    }

    /// Waits for the next end of its server or its link that nobody asked for, and says which and how that was.
    pub(in crate::lab) async fn dies(&self) -> String {
        let losses = self.daemons().map(|daemon| Box::pin(self.loses(daemon.clone())));
        select_all(losses).await.0
    }

    async fn loses(&self, mut daemon: Daemon) -> String {
        loop {
            let how = daemon.ended().await;
            if !self.gone.load(Ordering::Relaxed) {
                return format!("{} ended: {how}", daemon.name());
            }
            daemon.runs().await;
        }
    }
}
