use super::autoscaler::{Autoscaler, Datapoint, Reaction};
use super::balancer::{Control, Health, Stat};
use super::group::{Change, Desire};
use super::members::Members;
use crate::fleet::NoticeSender;
use crate::history::{EventKind, EventSource, Notice};
use crate::plan::AutoscalerPlan;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use tokio::time::{MissedTickBehavior, interval};

/// How often HAProxy is asked what it sees.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Follows the balancer's view of its targets for as long as the lab is up: tells what changed, keeps the gauges, and
/// feeds the autoscaler.
pub(super) async fn watch(
    control: Control,
    members: Members,
    notices: NoticeSender,
    autoscaler: Option<AutoscalerPlan>,
    desire: Desire,
) {
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut scaling = autoscaler.map(|plan| Scaling::new(plan, members.clone(), notices.clone()));
    let mut last_seen = Instant::now();
    let mut answering = true;
    loop {
        ticks.tick().await;
        let asked = Instant::now();
        match control.stat().await {
            Ok(stat) => {
                answering = true;
                // What changed did so since the last look, which was over some time after it was asked for.
                let resolution = last_seen.elapsed();
                last_seen = asked;
                note(&stat, &members, &notices, resolution);
                if let Some(scaling) = &mut scaling
                    && let Some(to) = scaling.note(&stat)
                {
                    let cause = "the autoscaler's alarm on requests per target".to_owned();
                    if let Err(error) = desire.change(Change::To(to), "set-capacity", cause).await {
                        log::warn!("the autoscaler: {error}");
                    }
                }
            }
            Err(error) if answering => {
                answering = false;
                let what = format!("the balancer does not answer: {error}");
                let _ = notices.send(Notice::now(EventSource::Balancer, EventKind::Trouble { what }));
            }
            Err(_) => {}
        }
    }
}

fn note(stat: &Stat, members: &Members, notices: &NoticeSender, resolution: Duration) {
    members.note_queue(stat.queued);
    for server in &stat.servers {
        if let Some(kind) = members.note_health(&server.name, server.health == Health::Up) {
            let _ = notices.send(Notice { resolution, ..Notice::now(EventSource::Balancer, kind) });
        }
    }
}

/// Makes datapoints out of looks at the balancer and reactions out of datapoints.
struct Scaling {
    plan: AutoscalerPlan,
    autoscaler: Autoscaler,
    members: Members,
    notices: NoticeSender,
    started: Instant,
    period_began: Instant,
    /// Requests each server had been given when the period began.
    before: HashMap<String, u64>,
}

impl Scaling {
    fn new(plan: AutoscalerPlan, members: Members, notices: NoticeSender) -> Scaling {
        let now = Instant::now();
        Scaling {
            autoscaler: Autoscaler::new(plan.clone()),
            plan,
            members,
            notices,
            started: now,
            period_began: now,
            before: HashMap::new(),
        }
    }

    /// At the end of a period, takes its datapoint; the new desired count, if that is to change.
    fn note(&mut self, stat: &Stat) -> Option<u32> {
        let elapsed = self.period_began.elapsed();
        if elapsed < self.plan.period {
            return None;
        }
        let now: HashMap<String, u64> =
            stat.servers.iter().map(|server| (server.name.clone(), server.requests)).collect();
        let before = std::mem::replace(&mut self.before, now);
        self.period_began = Instant::now();
        let warm = self.members.warm(self.plan.warm_up);
        let requests = requests_of(&warm, &before, &self.before);
        let metric = (!warm.is_empty()).then(|| requests as f64 / elapsed.as_secs_f64() / warm.len() as f64);
        self.members.note_metric(metric);
        let metric = metric?;
        let reactions = self.autoscaler.observe(Datapoint {
            at: self.started.elapsed(),
            requests_per_target: metric,
            warm: warm.len() as u32,
            desired: self.members.desired(),
        });
        self.carry_out(reactions, metric)
    }

    fn carry_out(&self, reactions: Vec<Reaction>, metric: f64) -> Option<u32> {
        let target = self.plan.requests_per_target;
        let mut desired = None;
        for reaction in reactions {
            let kind = match reaction {
                Reaction::AlarmRaised => EventKind::AlarmRaised { metric, target },
                Reaction::AlarmCleared => EventKind::AlarmCleared { metric, target },
                Reaction::Scale { to } => {
                    desired = Some(to);
                    continue;
                }
            };
            let _ = self.notices.send(Notice::now(EventSource::Alarm, kind));
        }
        desired
    }
}

/// Requests that these servers were given between two looks. One that was not there before began at none.
fn requests_of(servers: &[String], before: &HashMap<String, u64>, now: &HashMap<String, u64>) -> u64 {
    let count = |counts: &HashMap<String, u64>, server: &String| counts.get(server).copied().unwrap_or(0);
    servers.iter().map(|server| count(now, server).saturating_sub(count(before, server))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_those_of_the_period_and_of_these_servers() {
        let counts = |counts: &[(&str, u64)]| counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
        let before = counts(&[("i-1", 100), ("i-2", 50), ("i-4", 9)]);
        let now = counts(&[("i-1", 160), ("i-2", 70), ("i-3", 5)]);
        let servers = ["i-1", "i-3", "i-4"].map(str::to_owned);
        assert_eq!(requests_of(&servers, &before, &now), 60 + 5);
    }
}
