use super::super::LabError;
use super::super::certificates::Certificates;
use super::super::guard::{Daemon, Runner};
use super::super::members::Members;
use super::super::ports::free_ports;
use super::super::private_file::write_private;
use super::config::{Affinity, Settings, haproxy};
use super::control::Control;
use crate::fleet::NoticeSender;
use crate::history::{EventKind, EventSource, Notice};
use crate::plan::{Defect, LabPlan};
use nix::sys::resource::{Resource, getrlimit};
use std::path::Path;
use std::time::Duration;
use tokio::time::sleep;

/// A balancer that is up.
#[derive(Clone, Debug)]
pub(in crate::lab) struct Haproxy {
    pub(in crate::lab) port: u16,
    pub(in crate::lab) control: Control,
    pub(in crate::lab) daemon: Daemon,
}

const READY_WITHIN: Duration = Duration::from_secs(10);
const ASK_EVERY: Duration = Duration::from_millis(10);
const RESTART_PAUSE: Duration = Duration::from_secs(1);
const ATTEMPTS: u32 = 4;

impl Haproxy {
    pub(in crate::lab) async fn start(
        plan: &LabPlan,
        program: &Path,
        runner: &Runner,
        certificates: &Certificates,
    ) -> Result<Haproxy, LabError> {
        let mut attempt = 1;
        loop {
            match Haproxy::try_start(plan, program, runner, certificates, attempt).await {
                Err(error) if error.is_port_clash() && attempt < ATTEMPTS => attempt += 1,
                started => return started,
            }
        }
    }

    async fn try_start(
        plan: &LabPlan,
        program: &Path,
        runner: &Runner,
        certificates: &Certificates,
        attempt: u32,
    ) -> Result<Haproxy, LabError> {
        let [port] = free_ports()?;
        // Not longer than this: a socket's path may have little more than a hundred bytes.
        let socket = runner.directory().join("haproxy.sock");
        let affinity = match plan.defect {
            Some(Defect::StickyLocalSessions) => Affinity::Cookie,
            _ => Affinity::None,
        };
        let settings =
            Settings { port, tls: plan.tls.then_some(certificates), affinity, max_connections: max_connections() };
        let file = write_private(&runner.directory().join("haproxy.cfg"), &haproxy(&settings, &socket))?;
        let args = vec!["-db".to_owned(), "-f".to_owned(), file.display().to_string()];
        let daemon = runner.run(&format!("haproxy-{attempt}"), program, args);
        let control = Control::new(socket, plan.health_interval, affinity);
        let haproxy = Haproxy { port, control, daemon };
        haproxy.until_it_answers().await?;
        Ok(haproxy)
    }

    async fn until_it_answers(&self) -> Result<(), LabError> {
        let answers = async {
            while self.control.stat().await.is_err() {
                sleep(ASK_EVERY).await;
            }
        };
        self.daemon.until(answers, READY_WITHIN).await
    }

    /// Starts it again whenever it ends, as the provider of a balancer would, and tells it of the instances anew.
    pub(in crate::lab) async fn keep_up(mut self, runner: Runner, members: Members, notices: NoticeSender) {
        let trouble = |what| {
            let _ = notices.send(Notice::now(EventSource::Balancer, EventKind::Trouble { what }));
        };
        loop {
            let how = self.daemon.ended().await;
            trouble(format!("HAProxy ended: {how}; it is started again"));
            sleep(RESTART_PAUSE).await;
            runner.restart(&self.daemon);
            if let Err(error) = self.until_it_answers().await {
                trouble(error.to_string());
                continue;
            }
            for (instance, address, weight) in members.addresses() {
                // One that came up just now has added itself.
                if let Err(error) = self.control.add(&instance, &address, weight).await {
                    log::warn!("{instance} is not told to HAProxy again: {error}");
                }
            }
        }
    }
}

/// Two descriptors a connection and some for itself: HAProxy refuses to start with more than its limit allows.
fn max_connections() -> u64 {
    const WANTED: u64 = 20_000;
    const OWN: u64 = 200;
    match getrlimit(Resource::RLIMIT_NOFILE) {
        Ok((_, hard)) => (hard.saturating_sub(OWN) / 2).clamp(100, WANTED),
        Err(_) => 100,
    }
}
