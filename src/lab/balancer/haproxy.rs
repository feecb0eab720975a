use super::super::LabError;
use super::super::certificates::Certificates;
use super::super::guard::{Daemon, Guard};
use super::super::ports::free_ports;
use super::super::private_file::write_private;
use super::config::{Settings, haproxy};
use super::control::Control;
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
const ATTEMPTS: u32 = 4;

impl Haproxy {
    pub(in crate::lab) async fn start(
        plan: &LabPlan,
        program: &Path,
        guard: &Guard,
        certificates: &Certificates,
    ) -> Result<Haproxy, LabError> {
        let mut attempt = 1;
        loop {
            match Haproxy::try_start(plan, program, guard, certificates, attempt).await {
                Err(error) if error.is_port_clash() && attempt < ATTEMPTS => attempt += 1,
                started => return started,
            }
        }
    }

    async fn try_start(
        plan: &LabPlan,
        program: &Path,
        guard: &Guard,
        certificates: &Certificates,
        attempt: u32,
    ) -> Result<Haproxy, LabError> {
        let [port] = free_ports()?;
        // Not longer than this: a socket's path may have little more than a hundred bytes.
        let socket = guard.directory().join("haproxy.sock");
        let settings = Settings {
            port,
            tls: plan.tls.then_some(certificates),
            sticky: plan.defect == Some(Defect::StickyLocalSessions),
            max_connections: max_connections(),
        };
        let file = write_private(&guard.directory().join("haproxy.cfg"), &haproxy(&settings, &socket))?;
        let args = vec!["-db".to_owned(), "-f".to_owned(), file.display().to_string()];
        let daemon = guard.run(&format!("haproxy-{attempt}"), program, args);
        let control = Control::new(socket, plan.health_interval);
        let answers = async {
            while control.stat().await.is_err() {
                sleep(ASK_EVERY).await;
            }
        };
        daemon.until(answers, READY_WITHIN).await?;
        Ok(Haproxy { port, control, daemon })
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
