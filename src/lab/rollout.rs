//! Instances replaced by new ones, in good order: the new ones are healthy before the old ones go.

use super::balancer::{Control, FULL_WEIGHT};
use super::fleet::Lab;
use super::group::Desire;
use super::instance::Wish;
use super::members::{Members, Number, Stage};
use crate::plan::Farewell;
use std::time::Duration;
use tokio::sync::MutexGuard;
use tokio::time::{sleep, timeout};

const LOOK_EVERY: Duration = Duration::from_millis(50);
/// For new instances where the profile gives no time.
pub(super) const HEALTHY_WITHIN: Duration = Duration::from_secs(60);

/// The one replacement of instances that is under way. Dropping it takes back what it wanted of the group.
pub(super) struct Rollout<'a> {
    desire: Desire,
    members: &'a Members,
    control: &'a Control,
    zones: &'a [String],
    within: Duration,
    farewell: Farewell,
    _alone: MutexGuard<'a, ()>,
}

impl Drop for Rollout<'_> {
    fn drop(&mut self) {
        self.members.set_weight_of_new(None);
        self.want_beside_the_desired(0);
    }
}

impl Lab {
    pub(super) fn rollout(&self, within: Duration, farewell: Farewell) -> Result<Rollout<'_>, String> {
        let alone = self.rollout.try_lock().map_err(|_| "instances are being replaced already".to_owned())?;
        Ok(Rollout {
            desire: self.group.desire(),
            members: &self.members,
            control: &self.control,
            zones: &self.zones,
            within,
            farewell,
            _alone: alone,
        })
    }
}

impl Rollout<'_> {
    /// Replaces all instances that are there now, `batch` at a time.
    pub(super) async fn rolling(&self, batch: u32, pause: Duration) -> Result<String, String> {
        let old = self.present();
        let mut batches = old.chunks(batch.max(1) as usize).peekable();
        while let Some(batch) = batches.next() {
            self.replace(batch).await?;
            if batches.peek().is_some() {
                sleep(pause).await;
            }
        }
        self.until_gone(&old).await;
        Ok(format!("{} instances replaced", old.len()))
    }

    /// Stands up a second set, shifts traffic to it, and lets the first one go.
    pub(super) async fn blue_green(&self, steps: &[f64], pause: Duration) -> Result<String, String> {
        let blue = self.present();
        self.members.set_weight_of_new(Some(0));
        self.want_beside_the_desired(blue.len() as u32);
        self.until_whole().await?;
        for (index, share) in steps.iter().enumerate() {
            if index > 0 {
                sleep(pause).await;
            }
            let green = (share * f64::from(FULL_WEIGHT)).round() as u32;
            self.members.set_weight_of_new(Some(green));
            // More traffic for the new set before there is less for the old one: nobody is ever without a server.
            self.weigh(|number| !blue.contains(&number), green).await?;
            self.weigh(|number| blue.contains(&number), FULL_WEIGHT - green).await?;
        }
        self.let_go(&blue);
        self.until_gone(&blue).await;
        Ok(format!("{} instances replaced", blue.len()))
    }

    /// Moves instances until no zone has two more than another.
    pub(super) async fn even_out(&self) -> Result<usize, String> {
        self.until_whole().await?;
        let surplus = self.members.surplus(self.zones);
        if !surplus.is_empty() {
            self.replace(&surplus).await?;
            self.until_gone(&surplus).await;
        }
        Ok(surplus.len())
    }

    async fn replace(&self, old: &[Number]) -> Result<(), String> {
        self.want_beside_the_desired(old.len() as u32);
        self.until_whole().await?;
        self.let_go(old);
        Ok(())
    }

    fn present(&self) -> Vec<Number> {
        self.members.present().into_iter().map(|(number, _)| number).collect()
    }

    fn want_beside_the_desired(&self, surge: u32) {
        self.members.set_surge(surge);
        self.desire.look();
    }

    fn let_go(&self, old: &[Number]) {
        let wish = match self.farewell {
            Farewell::Drained => Wish::Drain,
            Farewell::Abrupt => Wish::Kill,
        };
        self.members.hand_over(old);
        self.desire.end(old.to_vec(), Stage::Leaving, wish);
    }

    async fn weigh(&self, of: impl Fn(Number) -> bool, weight: u32) -> Result<(), String> {
        for (number, member) in self.members.present().into_iter().filter(|(number, _)| of(*number)) {
            self.members.note_weight(number, weight);
            self.control.set_weight(&member.name, weight).await.map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    async fn until_whole(&self) -> Result<(), String> {
        let whole = async {
            while !self.members.whole() {
                sleep(LOOK_EVERY).await;
            }
        };
        timeout(self.within, whole).await.map_err(|_| {
            let seconds = self.within.as_secs_f64();
            format!("not all instances were healthy within {seconds:.0} s: {}", self.members.waiting().join(", "))
        })
    }

    async fn until_gone(&self, old: &[Number]) {
        while self.members.any_left(old) {
            sleep(LOOK_EVERY).await;
        }
    }
}
