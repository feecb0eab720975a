//! What the timeline does to the lab.

use super::fleet::Lab;
use super::group::Change;
use super::instance::Wish;
use super::members::{Number, Stage};
use crate::fleet::{Fleet as _, FleetError};
use crate::history::caused_by;
use crate::plan::{Action, InstanceChoice, Outage};
use std::time::Duration;
use tokio::time::sleep;

const LOOK_EVERY: Duration = Duration::from_millis(20);

impl Lab {
    /// Carries out an action and says what it came to. Each instance of an outage ends by itself, and the group replaces
    /// what it has been told is lost; so an outage, a scaling and a rollout may go on side by side. Two rollouts may not.
    pub(super) async fn carry_out(&self, action: &Action) -> Result<String, FleetError> {
        let refused = |reason: String| FleetError::Refused { action: action.name().to_owned(), reason };
        match action {
            Action::ScaleOut { by } => self.scale(Change::Up(*by), action).await,
            Action::ScaleIn { by } => self.scale(Change::Down(*by), action).await,
            Action::SetCapacity { to } => self.scale(Change::To(*to), action).await,
            Action::KillInstance { which } => self.kill(which).await.map_err(refused),
            Action::StopInstance { which } => self.stop(which).await.map_err(refused),
            Action::FreezeInstance { which } => self.freeze(which).map_err(refused),
            Action::ZoneOutage { zone, how } => self.darken(zone, *how).await.map_err(refused),
            Action::ZoneRecovery { zone } => self.lighten(zone).await.map_err(refused),
            Action::RollingReplace { batch, pause, within, farewell } => {
                self.rollout(*within, *farewell).map_err(refused)?.rolling(*batch, *pause).await.map_err(refused)
            }
            Action::BlueGreen { steps, pause, within, farewell } => {
                self.rollout(*within, *farewell).map_err(refused)?.blue_green(steps, *pause).await.map_err(refused)
            }
            _ if action.is_of_the_store() => self.store.apply(action, &self.notices).await.map_err(refused),
            _ => Err(FleetError::Unsupported { provider: self.provider(), action: action.name().to_owned() }),
        }
    }

    async fn scale(&self, change: Change, action: &Action) -> Result<String, FleetError> {
        let cause = caused_by(action.name());
        let (from, to) = self.group.desire().change(change, action.name(), cause).await?;
        Ok(format!("{from} → {to} instances"))
    }

    async fn kill(&self, which: &InstanceChoice) -> Result<String, String> {
        let (numbers, told) = self.chosen(which)?;
        self.group.desire().end(numbers.clone(), Stage::Lost, Wish::Kill);
        self.until_dead(&numbers).await;
        Ok(told)
    }

    /// Another is launched in its place at once, and it is gone when it has been drained.
    async fn stop(&self, which: &InstanceChoice) -> Result<String, String> {
        let (numbers, told) = self.chosen(which)?;
        self.group.desire().end(numbers.clone(), Stage::Leaving, Wish::Drain);
        while self.members.any_left(&numbers) {
            sleep(LOOK_EVERY).await;
        }
        Ok(told)
    }

    fn freeze(&self, which: &InstanceChoice) -> Result<String, String> {
        let (numbers, told) = self.chosen(which)?;
        self.group.desire().end(numbers, Stage::Lost, Wish::Freeze);
        Ok(told)
    }

    async fn darken(&self, zone: &str, how: Outage) -> Result<String, String> {
        if self.members.darken(zone) {
            return Err(format!("{zone} is dark already"));
        }
        let numbers: Vec<Number> =
            self.members.present().into_iter().filter(|(_, m)| m.zone == zone).map(|(number, _)| number).collect();
        let wish = if how == Outage::Kill { Wish::Kill } else { Wish::Freeze };
        self.group.desire().end(numbers.clone(), Stage::Lost, wish);
        self.store.zone_goes_dark(zone, how).await;
        if how == Outage::Kill {
            self.until_dead(&numbers).await;
        }
        Ok(format!("{} instances of {zone}", numbers.len()))
    }

    async fn lighten(&self, zone: &str) -> Result<String, String> {
        let rollout = self.rollout(super::rollout::HEALTHY_WITHIN, crate::plan::Farewell::Drained)?;
        if !self.members.lighten(zone) {
            return Err(format!("{zone} is not dark"));
        }
        let store = self.store.zone_comes_back(zone).await?;
        self.group.desire().look();
        let moved = rollout.even_out().await?;
        Ok(format!("{moved} instances moved; the store: {store}"))
    }

    /// Numbers and names of the chosen; there must be some.
    fn chosen(&self, which: &InstanceChoice) -> Result<(Vec<Number>, String), String> {
        let present = self.members.present();
        let chosen = which.of(present.iter().map(|(_, member)| (member.name.as_str(), member.zone.as_str())));
        if chosen.is_empty() {
            let names: Vec<&str> = present.iter().map(|(_, member)| member.name.as_str()).collect();
            return Err(format!("{which} is not there; there are {}", names.join(", ")));
        }
        let are_chosen = present.iter().filter(|(_, member)| chosen.contains(&member.name.as_str()));
        let told: Vec<String> =
            are_chosen.clone().map(|(_, member)| format!("{} in {}", member.name, member.zone)).collect();
        Ok((are_chosen.map(|(number, _)| *number).collect(), told.join(", ")))
    }

    async fn until_dead(&self, numbers: &[Number]) {
        while self.members.any_runs(numbers) {
            sleep(LOOK_EVERY).await;
        }
    }
}
