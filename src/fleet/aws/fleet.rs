use super::activities::Activities;
use super::clients::Clients;
use super::clock::{WallClock, now};
use super::config::config as sdk_config;
use super::members::Members;
use super::pace::Pace;
use super::reading::GroupReading;
use super::undo::Journal;
use super::watch::{GROUPS_EVERY, Known, TARGETS_EVERY, Teller, Watch, Watched};
use crate::fleet::{BoxFuture, Fleet, FleetError, NoticeSender};
use crate::history::{EventKind, EventSource, FleetGauges, Notice};
use crate::plan::{Action, AwsPlan, StoreAccess, TimelineEntry};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::task::JoinSet;

/// An Auto Scaling group behind a load balancer, watched and changed through AWS' own interfaces.
#[derive(Debug)]
pub struct Aws {
    pub(super) plan: AwsPlan,
    pub(super) watch: Watch,
    pub(super) journal: Journal,
    /// Held while a capacity is read and changed.
    pub(super) scaling: tokio::sync::Mutex<()>,
    tasks: JoinSet<()>,
}

/// Activities are listed as of their start, which may be a while before they are seen.
const BEFORE: Duration = Duration::from_secs(15 * 60);

impl Aws {
    /// Finds all that the plan names, makes sure that the timeline may do what it is to do, and watches from then on.
    ///
    /// # Errors
    /// Something is not there, is denied, or does not permit an action: the message names it, the call and the remedy.
    pub async fn start(plan: &AwsPlan, timeline: &[TimelineEntry], notices: NoticeSender) -> Result<Aws, FleetError> {
        let clients = Clients::new(&sdk_config(plan.region.as_deref()).await);
        let aws = Aws::with(clients, WallClock::at(SystemTime::now()), plan, notices).await?;
        aws.may_carry_out(timeline).await?;
        Ok(aws)
    }

    pub(super) async fn with(
        clients: Clients,
        clock: WallClock,
        plan: &AwsPlan,
        notices: NoticeSender,
    ) -> Result<Aws, FleetError> {
        let names: Vec<String> = plan.groups().map(str::to_owned).collect();
        let groups = clients.groups(&names).await?;
        let watched = Watched {
            target_groups: target_groups(&clients, plan, &groups).await?,
            groups: names,
            replication_group: plan.elasticache.clone(),
        };
        let known = Known { members: Members::default(), activities: BTreeMap::new() };
        let watch = Watch {
            watched: Arc::new(watched),
            known: Arc::new(Mutex::new(known)),
            clock,
            teller: Teller::new(notices),
            clients,
        };
        let mut aws = Aws {
            journal: Journal::new(watch.clients.region()),
            plan: plan.clone(),
            scaling: tokio::sync::Mutex::default(),
            tasks: JoinSet::new(),
            watch,
        };
        aws.begin(&groups).await;
        Ok(aws)
    }

    /// Takes in how things are, and follows them from there.
    async fn begin(&mut self, groups: &[GroupReading]) {
        let watch = &self.watch;
        for group in groups {
            let read = watch.clients.activities(&group.name, UNIX_EPOCH).await;
            let mut pace = Pace::new(GROUPS_EVERY);
            let asked = format!("activities of {}", group.name);
            let activities = watch.teller.took(&mut pace, EventSource::Provider, &asked, read);
            watch.with(|known| {
                let begun: &mut Activities = known.activities.entry(group.name.clone()).or_default();
                begun.begin(&activities.unwrap_or_default(), group.desired);
            });
        }
        watch.note_groups(groups, Duration::ZERO);
        let read = watch.targets().await;
        let mut pace = Pace::new(TARGETS_EVERY);
        if let Some(targets) = watch.teller.took(&mut pace, EventSource::Balancer, "targets", read) {
            let notices = watch.with(|known| known.members.note_targets(&targets, now()));
            watch.teller.tell_all(notices);
        }
        let since = watch.clock.wall(now()) - BEFORE;
        watch.spawn(&mut self.tasks, since);
    }

    /// A run whose timeline would be refused is not begun.
    pub(super) async fn may_carry_out(&self, timeline: &[TimelineEntry]) -> Result<(), FleetError> {
        for action in timeline.iter().map(|entry| &entry.action) {
            match action {
                Action::ScaleOut { .. }
                | Action::ScaleIn { .. }
                | Action::SetCapacity { .. }
                | Action::KillInstance { .. }
                | Action::StopInstance { .. }
                | Action::RollingReplace { .. } => drop(self.changeable(action).await?),
                Action::BlueGreen { .. } => drop(self.shiftable(action).await?),
                Action::StoreFailover { .. } | Action::Snapshot => drop(self.store_for(action).await?),
                Action::ZoneShift { zone, experiment } => {
                    self.may_take_zone(action, zone, experiment.as_deref()).await?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// ARN of the first set's target group, and of the second's where there is one.
async fn target_groups(clients: &Clients, plan: &AwsPlan, groups: &[GroupReading]) -> Result<Vec<String>, FleetError> {
    let mut arns = Vec::new();
    let own = groups.iter().find(|group| group.name == plan.auto_scaling_group);
    match (&plan.target_group, own.map_or(&[][..], |group| &group.target_groups)) {
        (Some(name), _) => arns.push(clients.target_group_arn(name).await?),
        (None, [only]) => arns.push(only.clone()),
        (None, several) => {
            return Err(FleetError::Call(format!(
                "the Auto Scaling group `{}` registers its instances with {} target groups; name the one that the load \
                 goes to as `target_group` under [fleet.aws]",
                plan.auto_scaling_group,
                several.len()
            )));
        }
    }
    if let Some(green) = &plan.green {
        arns.push(clients.target_group_arn(&green.target_group).await?);
    }
    Ok(arns)
}

impl Fleet for Aws {
    fn provider(&self) -> &'static str {
        "aws"
    }

    fn url(&self) -> Option<String> {
        None
    }

    fn target_ca(&self) -> Option<PathBuf> {
        None
    }

    fn apply<'a>(&'a self, action: &'a Action) -> BoxFuture<'a, Result<String, FleetError>> {
        Box::pin(self.carry_out(action))
    }

    fn recorded_in(&self, directory: &Path) {
        self.journal.keep_in(directory);
    }

    fn put_back(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            let Some(undo) = self.journal.undo() else { return };
            let (done, failed) = undo.carry_out(&self.watch.clients).await;
            if failed.is_empty() {
                self.journal.forget(|undo| *undo = Default::default());
            }
            for error in failed {
                let what = format!("{error}; the fleet is not as it was: `rushhour aws restore RUN` puts it back");
                self.watch.teller.trouble(EventSource::Run, what);
            }
            if !done.is_empty() {
                let kind = EventKind::ActionCompleted { action: "put-back".to_owned(), detail: done.join("; ") };
                self.watch.teller.tell(Notice {
                    at: now(),
                    source: EventSource::Run,
                    resolution: Duration::ZERO,
                    kind,
                });
            }
        })
    }

    fn gauges(&self) -> Option<FleetGauges> {
        self.watch.with(|known| known.members.gauges())
    }

    fn store(&self) -> Option<StoreAccess> {
        None
    }

    fn shut_down(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            self.put_back().await;
            let Aws { mut tasks, .. } = *self;
            tasks.shutdown().await;
        })
    }
}
