use super::context::Context;
use crate::plan::{AwsPlan, GreenPlan};
use crate::profile::{ActionFile, At, AwsFile, FleetFile, HowFile, ProfileError, TimelineFile};
use std::time::Duration;

/// The actions that AWS has calls for.
const POSSIBLE: [(ActionFile, &str); 11] = [
    (ActionFile::ScaleOut, "scale-out"),
    (ActionFile::ScaleIn, "scale-in"),
    (ActionFile::SetCapacity, "set-capacity"),
    (ActionFile::KillInstance, "kill-instance"),
    (ActionFile::StopInstance, "stop-instance"),
    (ActionFile::RollingReplace, "rolling-replace"),
    (ActionFile::BlueGreen, "blue-green"),
    (ActionFile::StoreFailover, "store-failover"),
    (ActionFile::Snapshot, "snapshot"),
    (ActionFile::ZoneOutage, "zone-outage"),
    (ActionFile::ZoneRecovery, "zone-recovery"),
];

fn name(action: ActionFile) -> Option<&'static str> {
    POSSIBLE.iter().find(|(possible, _)| *possible == action).map(|(_, name)| *name)
}

impl Context<'_> {
    pub(super) fn aws(&mut self, file: &FleetFile) -> AwsPlan {
        if cfg!(not(feature = "aws")) {
            let error = ProfileError::whole("this build of rushhour has no `provider = \"aws\"`")
                .help("build it with the feature `aws`, which is on by default");
            self.errors.push(error);
        }
        let capacity_per_instance = file.capacity_per_instance.as_ref().map(|rate| rate.0);
        let Some(aws) = &file.aws else {
            let error = ProfileError::whole("`provider = \"aws\"` needs `[fleet.aws]`")
                .help("name at least its `auto_scaling_group`");
            self.errors.push(error);
            return AwsPlan { capacity_per_instance, ..AwsPlan::default() };
        };
        if let (Some(_), Some(table)) = (&aws.elasticache, &aws.dynamodb_table) {
            let help = "keep the one that the sessions are in";
            self.error(&table.span, "sessions are kept in one store, and `elasticache` is given, too", help);
        }
        AwsPlan {
            region: aws.region.as_ref().map(|region| self.region(region)),
            auto_scaling_group: self.resource(&aws.auto_scaling_group),
            target_group: aws.target_group.as_ref().map(|group| self.target_group(group)),
            green: aws.blue_green.as_ref().map(|green| GreenPlan {
                listener: self.listener(&green.listener),
                target_group: self.target_group(&green.target_group),
                auto_scaling_group: self.resource(&green.auto_scaling_group),
            }),
            elasticache: aws.elasticache.as_ref().map(|store| self.resource(store)),
            dynamodb_table: aws.dynamodb_table.as_ref().map(|table| self.resource(table)),
            experiment_template: aws.experiment_template.as_ref().map(|template| self.resource(template)),
            // Most values of a minute are there after two, and they may still grow.
            cloudwatch_settle: aws.cloudwatch_settle.as_ref().map_or(Duration::from_secs(180), |settle| settle.0),
            allow: self.allowed(aws),
            capacity_per_instance,
        }
    }

    /// A name; no ARN, as the calls take none here.
    fn resource(&mut self, written: &At<String>) -> String {
        if written.is_empty() || written.starts_with("arn:") || written.trim() != written.value {
            self.error(&written.span, format!("`{}` is not a name", written.value), "its name as the console shows it");
        }
        written.value.clone()
    }

    fn target_group(&mut self, written: &At<String>) -> String {
        if !written.starts_with("arn:") {
            return self.resource(written);
        }
        if !written.contains(":targetgroup/") {
            self.error(&written.span, "this is the ARN of something else", "`arn:aws:…:targetgroup/…`, or its name");
        }
        written.value.clone()
    }

    fn listener(&mut self, written: &At<String>) -> String {
        if !written.contains(":listener/") {
            let help = "`arn:aws:…:listener/app/…`, as `aws elbv2 describe-listeners` prints it";
            self.error(&written.span, format!("`{}` is not the ARN of a listener", written.value), help);
        }
        written.value.clone()
    }

    pub(super) fn region(&mut self, written: &At<String>) -> String {
        // An availability zone is often taken for a region: its name goes on with a letter.
        let plain = written.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        if !plain || !written.ends_with(|c: char| c.is_ascii_digit()) {
            let help = "such as `eu-central-1`; availability zones end in a letter, regions in a digit";
            self.error(&written.span, format!("`{}` is not the name of a region", written.value), help);
        }
        written.value.clone()
    }

    fn allowed(&mut self, aws: &AwsFile) -> Vec<String> {
        let mut allowed = Vec::new();
        for action in &aws.allow {
            match name(action.value) {
                Some(name) => allowed.push(name.to_owned()),
                None => self.error(&action.span, "this cannot be done on AWS, or changes nothing there", possible()),
            }
        }
        allowed
    }

    /// Whether an entry of the timeline can be carried out on AWS.
    pub(super) fn possible_on_aws(&mut self, file: &TimelineFile, plan: &AwsPlan) {
        let span = &file.action.span;
        let Some(name) = name(file.action.value) else {
            return self.error(span, "AWS has no call for this", possible());
        };
        // What takes a zone away is allowed; to give it back needs no word.
        let is_recovery = file.action.value == ActionFile::ZoneRecovery;
        if !is_recovery && !plan.allow.iter().any(|allowed| allowed == name) {
            let help =
                format!("write `allow = [\"{name}\"]` under [fleet.aws], and tag what it changes `rushhour:allow`");
            self.error(span, format!("the profile does not allow `{name}`"), help);
        }
        if file.action.value == ActionFile::BlueGreen && plan.green.is_none() {
            let help = "name `listener`, `target_group` and `auto_scaling_group` of it under [fleet.aws.blue_green]";
            self.error(span, "there is no second set of instances to shift traffic to", help);
        }
        if file.action.value == ActionFile::StoreFailover && plan.elasticache.is_none() {
            let help = "name the replication group as `elasticache` under [fleet.aws]; DynamoDB has no fail-over";
            self.error(span, "there is no store that can fail over", help);
        }
        if file.action.value == ActionFile::Snapshot && plan.elasticache.is_none() {
            let help = "name the replication group as `elasticache` under [fleet.aws]";
            self.error(span, "there is no store of ElastiCache to take a snapshot of", help);
        }
        let of_store = file.action.value == ActionFile::StoreFailover;
        if let Some(how) = file.how.as_ref().filter(|how| of_store && how.value == HowFile::Kill) {
            self.error(&how.span, "ElastiCache has one way to test a fail-over", "leave `how` out");
        }
        let of_zone = file.action.value == ActionFile::ZoneOutage;
        if let Some(how) = file.how.as_ref().filter(|_| of_zone) {
            let help = "leave `how` out: the balancer shifts traffic away, or the experiment of `experiment_template` says how";
            self.error(&how.span, "no process of AWS is rushhour's to kill or freeze", help);
        }
        if let Some(drain) = file.drain.as_ref().filter(|drain| !drain.value) {
            let help = "leave it out; how long that takes is the target group's `deregistration_delay`";
            self.error(&drain.span, "an Auto Scaling group drains what it replaces", help);
        }
    }
}

fn possible() -> String {
    let names: Vec<String> = POSSIBLE.iter().map(|(_, name)| format!("`{name}`")).collect();
    format!("on AWS there are {}", names.join(", "))
}
