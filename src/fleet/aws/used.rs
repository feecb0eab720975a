use crate::plan::{Action, AwsPlan, Pick};

/// A call of AWS that a run makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct UsedCall {
    pub service: &'static str,
    pub name: &'static str,
    pub on: Resource,
    pub with: String,
}

/// What a call is about. Calls that list things have no resource in AWS' access control.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Resource {
    /// Words for people.
    Listed(String),
    Group(String),
    Listener(String),
    ReplicationGroup(String),
    /// Snapshots that a run takes of a replication group.
    Snapshots(String),
    /// The balancer of the target group, which is known only when it is asked for.
    Balancer,
    /// A template of experiments, and its experiments.
    Experiments(String),
}

impl UsedCall {
    fn new(service: &'static str, name: &'static str, on: Resource) -> UsedCall {
        UsedCall { service, name, on, with: String::new() }
    }

    fn with(self, with: impl Into<String>) -> UsedCall {
        UsedCall { with: with.into(), ..self }
    }

    fn text(&self) -> String {
        let on = match &self.on {
            Resource::Listed(on)
            | Resource::Group(on)
            | Resource::Listener(on)
            | Resource::ReplicationGroup(on)
            | Resource::Snapshots(on)
            | Resource::Experiments(on) => on,
            Resource::Balancer => "the balancer of the target group",
        };
        let with = if self.with.is_empty() { String::new() } else { format!(": {}", self.with) };
        format!("{}:{} {on}{with}", self.service, self.name)
    }
}

/// What is called before and while there is load, whatever the timeline does.
pub(super) fn throughout(plan: &AwsPlan) -> Vec<UsedCall> {
    let groups = || Resource::Listed(plan.groups().collect::<Vec<_>>().join(", "));
    let green = plan.green.as_ref().map(|green| green.target_group.as_str());
    let named: Vec<&str> = plan.target_group.as_deref().into_iter().chain(green).collect();
    let first = plan.target_group.as_deref().unwrap_or("the group's target group");
    let targets: Vec<&str> = std::iter::once(first).chain(green).collect();
    let mut calls = vec![UsedCall::new("autoscaling", "DescribeAutoScalingGroups", groups())];
    if !named.is_empty() {
        let on = Resource::Listed(named.join(", "));
        calls.push(UsedCall::new("elasticloadbalancing", "DescribeTargetGroups", on));
    }
    calls.extend([
        UsedCall::new("autoscaling", "DescribeScalingActivities", groups()),
        UsedCall::new("elasticloadbalancing", "DescribeTargetHealth", Resource::Listed(targets.join(", "))),
        UsedCall::new("autoscaling", "DescribePolicies", groups()),
        UsedCall::new("cloudwatch", "DescribeAlarms", Resource::Listed("the alarms of the policies".to_owned())),
        UsedCall::new("cloudwatch", "DescribeAlarmHistory", Resource::Listed("the alarms of the policies".to_owned())),
    ]);
    if let Some(id) = &plan.elasticache {
        calls.push(UsedCall::new("elasticache", "DescribeReplicationGroups", Resource::ReplicationGroup(id.clone())));
    }
    calls
}

/// What an action calls, with its way back.
pub(super) fn of_action(plan: &AwsPlan, action: &Action) -> Vec<UsedCall> {
    let group = || Resource::Group(plan.auto_scaling_group.clone());
    let look =
        UsedCall::new("autoscaling", "DescribeAutoScalingGroups", Resource::Listed(plan.auto_scaling_group.clone()));
    let scale = |to: String| vec![look.clone(), UsedCall::new("autoscaling", "SetDesiredCapacity", group()).with(to)];
    match action {
        Action::ScaleOut { by } => scale(format!("the desired capacity and {by} more")),
        Action::ScaleIn { by } => scale(format!("the desired capacity less {by}")),
        Action::SetCapacity { to } => scale(to.to_string()),
        Action::KillInstance { which } | Action::StopInstance { which } => {
            let instances = if which.pick == Pick::All { "each of " } else { "" };
            let call = UsedCall::new("autoscaling", "TerminateInstanceInAutoScalingGroup", group());
            vec![look, call.with(format!("{instances}{which}, without decrement"))]
        }
        Action::RollingReplace { batch, .. } => vec![
            look,
            UsedCall::new("autoscaling", "StartInstanceRefresh", group()).with(format!("{batch} at a time")),
            UsedCall::new(
                "autoscaling",
                "DescribeInstanceRefreshes",
                Resource::Listed(plan.auto_scaling_group.clone()),
            ),
            UsedCall::new("autoscaling", "CancelInstanceRefresh", group())
                .with("if it does not get on, or the run ends"),
        ],
        Action::BlueGreen { steps, .. } => {
            let listener = plan.green.as_ref().map_or_else(String::new, |green| green.listener.clone());
            let listed = Resource::Listed(listener.clone());
            let shares = std::iter::once(&0.0).chain(steps).map(|share| format!("{:.0} %", 100.0 * share));
            let shares: Vec<String> = shares.collect();
            vec![
                UsedCall::new("elasticloadbalancing", "DescribeTags", listed.clone()),
                UsedCall::new("elasticloadbalancing", "DescribeListeners", listed),
                UsedCall::new("elasticloadbalancing", "ModifyListener", Resource::Listener(listener))
                    .with(format!("{} to the second set", shares.join(", "))),
            ]
        }
        Action::StoreFailover { .. } => {
            let on = || Resource::ReplicationGroup(plan.elasticache.clone().unwrap_or_default());
            vec![
                UsedCall::new("elasticache", "DescribeReplicationGroups", on()),
                UsedCall::new("elasticache", "ListTagsForResource", on()),
                UsedCall::new("elasticache", "TestFailover", on()).with("its first shard"),
                UsedCall::new(
                    "elasticache",
                    "DescribeEvents",
                    Resource::Listed(plan.elasticache.clone().unwrap_or_default()),
                ),
            ]
        }
        Action::Snapshot => {
            let id = plan.elasticache.clone().unwrap_or_default();
            let on = || Resource::ReplicationGroup(id.clone());
            let snapshots = || Resource::Snapshots(format!("rushhour-{id}-*"));
            vec![
                UsedCall::new("elasticache", "DescribeReplicationGroups", on()),
                UsedCall::new("elasticache", "ListTagsForResource", on()),
                UsedCall::new("elasticache", "CreateSnapshot", on()),
                // It makes the one out of the other.
                UsedCall::new("elasticache", "CreateSnapshot", snapshots()),
                UsedCall::new("elasticache", "DescribeSnapshots", snapshots()),
            ]
        }
        Action::ZoneShift { zone, experiment: None } => {
            let listed = || Resource::Listed("the balancer of the target group".to_owned());
            vec![
                look,
                UsedCall::new(
                    "elasticloadbalancing",
                    "DescribeTargetGroups",
                    Resource::Listed("the group's".to_owned()),
                ),
                UsedCall::new("elasticloadbalancing", "DescribeTags", listed()),
                UsedCall::new("arc-zonal-shift", "GetManagedResource", Resource::Balancer),
                UsedCall::new("arc-zonal-shift", "StartZonalShift", Resource::Balancer)
                    .with(format!("away from {zone}")),
                UsedCall::new("arc-zonal-shift", "ListZonalShifts", listed()).with("if the start got no answer"),
                UsedCall::new("arc-zonal-shift", "CancelZonalShift", Resource::Balancer)
                    .with("with `zone-recovery`, or at the run's end"),
            ]
        }
        Action::ZoneShift { experiment: Some(template), .. } => {
            let on = || Resource::Experiments(template.clone());
            vec![
                UsedCall::new("fis", "GetExperimentTemplate", on()),
                UsedCall::new("fis", "StartExperiment", on()),
                UsedCall::new("fis", "ListExperiments", Resource::Listed(format!("those of {template}")))
                    .with("if the start got no answer"),
                UsedCall::new("fis", "GetExperiment", on()),
                UsedCall::new("fis", "StopExperiment", on()).with("with `zone-recovery`, or at the run's end"),
            ]
        }
        _ => Vec::new(),
    }
}

/// What is called to put back what these actions changed.
fn at_end<'a>(plan: &AwsPlan, actions: impl Iterator<Item = &'a Action>) -> Vec<UsedCall> {
    let (mut scaled, mut shifted) = (false, false);
    let mut calls = Vec::new();
    for action in actions {
        scaled |= matches!(action, Action::ScaleOut { .. } | Action::ScaleIn { .. } | Action::SetCapacity { .. });
        shifted |= matches!(action, Action::BlueGreen { .. });
        calls.extend(match action {
            Action::ZoneShift { experiment: None, .. } => {
                Some(UsedCall::new("arc-zonal-shift", "CancelZonalShift", Resource::Balancer))
            }
            Action::ZoneShift { experiment: Some(template), .. } => {
                Some(UsedCall::new("fis", "StopExperiment", Resource::Experiments(template.clone())))
            }
            _ => None,
        });
    }
    if let (true, Some(green)) = (shifted, &plan.green) {
        let listener = Resource::Listener(green.listener.clone());
        calls.push(UsedCall::new("elasticloadbalancing", "ModifyListener", listener).with("the weights of before"));
    }
    if scaled {
        let group = Resource::Group(plan.auto_scaling_group.clone());
        calls.push(UsedCall::new("autoscaling", "SetDesiredCapacity", group).with("that of before"));
    }
    calls
}

fn texts(calls: Vec<UsedCall>) -> Vec<String> {
    calls.iter().map(UsedCall::text).collect()
}

/// The calls that are made again and again from the start on, for people.
pub fn calls_throughout(plan: &AwsPlan) -> Vec<String> {
    texts(throughout(plan))
}

/// The calls of an action of the timeline, for people.
pub fn calls_of(plan: &AwsPlan, action: &Action) -> Vec<String> {
    texts(of_action(plan, action))
}

/// The calls that put back what these actions changed, for people.
pub fn calls_at_end<'a>(plan: &AwsPlan, actions: impl Iterator<Item = &'a Action>) -> Vec<String> {
    texts(at_end(plan, actions))
}
