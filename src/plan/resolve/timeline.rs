use super::context::Context;
use crate::history::EventKind;
use crate::plan::{
    Action, Awaited, EvictionPolicy, Failover, Farewell, FleetPlan, InstanceChoice, OnFailure, Outage, Pick, StoreKind,
    TimelineEntry,
};
use crate::profile::{
    ActionFile, At, EvictionPolicyFile, FleetStateFile, HowFile, OnFailureFile, Span, TimelineFile, suggestion,
};
use std::ops::Range;
use std::time::Duration;

const WITHIN: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_secs(2);
/// An instance of AWS takes minutes to boot …
const AWS_WITHIN: Duration = Duration::from_secs(15 * 60);
/// … and new weights take seconds to reach all nodes of a balancer.
const AWS_PAUSE: Duration = Duration::from_secs(60);
const SHARES: [f64; 3] = [0.1, 0.5, 1.0];
const MEMORY_SHARE: f64 = 0.5;

/// What the timeline's entries are resolved against.
pub struct Around<'a> {
    pub fleet: &'a FleetPlan,
    /// Of the compressed curve.
    pub length: Duration,
    pub compress: f64,
    pub seed: u64,
}

/// The keys that an action takes besides `at`, `do` and `on_failure`.
fn keys(action: ActionFile) -> &'static [&'static str] {
    match action {
        ActionFile::ScaleOut | ActionFile::ScaleIn => &["by"],
        ActionFile::SetCapacity => &["to"],
        ActionFile::KillInstance | ActionFile::StopInstance | ActionFile::FreezeInstance => &["target", "zone"],
        ActionFile::ZoneOutage => &["zone", "how"],
        ActionFile::ZoneRecovery => &["zone"],
        ActionFile::RollingReplace => &["batch", "pause", "within", "drain"],
        ActionFile::BlueGreen => &["steps", "pause", "within", "drain"],
        ActionFile::StoreFailover => &["how"],
        ActionFile::Evict => &["policy", "memory"],
        ActionFile::WaitFor => &["event", "state", "quiet", "within"],
        ActionFile::Run => &["command", "name", "within"],
        ActionFile::Declare => &["name"],
        ActionFile::StoreOutage
        | ActionFile::StoreRecovery
        | ActionFile::StoreRestart
        | ActionFile::Snapshot
        | ActionFile::Restore => &[],
    }
}

/// The keys that are written, where, and whether with a value that asks for nothing.
fn given(file: &TimelineFile) -> Vec<(&'static str, &Range<usize>, bool)> {
    let list = [
        file.by.as_ref().map(|v| ("by", &v.span, v.value == 0)),
        file.to.as_ref().map(|v| ("to", &v.span, v.value == 0)),
        file.target.as_ref().map(|v| ("target", &v.span, v.trim().is_empty())),
        file.zone.as_ref().map(|v| ("zone", &v.span, v.trim().is_empty())),
        file.how.as_ref().map(|v| ("how", &v.span, false)),
        file.batch.as_ref().map(|v| ("batch", &v.span, v.value == 0)),
        file.steps.as_ref().map(|v| ("steps", &v.span, v.is_empty())),
        file.pause.as_ref().map(|v| ("pause", &v.span, false)),
        file.drain.as_ref().map(|v| ("drain", &v.span, false)),
        file.within.as_ref().map(|v| ("within", &v.span, v.0.is_zero())),
        file.policy.as_ref().map(|v| ("policy", &v.span, false)),
        file.memory.as_ref().map(|v| ("memory", &v.span, v.value == 0.0)),
        file.event.as_ref().map(|v| ("event", &v.span, v.trim().is_empty())),
        file.state.as_ref().map(|v| ("state", &v.span, false)),
        file.quiet.as_ref().map(|v| ("quiet", &v.span, v.0.is_zero())),
        file.command.as_ref().map(|v| ("command", &v.span, v.first().is_none_or(|program| program.is_empty()))),
        file.name.as_ref().map(|v| ("name", &v.span, v.trim().is_empty())),
    ];
    list.into_iter().flatten().collect()
}

/// Why this cannot be done to a DynamoDB table.
fn not_of_dynamodb(action: ActionFile) -> Option<&'static str> {
    match action {
        ActionFile::StoreFailover => Some("there is no primary to fail over: DynamoDB does that by itself, unseen"),
        ActionFile::StoreRestart => Some("there is nothing to restart: its emulator has its data in memory alone"),
        ActionFile::Snapshot | ActionFile::Restore => Some("there are no snapshots: its emulator has no backups"),
        ActionFile::Evict => Some("nothing is ever evicted"),
        _ => None,
    }
}

impl Context<'_> {
    /// Entries in order of time, at the compressed time.
    pub fn timeline(&mut self, files: &[At<TimelineFile>], around: &Around<'_>) -> Vec<TimelineEntry> {
        let mut entries: Vec<TimelineEntry> = Vec::new();
        for (number, file) in (0..).zip(files) {
            let at = Duration::from_secs_f64(file.at.0.as_secs_f64() / around.compress);
            if !around.length.is_zero() && at >= around.length {
                let length = Span(around.length.mul_f64(around.compress));
                let message = format!("the load is over by then: it lasts {length}");
                self.error(&file.at.span, message, "make it earlier, or lengthen the curve");
            }
            let everywhere = [ActionFile::Declare, ActionFile::WaitFor, ActionFile::Run];
            match around.fleet {
                _ if everywhere.contains(&file.action.value) => {}
                FleetPlan::Lab(_) => {}
                FleetPlan::Aws(aws) => self.possible_on_aws(file, aws),
                FleetPlan::Observe { .. } => {
                    let help = "write `do = \"declare\"` with a `name`, and let whoever runs the fleet change it then";
                    self.error(&file.action.span, "a fleet that is only observed cannot be changed", help);
                }
            }
            self.store_can(file, around.fleet);
            self.keys_belong(file);
            let seed = around.seed.wrapping_add(number);
            let on_failure = match file.on_failure.unwrap_or_default() {
                OnFailureFile::Continue => OnFailure::Continue,
                OnFailureFile::Stop => OnFailure::Stop,
            };
            let action = self.action(file, around.fleet, seed);
            entries.extend(action.map(|action| TimelineEntry { at, action, on_failure }));
        }
        let actions = entries.iter().map(|entry| entry.action.name());
        let known: Vec<&str> = EventKind::NAMES.into_iter().chain(actions).collect();
        for event in files.iter().filter_map(|file| file.event.as_ref()) {
            if !known.contains(&event.as_str()) {
                self.error(
                    &event.span,
                    format!("no event is called `{}`", event.value),
                    suggestion(event, known.clone()),
                );
            }
        }
        entries.sort_by_key(|entry| entry.at);
        entries
    }

    fn store_can(&mut self, file: &TimelineFile, fleet: &FleetPlan) {
        let FleetPlan::Lab(lab) = fleet else { return };
        match (lab.store.kind, file.action.value) {
            (StoreKind::Single, ActionFile::StoreFailover) => {
                let help =
                    "give the store another, with `kind = \"sentinel\"` or `kind = \"cluster\"` under `[fleet.store]`";
                self.error(&file.action.span, "a single server has none to fail over to", help);
            }
            (StoreKind::Cluster, ActionFile::Snapshot | ActionFile::Restore) => {
                let message = "the primaries of a cluster have no common moment that a snapshot could hold";
                let help = "`kind = \"sentinel\"` or `kind = \"single\"` under `[fleet.store]` can be put back to one";
                self.error(&file.action.span, message, help);
            }
            (StoreKind::Dynamodb, action) => {
                if let Some(why) = not_of_dynamodb(action) {
                    let help = "take `store-outage`, or a store of Redis";
                    self.error(&file.action.span, format!("with `kind = \"dynamodb\"` {why}"), help);
                }
            }
            _ => {}
        }
    }

    fn keys_belong(&mut self, file: &TimelineFile) {
        let takes = keys(file.action.value);
        for (key, span, nothing) in given(file) {
            if !takes.contains(&key) {
                let names: Vec<String> = takes.iter().map(|name| format!("`{name}`")).collect();
                let help = match names.len() {
                    0 => "this action takes no key of its own".to_owned(),
                    _ => format!("this action takes {}", names.join(", ")),
                };
                self.error(span, format!("`{key}` does not belong here"), help);
            } else if nothing {
                self.error(span, format!("`{key}` asks for nothing"), "give a value above zero, or a name");
            }
        }
    }

    fn action(&mut self, file: &TimelineFile, fleet: &FleetPlan, seed: u64) -> Option<Action> {
        let by = file.by.as_ref().map_or(1, |by| by.value);
        let (usual_within, usual_pause) = usual(file.action.value, fleet);
        let within = file.within.as_ref().map_or(usual_within, |within| within.0);
        let pause = file.pause.as_ref().map_or(usual_pause, |pause| pause.0);
        let farewell = match file.drain.as_ref().is_none_or(|drain| drain.value) {
            true => Farewell::Drained,
            false => Farewell::Abrupt,
        };
        Some(match file.action.value {
            ActionFile::ScaleOut => Action::ScaleOut { by },
            ActionFile::ScaleIn => Action::ScaleIn { by },
            ActionFile::SetCapacity => Action::SetCapacity { to: self.needed(file, "to", "4", &file.to)? },
            ActionFile::KillInstance => Action::KillInstance { which: self.choice(file, fleet, seed) },
            ActionFile::StopInstance => Action::StopInstance { which: self.choice(file, fleet, seed) },
            ActionFile::FreezeInstance => Action::FreezeInstance { which: self.choice(file, fleet, seed) },
            ActionFile::ZoneOutage if let FleetPlan::Aws(aws) = fleet => {
                Action::ZoneShift { zone: self.zone(file, fleet)?, experiment: aws.experiment_template.clone() }
            }
            ActionFile::ZoneOutage => {
                let how = self.how(file, HowFile::Kill, &[HowFile::Kill, HowFile::Freeze]);
                let how = if how == HowFile::Freeze { Outage::Freeze } else { Outage::Kill };
                Action::ZoneOutage { zone: self.zone(file, fleet)?, how }
            }
            ActionFile::ZoneRecovery => Action::ZoneRecovery { zone: self.zone(file, fleet)? },
            ActionFile::RollingReplace => {
                let batch = file.batch.as_ref().map_or(1, |batch| batch.value);
                Action::RollingReplace { batch, pause, within, farewell }
            }
            ActionFile::BlueGreen => Action::BlueGreen { steps: self.shares(&file.steps), pause, within, farewell },
            ActionFile::StoreFailover => {
                let how = self.how(file, HowFile::Graceful, &[HowFile::Graceful, HowFile::Kill]);
                let how = if how == HowFile::Kill { Failover::Kill } else { Failover::Graceful };
                Action::StoreFailover { how }
            }
            ActionFile::StoreOutage => Action::StoreOutage,
            ActionFile::StoreRecovery => Action::StoreRecovery,
            ActionFile::StoreRestart => Action::StoreRestart,
            ActionFile::Snapshot => Action::Snapshot,
            ActionFile::Restore => Action::Restore,
            ActionFile::Evict => Action::Evict {
                policy: policy(file.policy.as_ref().map_or(EvictionPolicyFile::AllkeysLru, |policy| policy.value)),
                memory_share: self.memory_share(&file.memory),
            },
            ActionFile::WaitFor => Action::WaitFor { what: self.awaited(file)?, within },
            ActionFile::Run => Action::Run {
                name: file.name.as_ref().map_or_else(|| "run".to_owned(), |name| name.value.clone()),
                command: self.needed(file, "command", "[\"./fail-over.sh\"]", &file.command)?,
                directory: self.path("".as_ref()),
                within,
            },
            ActionFile::Declare => Action::Declare { name: self.needed(file, "name", "\"rollout\"", &file.name)? },
        })
    }

    /// The value of a key that this action cannot do without.
    fn needed<T: Clone>(
        &mut self,
        file: &TimelineFile,
        key: &str,
        example: &str,
        written: &Option<At<T>>,
    ) -> Option<T> {
        if written.is_none() {
            let action = self.profile.source(&file.action.span).trim_matches('"').to_owned();
            self.error(&file.action.span, format!("`{action}` needs `{key}`"), format!("such as `{key} = {example}`"));
        }
        written.as_ref().map(|written| written.value.clone())
    }

    fn choice(&mut self, file: &TimelineFile, fleet: &FleetPlan, seed: u64) -> InstanceChoice {
        let pick = match file.target.as_ref().map_or("random", |target| target.trim()) {
            "random" => Pick::Random { seed },
            "oldest" => Pick::Oldest,
            "newest" => Pick::Newest,
            "all" => Pick::All,
            id => Pick::Id(id.to_owned()),
        };
        if let (Pick::Id(id), FleetPlan::Lab(_), Some(target)) = (&pick, fleet, &file.target)
            && id.strip_prefix("i-").is_none_or(|number| number.parse::<u32>().is_err())
        {
            let help = "`oldest`, `newest`, `random`, `all`, or an id: the lab's are `i-1`, `i-2` and so on";
            self.error(&target.span, format!("no instance is called `{id}`"), help);
        }
        let zone = file.zone.as_ref().and_then(|_| self.zone(file, fleet));
        InstanceChoice { pick, zone }
    }

    fn zone(&mut self, file: &TimelineFile, fleet: &FleetPlan) -> Option<String> {
        let zone = self.needed(file, "zone", "\"zone-b\"", &file.zone)?;
        if let (FleetPlan::Lab(lab), Some(written)) = (fleet, &file.zone)
            && !lab.zones.contains(&zone)
        {
            self.unknown(written, "zone", lab.zones.iter().map(String::as_str));
        }
        Some(zone)
    }

    fn how(&mut self, file: &TimelineFile, default: HowFile, possible: &[HowFile]) -> HowFile {
        let Some(how) = &file.how else { return default };
        if !possible.contains(&how.value) {
            let help = if default == HowFile::Kill { "`kill` or `freeze`" } else { "`graceful` or `kill`" };
            self.error(&how.span, "this action is not done in that manner", help);
        }
        how.value
    }

    fn shares(&mut self, written: &Option<At<Vec<f64>>>) -> Vec<f64> {
        let Some(steps) = written else { return SHARES.to_vec() };
        let rising = steps.is_sorted_by(|a, b| a < b) && steps.first().is_none_or(|first| *first > 0.0);
        if !rising || steps.last().is_some_and(|last| *last != 1.0) {
            self.error(&steps.span, "the shares do not rise to 1", "such as `[0.1, 0.5, 1.0]`");
        }
        steps.value.clone()
    }

    fn memory_share(&mut self, written: &Option<At<f64>>) -> f64 {
        let Some(share) = written else { return MEMORY_SHARE };
        if !(0.0..1.0).contains(&share.value) {
            self.error(&share.span, "with that much memory nothing is evicted", "a share below 1, such as `0.5`");
        }
        share.value
    }

    fn awaited(&mut self, file: &TimelineFile) -> Option<Awaited> {
        let event = file.event.as_ref().map(|event| Awaited::Event(event.value.clone()));
        let state = file.state.as_ref().map(|state| match state.value {
            FleetStateFile::Settled => Awaited::Settled,
        });
        let quiet = file.quiet.as_ref().map(|quiet| Awaited::Quiet(quiet.0));
        let mut all = [event, state, quiet].into_iter().flatten();
        match (all.next(), all.next()) {
            (Some(one), None) => Some(one),
            _ => {
                let help = "one of `event = \"instance-healthy\"`, `state = \"settled\"`, `quiet = \"5s\"`";
                self.error(&file.action.span, "`wait-for` waits for one thing", help);
                None
            }
        }
    }
}

/// `within` and `pause` where the profile gives none.
fn usual(action: ActionFile, fleet: &FleetPlan) -> (Duration, Duration) {
    match (fleet, action) {
        // Zero stands for the group's own warm-up.
        (FleetPlan::Aws(_), ActionFile::RollingReplace) => (AWS_WITHIN, Duration::ZERO),
        (FleetPlan::Aws(_), ActionFile::BlueGreen) => (AWS_WITHIN, AWS_PAUSE),
        _ => (WITHIN, PAUSE),
    }
}

fn policy(file: EvictionPolicyFile) -> EvictionPolicy {
    match file {
        EvictionPolicyFile::Noeviction => EvictionPolicy::Noeviction,
        EvictionPolicyFile::AllkeysLru => EvictionPolicy::AllkeysLru,
        EvictionPolicyFile::AllkeysLfu => EvictionPolicy::AllkeysLfu,
        EvictionPolicyFile::AllkeysRandom => EvictionPolicy::AllkeysRandom,
        EvictionPolicyFile::VolatileLru => EvictionPolicy::VolatileLru,
        EvictionPolicyFile::VolatileLfu => EvictionPolicy::VolatileLfu,
        EvictionPolicyFile::VolatileRandom => EvictionPolicy::VolatileRandom,
        EvictionPolicyFile::VolatileTtl => EvictionPolicy::VolatileTtl,
    }
}
