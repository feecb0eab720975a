//! What the control plane's calls answer, in the formats of their services.

use super::control_plane::{BALANCER, BLUE, Experiment, GREEN, Group, LISTENER, Plane, Refresh, USER, stamp, wall};
use super::request::Request;
use aws_smithy_cbor::Encoder;
use aws_smithy_types::DateTime;

/// Calls of an instance refresh take this long.
pub const REFRESH: f64 = 120.0;
/// A fail-over is noticed, and the lost node is made anew.
const PROMOTED_AFTER: f64 = 20.0;
const AVAILABLE_AFTER: f64 = 90.0;

impl Request {
    pub fn answer(&self, plane: &mut Plane) -> (u16, Vec<u8>) {
        let result = match self.call.as_str() {
            "DescribeAlarms" => return (200, alarms()),
            "DescribeAlarmHistory" => return (200, self.history(plane)),
            "DescribeAutoScalingGroups" => self.groups(plane),
            "DescribeScalingActivities" => Ok(self.activities(plane)),
            "DescribePolicies" => Ok(policies(self.get("AutoScalingGroupName"))),
            "SetDesiredCapacity" => self.set_capacity(plane),
            "TerminateInstanceInAutoScalingGroup" => self.terminate(plane),
            "StartInstanceRefresh" => self.start_refresh(plane),
            "DescribeInstanceRefreshes" => Ok(refreshes(plane)),
            "CancelInstanceRefresh" => cancel_refresh(plane),
            "DescribeTargetGroups" => self.target_groups(),
            "DescribeTargetHealth" => Ok(self.target_health(plane)),
            "DescribeListeners" => Ok(listeners(plane)),
            "ModifyListener" => Ok(self.modify_listener(plane)),
            "DescribeTags" => Ok(tags(plane, self.all("ResourceArns")[0])),
            "GetManagedResource" | "StartZonalShift" | "ListZonalShifts" | "CancelZonalShift" => {
                return self.shift(plane);
            }
            "GetExperimentTemplate" | "StartExperiment" | "GetExperiment" | "ListExperiments" | "StopExperiment" => {
                return self.experiment(plane);
            }
            "CreateSnapshot" => {
                plane.snapshot = Some(plane.now);
                Ok(String::new())
            }
            "DescribeTimeToLive" | "DescribeContinuousBackups" | "DescribeTable" => return (200, table(&self.call)),
            "DescribeTargetGroupAttributes" | "DescribeLoadBalancerAttributes" => Ok(attributes(&self.call)),
            "DescribeLoadBalancers" => Ok(balancers()),
            "DescribeUserGroups" => {
                Ok("<UserGroups><member><UserGroupId>shop</UserGroupId><UserIds><member>app</member>\
                                        </UserIds></member></UserGroups>"
                    .to_owned())
            }
            "DescribeUsers" => Ok(users()),
            "DescribeCacheClusters" => Ok(format!(
                "<CacheClusters><CacheCluster><CacheClusterId>{}</CacheClusterId><CacheParameterGroup>\
                 <CacheParameterGroupName>shop</CacheParameterGroupName></CacheParameterGroup></CacheCluster>\
                 </CacheClusters>",
                self.get("CacheClusterId")
            )),
            "DescribeCacheParameters" => Ok("<Parameters><Parameter><ParameterName>maxmemory-policy</ParameterName>\
                                             <ParameterValue>volatile-lru</ParameterValue></Parameter></Parameters>"
                .to_owned()),
            "DescribeSnapshots" => Ok(snapshots(plane)),
            "DescribeEvents" => Ok(store_events(plane)),
            "DescribeReplicationGroups" => Ok(store(plane)),
            "ListTagsForResource" => {
                Ok(format!("<TagList><Tag><Key>rushhour:allow</Key><Value>{}</Value></Tag></TagList>", plane.store_tag))
            }
            "TestFailover" => {
                plane.failover = Some(plane.now);
                Ok(String::new())
            }
            other => panic!("the control plane has no {other}"),
        };
        let call = &self.call;
        match result {
            Ok(result) => {
                (200, format!("<{call}Response><{call}Result>{result}</{call}Result></{call}Response>").into())
            }
            Err((code, message)) => (400, query_error(code, &message)),
        }
    }

    fn groups(&self, plane: &Plane) -> Result<String, (&'static str, String)> {
        let names = self.all("AutoScalingGroupNames");
        let asked = plane.groups.iter().filter(|group| names.contains(&group.name));
        let groups: String = asked.map(|group| group_xml(group, plane.now)).collect();
        Ok(format!("<AutoScalingGroups>{groups}</AutoScalingGroups>"))
    }

    fn activities(&self, plane: &Plane) -> String {
        let group = plane.groups.iter().find(|group| group.name == self.get("AutoScalingGroupName")).unwrap();
        let mut activities: Vec<(f64, String)> = Vec::new();
        for instance in group.instances.iter().filter(|instance| plane.is_listed(instance.launched)) {
            let status = match plane.now - instance.launched {
                ..10.0 => "PreInService",
                ..35.0 => "InProgress",
                _ => "Successful",
            };
            let id = &instance.id;
            let description = format!("Launching a new EC2 instance: {id}");
            let xml =
                activity_xml(&format!("launch-{id}"), &description, &instance.cause, instance.launched, status, "");
            activities.push((instance.launched, xml));
        }
        for (at, cause) in group.failed.iter().filter(|(at, _)| plane.is_listed(*at)) {
            let description =
                "Launching a new EC2 instance.  Status Reason: no capacity.  Launching EC2 instance failed.";
            let message =
                "We currently do not have sufficient m7g.large capacity in the Availability Zone you requested.";
            activities.push((*at, activity_xml(&format!("failed-{at}"), description, cause, *at, "Failed", message)));
        }
        activities.sort_by(|a, b| b.0.total_cmp(&a.0));
        let activities: String = activities.into_iter().map(|(_, xml)| xml).collect();
        format!("<Activities>{activities}</Activities>")
    }

    fn set_capacity(&self, plane: &mut Plane) -> Result<String, (&'static str, String)> {
        let to: u32 = self.get("DesiredCapacity").parse().unwrap();
        let group = plane.web();
        if !(group.min..=group.max).contains(&to) {
            return Err(("ValidationError", format!("New SetDesiredCapacity value {to} is out of bounds")));
        }
        let now = plane.now;
        plane.set_capacity(now, to, USER);
        Ok(String::new())
    }

    fn terminate(&self, plane: &mut Plane) -> Result<String, (&'static str, String)> {
        let (now, id) = (plane.now, self.get("InstanceId"));
        assert_eq!(self.get("ShouldDecrementDesiredCapacity"), "false");
        let group = plane.web();
        let Some(instance) = group.instances.iter_mut().find(|instance| instance.id == id) else {
            return Err(("ValidationError", format!("Instance Id not found - No managed instance found for {id}")));
        };
        instance.ends = Some(now);
        group.reconcile(now, &format!("At {} an instance was taken out of service by a user.", stamp(now)));
        Ok(String::new())
    }

    fn start_refresh(&self, plane: &mut Plane) -> Result<String, (&'static str, String)> {
        let under_way = plane.refresh.as_ref().is_some_and(|refresh| !refresh.cancelled && plane.now < refresh.ends);
        if under_way {
            return Err(("InstanceRefreshInProgress", "An Instance Refresh is already in progress".to_owned()));
        }
        let began = plane.now;
        plane.refresh = Some(Refresh { id: "08b91cf7", began, ends: began + REFRESH, cancelled: false });
        Ok("<InstanceRefreshId>08b91cf7</InstanceRefreshId>".to_owned())
    }

    fn target_groups(&self) -> Result<String, (&'static str, String)> {
        let names = self.all("Names").into_iter().chain(self.all("TargetGroupArns")).collect::<Vec<_>>();
        let known = [("web", BLUE), ("web-green", GREEN)];
        let found = known.iter().find(|(name, arn)| names.contains(name) || names.contains(arn));
        let (_, arn) = found.ok_or(("TargetGroupNotFound", "One or more target groups not found".to_owned()))?;
        Ok(format!(
            "<TargetGroups><member><TargetGroupArn>{arn}</TargetGroupArn><HealthCheckProtocol>HTTP</HealthCheckProtocol>\
             <HealthCheckPath>/healthz</HealthCheckPath><HealthCheckIntervalSeconds>5</HealthCheckIntervalSeconds>\
             <UnhealthyThresholdCount>2</UnhealthyThresholdCount><HealthyThresholdCount>3</HealthyThresholdCount>\
             <LoadBalancerArns><member>{BALANCER}</member>\
             </LoadBalancerArns></member></TargetGroups>"
        ))
    }

    fn target_health(&self, plane: &Plane) -> String {
        let groups = plane.groups.iter().filter(|group| group.target_group == self.get("TargetGroupArn"));
        let in_use = plane.weights.iter().any(|(arn, _)| arn == self.get("TargetGroupArn"));
        let targets: String = groups
            .flat_map(|group| &group.instances)
            .filter_map(|instance| {
                let (state, reason) = Group::health(instance, plane.now)?;
                let (state, reason) = if in_use { (state, reason) } else { ("unused", "Target.NotInUse") };
                let reason = if reason.is_empty() { String::new() } else { format!("<Reason>{reason}</Reason>") };
                Some(format!(
                    "<member><Target><Id>{}</Id><Port>8080</Port></Target><TargetHealth><State>{state}</State>{reason}\
                     </TargetHealth></member>",
                    instance.id
                ))
            })
            .collect();
        format!("<TargetHealthDescriptions>{targets}</TargetHealthDescriptions>")
    }

    fn modify_listener(&self, plane: &mut Plane) -> String {
        let list = "DefaultActions.member.1.ForwardConfig.TargetGroups.member";
        let weight = |number: u32| {
            let arn = self.parameters.get(&format!("{list}.{number}.TargetGroupArn"))?;
            Some((arn.clone(), self.get(&format!("{list}.{number}.Weight")).parse().unwrap()))
        };
        plane.weights = (1..).map_while(weight).collect();
        listeners(plane)
    }

    fn shift(&self, plane: &mut Plane) -> (u16, Vec<u8>) {
        let answer = match self.call.as_str() {
            "GetManagedResource" if !plane.shiftable => {
                return (404, json_error("ResourceNotFoundException", "The resource is not registered"));
            }
            "GetManagedResource" => serde_json::json!({
                "arn": BALANCER, "name": "web", "appliedWeights": {}, "zonalShifts": [], "autoshifts": []
            }),
            "ListZonalShifts" => {
                assert_eq!((self.get("resourceIdentifier"), self.get("status")), (BALANCER, "ACTIVE"));
                let shifts: Vec<_> = plane.shifted.iter().map(|zone| zonal_shift(zone, &plane.comment)).collect();
                serde_json::json!({ "items": shifts })
            }
            "StartZonalShift" if plane.shifted.is_some() => {
                return (409, json_error("ConflictException", "A zonal shift is active for the resource"));
            }
            "StartZonalShift" => {
                assert_eq!((self.get("resourceIdentifier"), self.get("expiresIn")), (BALANCER, "3h"));
                plane.shifted = Some(self.get("awayFrom").to_owned());
                plane.comment = self.get("comment").to_owned();
                zonal_shift(self.get("awayFrom"), self.get("comment"))
            }
            "CancelZonalShift" if plane.shifted.take().is_none() => {
                return (409, json_error("ConflictException", "The zonal shift is not active"));
            }
            _ => zonal_shift("", ""),
        };
        (200, answer.to_string().into())
    }

    fn experiment(&self, plane: &mut Plane) -> (u16, Vec<u8>) {
        let now = plane.now;
        if self.call == "GetExperimentTemplate" {
            let template = serde_json::json!({
                "id": self.get("id"),
                "stopConditions": [{ "source": plane.stop_condition }],
                "tags": { "rushhour:allow": plane.balancer_tag },
            });
            return (200, serde_json::json!({ "experimentTemplate": template }).to_string().into());
        }
        if self.call == "ListExperiments" && plane.experiment.is_none() {
            return (200, serde_json::json!({ "experiments": [] }).to_string().into());
        }
        if self.call == "StartExperiment" {
            plane.experiment = Some(Experiment { began: now, stopped: None, alarmed: None });
        }
        let Some(experiment) = &mut plane.experiment else {
            return (404, json_error("ResourceNotFoundException", "Experiment does not exist"));
        };
        if self.call == "StopExperiment" {
            experiment.stopped = Some(now);
        }
        let alarmed = experiment.alarmed.is_some_and(|at| now >= at);
        let (status, reason) = match experiment.stopped {
            _ if alarmed => ("stopped", "Experiment halted by stop condition"),
            Some(at) if now >= at + 10.0 => ("stopped", "Experiment stopped"),
            Some(_) => ("stopping", "Experiment is stopping"),
            None if now < experiment.began + 5.0 => ("initiating", "Experiment is initiating"),
            None => ("running", "Experiment is running"),
        };
        let state = serde_json::json!({ "status": status, "reason": reason });
        let created = wall(experiment.began).duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let experiment = serde_json::json!({ "id": "EXP7nXc2", "state": state, "creationTime": created });
        let answer = match self.call.as_str() {
            "ListExperiments" => {
                assert_eq!(self.get("experimentTemplateId"), "EXT4n7");
                serde_json::json!({ "experiments": [experiment] })
            }
            _ => serde_json::json!({ "experiment": experiment }),
        };
        (200, answer.to_string().into())
    }

    fn history(&self, plane: &Plane) -> Vec<u8> {
        let since: f64 = self.get("StartDate").parse().unwrap();
        let seconds = |at: f64| wall(at).duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
        let listed = plane.alarm.iter().filter(|(at, ..)| plane.is_listed(*at) && seconds(*at) >= since);
        let listed: Vec<_> = listed.collect();
        let mut encoder = Encoder::new(Vec::new());
        encoder.map(1).str("AlarmHistoryItems").array(listed.len());
        for (at, raised, metric) in listed {
            let state = if *raised { "ALARM" } else { "OK" };
            let data = serde_json::json!({
                "version": "1.0",
                "newState": {
                    "stateValue": state,
                    "stateReasonData": { "recentDatapoints": [12.0, metric], "threshold": 50.0 },
                },
            });
            encoder.map(4).str("AlarmName").str("TargetTracking-web-AlarmHigh").str("Timestamp");
            encoder.timestamp(&DateTime::from(wall(*at))).str("HistoryItemType").str("StateUpdate");
            encoder.str("HistoryData").str(&data.to_string());
        }
        encoder.into_writer()
    }
}

fn group_xml(group: &Group, now: f64) -> String {
    let instance = |instance: &super::control_plane::Instance| {
        format!(
            "<member><InstanceId>{}</InstanceId><AvailabilityZone>{}</AvailabilityZone><AvailabilityZoneId>{}\
             </AvailabilityZoneId><LifecycleState>{}</LifecycleState><HealthStatus>Healthy</HealthStatus></member>",
            instance.id,
            instance.zone,
            // As it is in some account: not in the order of the names.
            if instance.zone.ends_with('a') { "euc1-az2" } else { "euc1-az3" },
            Group::lifecycle(instance, now)
        )
    };
    // The answer is in no order of time.
    let mut there: Vec<_> = group.instances.iter().filter(|instance| instance.launched <= now).collect();
    there.sort_by(|a, b| a.id.cmp(&b.id));
    let instances: String = there.into_iter().map(instance).collect();
    let tags: String = group
        .tags
        .iter()
        .map(|(key, value)| format!("<member><Key>{key}</Key><Value>{value}</Value></member>"))
        .collect();
    format!(
        "<member><AutoScalingGroupName>{}</AutoScalingGroupName><MinSize>{}</MinSize><MaxSize>{}</MaxSize>\
         <DesiredCapacity>{}</DesiredCapacity><AvailabilityZones><member>eu-central-1a</member>\
         <member>eu-central-1b</member></AvailabilityZones><HealthCheckType>EC2,ELB</HealthCheckType>\
         <HealthCheckGracePeriod>90</HealthCheckGracePeriod><DefaultInstanceWarmup>60</DefaultInstanceWarmup>\
         <SuspendedProcesses><member><ProcessName>AZRebalance</ProcessName></member></SuspendedProcesses><TargetGroupARNs><member>{}</member></TargetGroupARNs>\
         <Instances>{instances}</Instances><Tags>{tags}</Tags></member>",
        group.name, group.min, group.max, group.desired, group.target_group
    )
}

fn activity_xml(id: &str, description: &str, cause: &str, at: f64, status: &str, message: &str) -> String {
    let message = if message.is_empty() { String::new() } else { format!("<StatusMessage>{message}</StatusMessage>") };
    format!(
        "<member><ActivityId>{id}</ActivityId><Description>{description}</Description><Cause>{cause}</Cause>\
         <StartTime>{}</StartTime><StatusCode>{status}</StatusCode>{message}</member>",
        stamp(at)
    )
}

fn policies(group: &str) -> String {
    if group != "web" {
        return "<ScalingPolicies/>".to_owned();
    }
    "<ScalingPolicies><member><PolicyName>rate</PolicyName><PolicyType>TargetTrackingScaling</PolicyType>\
     <TargetTrackingConfiguration><TargetValue>50.0</TargetValue></TargetTrackingConfiguration><Alarms>\
     <member><AlarmName>TargetTracking-web-AlarmHigh</AlarmName></member>\
     <member><AlarmName>TargetTracking-web-AlarmLow</AlarmName></member></Alarms></member></ScalingPolicies>"
        .to_owned()
}

fn zonal_shift(away_from: &str, comment: &str) -> serde_json::Value {
    serde_json::json!({
        "zonalShiftId": "9d8f7c6b", "resourceIdentifier": BALANCER, "awayFrom": away_from, "expiryTime": 1_790_010_800,
        "startTime": 1_790_000_000, "status": "ACTIVE", "comment": comment
    })
}

fn refreshes(plane: &Plane) -> String {
    let Some(refresh) = &plane.refresh else { return "<InstanceRefreshes/>".to_owned() };
    let percent = ((plane.now - refresh.began) / (refresh.ends - refresh.began) * 100.0).clamp(0.0, 100.0);
    let status = match (refresh.cancelled, percent >= 100.0) {
        (true, _) => "Cancelled",
        (false, true) => "Successful",
        (false, false) => "InProgress",
    };
    format!(
        "<InstanceRefreshes><member><InstanceRefreshId>{}</InstanceRefreshId><Status>{status}</Status>\
         <StartTime>{}</StartTime><StatusReason>Waiting for instances to warm up</StatusReason><PercentageComplete>{percent:.0}\
         </PercentageComplete><InstancesToUpdate>{}</InstancesToUpdate></member></InstanceRefreshes>",
        refresh.id,
        stamp(refresh.began),
        if percent >= 100.0 { 0 } else { 1 }
    )
}

fn cancel_refresh(plane: &mut Plane) -> Result<String, (&'static str, String)> {
    let now = plane.now;
    match plane.refresh.as_mut().filter(|refresh| !refresh.cancelled && now < refresh.ends) {
        Some(refresh) => {
            refresh.cancelled = true;
            Ok(String::new())
        }
        None => Err(("ActiveInstanceRefreshNotFound", "No in progress or pending Instance Refresh found".to_owned())),
    }
}

fn listeners(plane: &Plane) -> String {
    let groups: String = plane
        .weights
        .iter()
        .map(|(arn, weight)| {
            format!("<member><TargetGroupArn>{arn}</TargetGroupArn><Weight>{weight}</Weight></member>")
        })
        .collect();
    format!(
        "<Listeners><member><ListenerArn>{LISTENER}</ListenerArn><Port>443</Port><Protocol>HTTPS</Protocol>\
         <DefaultActions><member><Type>forward</Type>\
         <ForwardConfig><TargetGroups>{groups}</TargetGroups></ForwardConfig></member></DefaultActions></member>\
         </Listeners>"
    )
}

fn tags(plane: &Plane, arn: &str) -> String {
    let value = if arn == BALANCER { &plane.balancer_tag } else { &plane.listener_tag };
    format!(
        "<TagDescriptions><member><ResourceArn>{arn}</ResourceArn><Tags><member><Key>rushhour:allow</Key>\
         <Value>{value}</Value></member></Tags></member></TagDescriptions>"
    )
}

fn snapshots(plane: &Plane) -> String {
    let status = if plane.snapshot.is_some_and(|began| plane.now >= began + 45.0) { "available" } else { "creating" };
    format!("<Snapshots><Snapshot><SnapshotStatus>{status}</SnapshotStatus></Snapshot></Snapshots>")
}

/// Newest first, as ElastiCache lists them.
fn store_events(plane: &Plane) -> String {
    let Some(began) = plane.failover else { return "<Events/>".to_owned() };
    let event = |after: f64, message: &str| {
        format!("<Event><Message>{message}</Message><Date>{}</Date></Event>", stamp(began + after))
    };
    let (last, first) = (
        event(PROMOTED_AFTER, "Failover to replica node sessions-002 completed"),
        event(2.0, "Test Failover API called for node group 0001"),
    );
    format!("<Events>{last}{first}</Events>")
}

fn store(plane: &Plane) -> String {
    let since = plane.failover.map_or(f64::INFINITY, |began| plane.now - began);
    let promoted = since.is_finite() && since >= PROMOTED_AFTER;
    let status = if since.is_finite() && since < AVAILABLE_AFTER { "modifying" } else { "available" };
    let node = |name: &str, zone: &str, primary: bool| {
        let role = if primary { "primary" } else { "replica" };
        format!(
            "<NodeGroupMember><CacheClusterId>{name}</CacheClusterId><PreferredAvailabilityZone>{zone}\
             </PreferredAvailabilityZone><CurrentRole>{role}</CurrentRole></NodeGroupMember>"
        )
    };
    format!(
        "<ReplicationGroups><ReplicationGroup><ReplicationGroupId>sessions</ReplicationGroupId>\
         <ARN>arn:aws:elasticache:eu-central-1:123456789012:replicationgroup:sessions</ARN><Status>{status}</Status>\
         <MemberClusters><ClusterId>sessions-001</ClusterId></MemberClusters><MultiAZ>enabled</MultiAZ>\
         <AutomaticFailover>enabled</AutomaticFailover><TransitEncryptionEnabled>true</TransitEncryptionEnabled>\
         <TransitEncryptionMode>preferred</TransitEncryptionMode><AtRestEncryptionEnabled>true</AtRestEncryptionEnabled>\
         <SnapshotRetentionLimit>3</SnapshotRetentionLimit><UserGroupIds><member>shop</member></UserGroupIds>\
         <NodeGroups><NodeGroup><NodeGroupId>0001</NodeGroupId><NodeGroupMembers>{}{}</NodeGroupMembers></NodeGroup>\
         </NodeGroups></ReplicationGroup></ReplicationGroups>",
        node("sessions-001", "eu-central-1a", !promoted),
        node("sessions-002", "eu-central-1b", promoted)
    )
}

fn alarms() -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    encoder.map(1).str("MetricAlarms").array(2);
    for (name, operator) in [("AlarmHigh", "GreaterThanThreshold"), ("AlarmLow", "LessThanThreshold")] {
        encoder.map(5).str("AlarmName").str(&format!("TargetTracking-web-{name}"));
        encoder.str("Period").integer(60).str("EvaluationPeriods").integer(3);
        encoder.str("Threshold").double(50.0).str("ComparisonOperator").str(operator);
    }
    encoder.into_writer()
}

fn attributes(call: &str) -> String {
    let pairs: &[(&str, &str)] = match call {
        "DescribeTargetGroupAttributes" => &[
            ("deregistration_delay.timeout_seconds", "30"),
            ("stickiness.enabled", "true"),
            ("stickiness.type", "lb_cookie"),
            ("slow_start.duration_seconds", "45"),
            ("load_balancing.cross_zone.enabled", "use_load_balancer_configuration"),
        ],
        _ => &[("load_balancing.cross_zone.enabled", "true")],
    };
    let member = |(key, value): &(&str, &str)| format!("<member><Key>{key}</Key><Value>{value}</Value></member>");
    format!("<Attributes>{}</Attributes>", pairs.iter().map(member).collect::<String>())
}

fn balancers() -> String {
    let zone = |name: &str| format!("<member><ZoneName>{name}</ZoneName></member>");
    format!(
        "<LoadBalancers><member><LoadBalancerArn>{BALANCER}</LoadBalancerArn><AvailabilityZones>{}{}\
         </AvailabilityZones></member></LoadBalancers>",
        zone("eu-central-1a"),
        zone("eu-central-1b")
    )
}

/// Of the account: one of them is in the group.
fn users() -> String {
    let user = |id: &str, kind: &str| {
        format!(
            "<member><UserId>{id}</UserId><UserName>{id}</UserName><AccessString>on ~session:* +@read</AccessString>\
             <Authentication><Type>{kind}</Type></Authentication></member>"
        )
    };
    format!("<Users>{}{}</Users>", user("default", "no-password"), user("app", "password"))
}

fn table(call: &str) -> Vec<u8> {
    match call {
        "DescribeTimeToLive" => serde_json::json!({
            "TimeToLiveDescription": { "TimeToLiveStatus": "ENABLED", "AttributeName": "ends" }
        }),
        "DescribeContinuousBackups" => serde_json::json!({ "ContinuousBackupsDescription": {
            "ContinuousBackupsStatus": "ENABLED",
            "PointInTimeRecoveryDescription": { "PointInTimeRecoveryStatus": "ENABLED" },
        } }),
        _ => serde_json::json!({ "Table": { "TableName": "sessions", "TableStatus": "ACTIVE" } }),
    }
    .to_string()
    .into()
}

pub fn query_error(code: &str, message: &str) -> Vec<u8> {
    format!("<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>").into()
}

pub fn json_error(code: &str, message: &str) -> Vec<u8> {
    serde_json::json!({ "__type": code, "message": message }).to_string().into()
}

pub fn cloudwatch_error(code: &str, message: &str) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    encoder.map(2).str("__type").str(&format!("com.amazonaws.cloudwatch#{code}")).str("message").str(message);
    encoder.into_writer()
}
