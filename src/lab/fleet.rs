use super::LabError;
use super::balancer::{Control, Haproxy};
use super::certificates::Certificates;
use super::group::Group;
use super::guard::{Daemon, Guard, Runner};
use super::instance::Surroundings;
use super::instance_config::Users;
use super::members::Members;
use super::preflight::{Programs, preflight};
use super::store::{Host, SessionStore, StoreStart};
use super::watch::watch;
use crate::fleet::{BoxFuture, Fleet, FleetError, NoticeSender};
use crate::history::{EventKind, EventSource, FleetGauges, Notice};
use crate::plan::{Action, LabPlan, Secret, StoreAccess};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// What a lab needs to know that is not part of the plan.
#[derive(Clone, Debug)]
pub struct LabOptions {
    /// The rushhour program, which has `app` and `guard` as sub-commands.
    pub program: PathBuf,
    /// Users are called this followed by a number from 1 to the plan's count of users.
    pub user_prefix: String,
    /// The password of all of them.
    pub password: Secret,
}

/// A lab that is up. Dropping it ends it as surely as [`Fleet::shut_down`], only without waiting.
#[derive(Debug)]
pub struct Lab {
    guard: Guard,
    pub(super) group: Group,
    pub(super) store: SessionStore,
    pub(super) control: Control,
    pub(super) zones: Vec<String>,
    /// Held by an action that replaces instances: two would count each other's as their own.
    pub(super) rollout: Mutex<()>,
    /// The watcher, and whoever waits for a daemon's end. Some hold a runner of the guard.
    tasks: JoinSet<()>,
    pub(super) members: Members,
    daemons: Vec<Daemon>,
    pub(super) notices: NoticeSender,
    url: String,
    ca_file: PathBuf,
}

/// Beyond its health checks, what the first instances may take to come up.
const INSTANCES_WITHIN: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What instances need before they can start.
struct Servers {
    certificates: Certificates,
    store: SessionStore,
    haproxy: Haproxy,
}

impl Servers {
    async fn start(plan: &LabPlan, programs: &Programs, rushhour: &Path, runner: &Runner) -> Result<Servers, LabError> {
        let certificates = Certificates::make(runner.directory())?;
        let (store, haproxy) = tokio::try_join!(
            SessionStore::start(StoreStart {
                plan,
                server: &programs.store,
                rushhour,
                runner,
                certificates: &certificates
            }),
            Haproxy::start(plan, &programs.haproxy, runner, &certificates),
        )?;
        Ok(Servers { certificates, store, haproxy })
    }
}

impl Lab {
    /// Starts everything and returns once all instances are healthy at the balancer. What happens to the fleet, from
    /// its first launch on, is told to `notices`.
    ///
    /// # Errors
    /// Says which program did not start and shows the end of its log. Nothing is left behind then.
    pub async fn start(plan: &LabPlan, options: LabOptions, notices: NoticeSender) -> Result<Lab, LabError> {
        let programs = preflight(plan.store.kind)?;
        let guard = Guard::start(&options.program).await?;
        let servers = match Servers::start(plan, &programs, &options.program, guard.runner()).await {
            Ok(servers) => servers,
            Err(error) => {
                guard.close().await;
                return Err(error);
            }
        };
        let (failures, failed) = mpsc::unbounded_channel();
        let lab = Lab::with_instances(plan, options, &notices, guard, servers, failures);
        match lab.until_healthy(INSTANCES_WITHIN + plan.health_interval * 3, failed).await {
            Ok(()) => Ok(lab),
            Err(error) => {
                Box::new(lab).shut_down().await;
                Err(error)
            }
        }
    }

    /// Launches the instances on servers that are up, and whoever follows them.
    fn with_instances(
        plan: &LabPlan,
        options: LabOptions,
        notices: &NoticeSender,
        guard: Guard,
        servers: Servers,
        failures: mpsc::UnboundedSender<LabError>,
    ) -> Lab {
        let Servers { certificates, store, haproxy } = servers;
        let members = Members::new();
        let scheme = if plan.tls { "https" } else { "http" };
        let url = format!("{scheme}://127.0.0.1:{}", haproxy.port);
        let ca_file = certificates.ca.clone();
        let control = haproxy.control.clone();
        let daemons: Vec<Daemon> = store.hosts().flat_map(Host::daemons).chain([&haproxy.daemon]).cloned().collect();
        let around = Surroundings {
            plan: plan.clone(),
            users: Users { prefix: options.user_prefix, password: options.password },
            program: options.program,
            directory: guard.runner().directory().to_owned(),
            certificates,
            store: store.clone(),
            control: control.clone(),
            members: members.clone(),
            notices: notices.clone(),
        };
        let group = Group::start(Arc::new(around), failures);

        let mut tasks = JoinSet::new();
        for host in store.hosts() {
            tasks.spawn(tell_of_end(host.clone(), notices.clone()));
        }
        tasks.spawn(haproxy.keep_up(guard.runner().clone(), members.clone(), notices.clone()));
        tasks.spawn(watch(control.clone(), members.clone(), notices.clone(), plan.autoscaler.clone(), group.desire()));
        Lab {
            guard,
            group,
            store,
            control,
            zones: plan.zones.clone(),
            rollout: Mutex::default(),
            tasks,
            members,
            daemons,
            notices: notices.clone(),
            url,
            ca_file,
        }
    }

    async fn until_healthy(
        &self,
        within: Duration,
        mut failed: mpsc::UnboundedReceiver<LabError>,
    ) -> Result<(), LabError> {
        let all_healthy = async {
            while !self.members.waiting().is_empty() {
                sleep(LOOK_EVERY).await;
            }
        };
        tokio::select! {
            healthy = timeout(within, all_healthy) => healthy.map_err(|_| LabError::NotHealthy {
                seconds: within.as_secs(),
                waiting: self.members.waiting().join(", "),
            }),
            Some(error) = failed.recv() => Err(error),
        }
    }

    /// The certificate authority (PEM) a client must trust to speak TLS with the balancer.
    pub fn ca_file(&self) -> &Path {
        &self.ca_file
    }

    /// Where the lab keeps its files and logs while it is up.
    pub fn directory(&self) -> &Path {
        self.guard.runner().directory()
    }

    /// Name and process number of HAProxy and each Redis server that runs.
    pub fn daemons(&self) -> impl Iterator<Item = (&str, u32)> {
        self.daemons.iter().filter_map(|daemon| Some((daemon.name(), daemon.pid()?)))
    }

    /// Name and process number of each instance.
    pub fn instances(&self) -> Vec<(String, u32)> {
        self.members.processes()
    }
}

async fn tell_of_end(host: Host, notices: NoticeSender) {
    let what = host.dies().await;
    let _ = notices.send(Notice::now(EventSource::Provider, EventKind::Trouble { what }));
}

impl Fleet for Lab {
    fn provider(&self) -> &'static str {
        "lab"
    }

    fn url(&self) -> Option<String> {
        Some(self.url.clone())
    }

    fn target_ca(&self) -> Option<PathBuf> {
        self.url.starts_with("https").then(|| self.ca_file.clone())
    }

    fn apply<'a>(&'a self, action: &'a Action) -> BoxFuture<'a, Result<String, FleetError>> {
        Box::pin(self.carry_out(action))
    }

    fn gauges(&self) -> Option<FleetGauges> {
        Some(self.members.gauges())
    }

    /// Gauges have it from the balancer, which takes a moment to see that an instance is dead.
    fn settled(&self) -> bool {
        let gauges = self.members.gauges();
        self.members.whole() && gauges.launched == gauges.desired
    }

    fn store(&self) -> Option<StoreAccess> {
        Some(self.store.access())
    }

    fn shut_down(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let Lab { guard, group, mut tasks, store, .. } = *self;
            drop(store);
            // First whoever would take the end of the rest for trouble.
            tasks.shutdown().await;
            group.close().await;
            guard.close().await;
        })
    }
}
