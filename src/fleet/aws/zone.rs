//! `zone-outage`: the balancer's traffic is shifted away from a zone (a zonal shift), or an experiment of the Fault
//! Injection Service takes it away. `zone-recovery`, or the run's end, ends it.

use super::act::refused;
use super::call::{CallError, CallFailure};
use super::clients::{Clients, group};
use super::clock::{asked_about_then, now};
use super::fleet::Aws;
use super::permission::permitted;
use crate::fleet::FleetError;
use crate::plan::Action;
use aws_sdk_arczonalshift::types::ZonalShiftStatus;
use aws_sdk_fis::types::{ExperimentStatus as Status, ExperimentSummary};
use serde::{Deserialize, Serialize};
use std::time::{Duration, SystemTime};
use tokio::time::sleep;

const LOOK_EVERY: Duration = Duration::from_secs(5);
const BEGUN_WITHIN: Duration = Duration::from_secs(5 * 60);
const ENDED_WITHIN: Duration = Duration::from_secs(15 * 60);
/// A zonal shift of a run that died ends by itself after this long.
const SHIFT_LASTS: &str = "3h";
/// What is shown of it to others, before what tells it from other shifts.
const COMMENT: &str = "zone-outage of a rushhour run";

/// What takes a zone away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Outage {
    /// Id of a zonal shift.
    Shift(String),
    /// Id of an experiment.
    Experiment(String),
    /// There is no answer yet, so that it may take the zone away or not.
    Asked(Asked),
}

/// What is asked for, and how to know it again where no answer came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Asked {
    /// `comment` is of this shift and no other.
    Shift { balancer: String, zone_id: String, comment: String },
    /// A list of experiments tells their template and time.
    Experiment { template: String, at: SystemTime },
}

impl Asked {
    fn begun(&self, id: String) -> Outage {
        match self {
            Asked::Shift { .. } => Outage::Shift(id),
            Asked::Experiment { .. } => Outage::Experiment(id),
        }
    }
}

/// What a zonal shift needs to know.
struct Shiftable {
    balancer: String,
    /// `euc1-az2`: names of zones differ between accounts, ids do not.
    zone_id: String,
}

impl Aws {
    pub(super) async fn take_zone(
        &self,
        action: &Action,
        zone: &str,
        experiment: Option<&str>,
    ) -> Result<String, FleetError> {
        if self.journal.undo().is_some_and(|undo| undo.outages.contains_key(zone)) {
            return Err(refused(action, format!("{zone} is taken away already")));
        }
        let clients = &self.watch.clients;
        let asked = match experiment {
            Some(template) => {
                self.may_experiment(action, template).await?;
                Asked::Experiment { template: template.to_owned(), at: self.watch.clock.wall(now()) }
            }
            None => {
                let Shiftable { balancer, zone_id } = self.may_shift(action, zone).await?;
                Asked::Shift { balancer, zone_id, comment: format!("{COMMENT} ({:016x})", rand::random::<u64>()) }
            }
        };
        // Noted before it is asked for: the run may end before the answer comes.
        self.note_outage(zone, Outage::Asked(asked.clone()))?;
        let id = self.begun_outage(zone, &asked).await?;
        self.note_outage(zone, asked.begun(id.clone()))?;
        match asked {
            Asked::Shift { zone_id, .. } => Ok(format!("traffic goes to other zones than {zone} ({zone_id})")),
            Asked::Experiment { template, .. } => {
                clients.until_begun(&id).await.map_err(|reason| refused(action, reason))?;
                Ok(format!("the experiment {id} of {template}"))
            }
        }
    }

    fn note_outage(&self, zone: &str, outage: Outage) -> Result<(), FleetError> {
        self.journal.note(|undo| drop(undo.outages.insert(zone.to_owned(), outage)))
    }

    /// The id of what takes the zone away as asked. Where it stays open whether something does, the journal keeps it.
    async fn begun_outage(&self, zone: &str, asked: &Asked) -> Result<String, CallError> {
        let clients = &self.watch.clients;
        let error = match clients.begin_outage(asked).await {
            Ok(id) => return Ok(id),
            Err(error) => error,
        };
        let refused = !error.kind.leaves_open();
        let found = match asked {
            // Asked again, AWS knows it by the token that the SDK sends with it, so that refused means not begun.
            Asked::Experiment { .. } if refused => Ok(None),
            // A shift that the SDK asks for again is refused for a conflict with itself.
            _ => clients.find_outage(asked).await,
        };
        match found {
            Ok(Some(id)) => return Ok(id),
            Ok(None) if refused => self.journal.forget(|undo| drop(undo.outages.remove(zone))),
            // The run's end looks again.
            _ => {}
        }
        Err(error)
    }

    pub(super) async fn give_zone_back(&self, action: &Action, zone: &str) -> Result<String, FleetError> {
        let outage = self.journal.undo().and_then(|undo| undo.outages.get(zone).cloned());
        let outage = outage.ok_or_else(|| refused(action, format!("{zone} is not taken away")))?;
        let told = self.watch.clients.end_outage(&outage).await?;
        self.journal.forget(|undo| drop(undo.outages.remove(zone)));
        if let Outage::Experiment(id) = &outage {
            self.watch.clients.until_ended(id).await.map_err(|reason| refused(action, reason))?;
        }
        Ok(told)
    }

    /// Whether a run may begin whose timeline takes a zone away.
    pub(super) async fn may_take_zone(
        &self,
        action: &Action,
        zone: &str,
        experiment: Option<&str>,
    ) -> Result<(), FleetError> {
        match experiment {
            Some(template) => self.may_experiment(action, template).await,
            None => self.may_shift(action, zone).await.map(drop),
        }
    }

    async fn may_experiment(&self, action: &Action, template: &str) -> Result<(), FleetError> {
        let call = self.watch.clients.call("GetExperimentTemplate", experiment_template(template));
        let answer = self.watch.clients.faults.get_experiment_template().id(template).send().await;
        let found = answer.map_err(|error| call.failed(error))?.experiment_template;
        let found = found.ok_or_else(|| call.error(CallFailure::NotFound, "there is no such template"))?;
        let tags: Vec<(String, String)> = found.tags.iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect();
        permitted(action.name(), &experiment_template(template), &tags).map_err(|reason| refused(action, reason))?;
        // Without an alarm nothing would stop it but its own end.
        match found.stop_conditions().iter().any(|condition| condition.source.as_deref() != Some("none")) {
            true => Ok(()),
            false => {
                let what = experiment_template(template);
                Err(refused(action, format!("{what} has no stop condition; give it an alarm that stops it")))
            }
        }
    }

    async fn may_shift(&self, action: &Action, zone: &str) -> Result<Shiftable, FleetError> {
        let clients = &self.watch.clients;
        let target_group = self.watch.watched.target_groups.first().expect("a fleet has a target group");
        let found = clients.whole_target_group(target_group).await?;
        let Some(balancer) = found.load_balancer_arns().first().cloned() else {
            return Err(refused(action, "the target group belongs to no balancer"));
        };
        let tags = clients.tags_of(&balancer, format!("the balancer `{balancer}`")).await?;
        let may = permitted(action.name(), &format!("the balancer `{balancer}`"), &tags);
        may.map_err(|reason| refused(action, reason))?;
        let call = clients.call("GetManagedResource", format!("the balancer `{balancer}`"));
        match clients.shifting.get_managed_resource().resource_identifier(&balancer).send().await {
            Ok(_) => {}
            Err(error) => {
                let failed = call.failed(error);
                return Err(match failed.kind {
                    CallFailure::NotFound => refused(
                        action,
                        format!(
                            "the balancer takes part in no zonal shift; set its attribute `zonal_shift.config.enabled` \
                             ({})",
                            failed.said
                        ),
                    ),
                    _ => failed.into(),
                });
            }
        }
        let zone_id = self.zone_id(action, zone).await?;
        Ok(Shiftable { balancer, zone_id })
    }

    /// The id of a zone that the group has instances in.
    async fn zone_id(&self, action: &Action, zone: &str) -> Result<String, FleetError> {
        let name = &self.plan.auto_scaling_group;
        let found = self.watch.clients.whole_group(name).await?;
        let zones = found.instances().iter().filter_map(|instance| {
            Some((instance.availability_zone.as_deref()?, instance.availability_zone_id.as_deref()?))
        });
        let mut zones: Vec<(&str, &str)> = zones.collect();
        zones.sort_unstable();
        zones.dedup();
        match zones.iter().find(|(name, id)| *name == zone || *id == zone) {
            Some((_, id)) => Ok((*id).to_owned()),
            None => {
                let there: Vec<&str> = zones.iter().map(|(name, _)| *name).collect();
                let there = there.join(", ");
                Err(refused(action, format!("{} has no instance in {zone}; it has some in {there}", group(name))))
            }
        }
    }
}

fn experiment_template(id: &str) -> String {
    format!("the experiment template `{id}`")
}

impl Clients {
    async fn begin_outage(&self, asked: &Asked) -> Result<String, CallError> {
        match asked {
            Asked::Shift { balancer, zone_id, comment } => {
                let call = self.call("StartZonalShift", format!("the balancer `{balancer}`"));
                let asked = self.shifting.start_zonal_shift().resource_identifier(balancer).away_from(zone_id);
                let answer = asked.expires_in(SHIFT_LASTS).comment(comment).send().await;
                Ok(answer.map_err(|error| call.failed(error))?.zonal_shift_id)
            }
            Asked::Experiment { template, .. } => {
                let call = self.call("StartExperiment", experiment_template(template));
                let answer = self.faults.start_experiment().experiment_template_id(template).send().await;
                let started = answer.map_err(|error| call.failed(error))?.experiment;
                let id = started.and_then(|experiment| experiment.id);
                id.ok_or_else(|| call.error(CallFailure::Server, "the answer names no experiment"))
            }
        }
    }

    /// The id of what was asked for, as far as it was begun and is still there. What somebody else has begun is left alone.
    async fn find_outage(&self, asked: &Asked) -> Result<Option<String>, CallError> {
        match asked {
            Asked::Shift { balancer, comment, .. } => {
                let call = self.call("ListZonalShifts", format!("the balancer `{balancer}`"));
                let listed = self.shifting.list_zonal_shifts().resource_identifier(balancer);
                let listed = listed.status(ZonalShiftStatus::Active).into_paginator().items().send();
                let shifts = listed.collect::<Result<Vec<_>, _>>().await.map_err(|error| call.failed(error))?;
                let ours = shifts.into_iter().find(|shift| shift.comment == *comment);
                Ok(ours.map(|shift| shift.zonal_shift_id))
            }
            Asked::Experiment { template, at } => {
                let call = self.call("ListExperiments", experiment_template(template));
                let listed = self.faults.list_experiments().experiment_template_id(template);
                let listed = listed.into_paginator().items().send();
                let experiments = listed.collect::<Result<Vec<_>, _>>().await.map_err(|error| call.failed(error))?;
                let ours = |experiment: &ExperimentSummary| {
                    let began = experiment.creation_time.and_then(|time| SystemTime::try_from(time).ok());
                    let status = experiment.state.as_ref().and_then(|state| state.status.as_ref());
                    began.is_some_and(|began| asked_about_then(*at, began)) && !status.is_some_and(has_ended)
                };
                Ok(experiments.into_iter().find(ours).and_then(|experiment| experiment.id))
            }
        }
    }

    /// That it has ended already is as good.
    pub(super) async fn end_outage(&self, outage: &Outage) -> Result<String, CallError> {
        match outage {
            Outage::Shift(id) => {
                let call = self.call("CancelZonalShift", format!("the zonal shift `{id}`"));
                match self.shifting.cancel_zonal_shift().zonal_shift_id(id).send().await {
                    // It has expired, or somebody else has cancelled it; after a while it is not even known any more.
                    Err(error)
                        if error.as_service_error().is_some_and(|error| {
                            error.is_conflict_exception() || error.is_resource_not_found_exception()
                        }) => {}
                    other => drop(other.map_err(|error| call.failed(error))?),
                }
                Ok("traffic goes to all zones again".to_owned())
            }
            Outage::Experiment(id) => {
                let ended = self.experiment(id).await?.0.is_some_and(|status| has_ended(&status));
                if !ended {
                    let call = self.call("StopExperiment", format!("the experiment `{id}`"));
                    self.faults.stop_experiment().id(id).send().await.map_err(|error| call.failed(error))?;
                }
                Ok(format!("the experiment {id} is stopped"))
            }
            Outage::Asked(asked) => match self.find_outage(asked).await? {
                Some(id) => Box::pin(self.end_outage(&asked.begun(id))).await,
                None => Ok("no traffic was taken from a zone".to_owned()),
            },
        }
    }

    async fn experiment(&self, id: &str) -> Result<(Option<Status>, String), CallError> {
        let call = self.call("GetExperiment", format!("the experiment `{id}`"));
        let answer = self.faults.get_experiment().id(id).send().await.map_err(|error| call.failed(error))?;
        let state = answer.experiment.and_then(|experiment| experiment.state);
        let reason = state.as_ref().and_then(|state| state.reason.clone());
        Ok((state.and_then(|state| state.status), reason.unwrap_or_else(|| "AWS gives no reason".to_owned())))
    }

    async fn until_begun(&self, id: &str) -> Result<(), String> {
        let begun = now();
        while now() - begun < BEGUN_WITHIN {
            match self.experiment(id).await {
                Ok((Some(Status::Running | Status::Completed), _)) => return Ok(()),
                Ok((Some(status), reason)) if has_ended(&status) => {
                    return Err(format!("the experiment {id} is {}: {reason}", status.as_str()));
                }
                // Passing trouble.
                _ => sleep(LOOK_EVERY).await,
            }
        }
        Err(format!("the experiment {id} does not run after {} minutes", BEGUN_WITHIN.as_secs() / 60))
    }

    async fn until_ended(&self, id: &str) -> Result<(), String> {
        let begun = now();
        while now() - begun < ENDED_WITHIN {
            match self.experiment(id).await {
                Ok((Some(Status::Failed), reason)) => return Err(format!("the experiment {id} failed: {reason}")),
                Ok((Some(status), _)) if has_ended(&status) => return Ok(()),
                _ => sleep(LOOK_EVERY).await,
            }
        }
        Err(format!("the experiment {id} has not ended after {} minutes", ENDED_WITHIN.as_secs() / 60))
    }
}

fn has_ended(status: &Status) -> bool {
    matches!(status, Status::Completed | Status::Stopped | Status::Failed | Status::Cancelled)
}
