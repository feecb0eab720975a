use super::control_plane::{ControlPlane, LISTENER, REGION};
use crate::fleet::aws::Aws;
use crate::fleet::aws::clients::Clients;
use crate::fleet::aws::clock::WallClock;
use crate::fleet::{Fleet as _, FleetError};
use crate::history::{Event, EventKind, Notice, RunClock};
use crate::plan::{AwsPlan, GreenPlan};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

pub fn plan() -> AwsPlan {
    let allow = [
        "scale-out",
        "scale-in",
        "set-capacity",
        "kill-instance",
        "stop-instance",
        "rolling-replace",
        "blue-green",
        "store-failover",
        "snapshot",
        "zone-outage",
    ];
    AwsPlan {
        region: Some(REGION.to_owned()),
        auto_scaling_group: "web".to_owned(),
        target_group: None,
        green: None,
        elasticache: None,
        dynamodb_table: None,
        experiment_template: None,
        cloudwatch_settle: Duration::ZERO,
        allow: allow.map(str::to_owned).to_vec(),
        capacity_per_instance: None,
    }
}

pub fn with_green() -> AwsPlan {
    let green = GreenPlan {
        listener: LISTENER.to_owned(),
        target_group: "web-green".to_owned(),
        auto_scaling_group: "web-green".to_owned(),
    };
    AwsPlan { green: Some(green), ..plan() }
}

/// A fleet on a control plane, with a directory for its run.
pub struct Deployment {
    pub plane: ControlPlane,
    pub fleet: Aws,
    pub run: tempfile::TempDir,
    heard: UnboundedReceiver<Notice>,
    clock: RunClock,
}

impl Deployment {
    pub async fn of(plan: &AwsPlan) -> Deployment {
        Deployment::on(ControlPlane::new(), plan).await.unwrap_or_else(|error| panic!("{error}"))
    }

    pub async fn on(plane: ControlPlane, plan: &AwsPlan) -> Result<Deployment, FleetError> {
        let (notices, heard) = unbounded_channel();
        let clock = RunClock::starting_in(Duration::ZERO);
        let clients = Clients::new(&plane.config());
        let fleet = Aws::with(clients, WallClock::at(plane.wall()), plan, notices).await?;
        let run = tempfile::tempdir().unwrap();
        fleet.recorded_in(run.path());
        Ok(Deployment { plane, fleet, run, heard, clock })
    }

    /// Everything that was told so far and not asked for yet, in order of time. Offsets are seconds of the plane.
    pub fn events(&mut self) -> Vec<Event> {
        let start = self.plane.instant(0.0);
        let mut events = Vec::new();
        while let Ok(notice) = self.heard.try_recv() {
            let at = self.clock.instant(crate::history::Offset::ZERO) + (notice.at.saturating_duration_since(start));
            events.push(Notice { at, ..notice }.stamped(&self.clock));
        }
        events.sort_by_key(|event| event.at_us);
        events
    }

    pub fn told_trouble(&mut self) -> Vec<String> {
        let trouble = |event: Event| match event.kind {
            EventKind::Trouble { what } => Some(what),
            _ => None,
        };
        self.events().into_iter().filter_map(trouble).collect()
    }
}

/// Lets the plane's time go on.
pub async fn after(seconds: f64) {
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
}
