//! What is asked of CloudWatch. Names and dimensions are those of the services' own lists of metrics.

use crate::history::MetricOf;

/// One statistic of one metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Query {
    pub of: MetricOf,
    pub namespace: &'static str,
    pub metric: &'static str,
    pub statistic: &'static str,
    pub unit: &'static str,
    /// The metric has a value for every minute, whether there is load or not.
    pub gauge: bool,
    /// What it is of, for people.
    pub resource: String,
    pub dimensions: Vec<(&'static str, String)>,
}

/// Metric, statistic, unit, whether it is a gauge.
type Asked = (&'static str, &'static str, &'static str, bool);

const BALANCER: &[Asked] = &[
    ("RejectedConnectionCount", "Sum", "Count", false),
    ("HTTPCode_ELB_4XX_Count", "Sum", "Count", false),
    ("HTTPCode_ELB_5XX_Count", "Sum", "Count", false),
];

const TARGETS: &[Asked] = &[
    ("RequestCount", "Sum", "Count", false),
    ("TargetResponseTime", "Average", "Seconds", false),
    ("TargetResponseTime", "p50", "Seconds", false),
    ("TargetResponseTime", "p90", "Seconds", false),
    ("TargetResponseTime", "p99", "Seconds", false),
    ("HTTPCode_Target_2XX_Count", "Sum", "Count", false),
    ("HTTPCode_Target_3XX_Count", "Sum", "Count", false),
    ("HTTPCode_Target_4XX_Count", "Sum", "Count", false),
    ("HTTPCode_Target_5XX_Count", "Sum", "Count", false),
    ("TargetConnectionErrorCount", "Sum", "Count", false),
    ("HealthyHostCount", "Minimum", "Count", true),
    ("UnHealthyHostCount", "Maximum", "Count", true),
];

const GROUP: &[Asked] = &[
    ("GroupDesiredCapacity", "Average", "None", true),
    ("GroupInServiceInstances", "Average", "None", true),
    ("GroupPendingInstances", "Average", "None", true),
    ("GroupTerminatingInstances", "Average", "None", true),
];

const NODE: &[Asked] = &[
    ("EngineCPUUtilization", "Maximum", "Percent", true),
    ("DatabaseMemoryUsagePercentage", "Maximum", "Percent", true),
    ("CurrConnections", "Maximum", "Count", true),
    ("Evictions", "Sum", "Count", true),
    ("ReplicationLag", "Maximum", "Seconds", false),
];

const TABLE: &[Asked] = &[
    ("ConsumedReadCapacityUnits", "Sum", "Count", false),
    ("ConsumedWriteCapacityUnits", "Sum", "Count", false),
    ("ReadThrottleEvents", "Sum", "Count", false),
    ("WriteThrottleEvents", "Sum", "Count", false),
];

const TABLE_OPERATIONS: [&str; 3] = ["GetItem", "PutItem", "UpdateItem"];

/// `balancer`: `app/shop/50dc6c495c0c9188`. `targets`: `targetgroup/shop/73e2d6bc24d8a067`.
pub(super) fn of_balancer(balancer: &str, targets: &str) -> Vec<Query> {
    let namespace = "AWS/ApplicationELB";
    let by_balancer = vec![("LoadBalancer", balancer.to_owned())];
    let by_targets = [by_balancer.clone(), vec![("TargetGroup", targets.to_owned())]].concat();
    let mut queries = asked(MetricOf::Balancer, namespace, TARGETS, targets, &by_targets);
    queries.extend(asked(MetricOf::Balancer, namespace, BALANCER, balancer, &by_balancer));
    queries
}

pub(super) fn of_group(group: &str) -> Vec<Query> {
    let dimensions = [("AutoScalingGroupName", group.to_owned())];
    let mut queries = asked(MetricOf::Group, "AWS/AutoScaling", GROUP, group, &dimensions);
    let cpu: &[Asked] =
        &[("CPUUtilization", "Average", "Percent", false), ("CPUUtilization", "Maximum", "Percent", false)];
    queries.extend(asked(MetricOf::Group, "AWS/EC2", cpu, group, &dimensions));
    queries
}

pub(super) fn of_node(node: &str) -> Vec<Query> {
    asked(MetricOf::Store, "AWS/ElastiCache", NODE, node, &[("CacheClusterId", node.to_owned())])
}

pub(super) fn of_table(table: &str) -> Vec<Query> {
    let namespace = "AWS/DynamoDB";
    let by_table = ("TableName", table.to_owned());
    let mut queries = asked(MetricOf::Store, namespace, TABLE, table, std::slice::from_ref(&by_table));
    let latency: &[Asked] = &[("SuccessfulRequestLatency", "p99", "Milliseconds", false)];
    for operation in TABLE_OPERATIONS {
        let dimensions = [by_table.clone(), ("Operation", operation.to_owned())];
        queries.extend(asked(MetricOf::Store, namespace, latency, &format!("{table} {operation}"), &dimensions));
    }
    queries
}

fn asked(
    of: MetricOf,
    namespace: &'static str,
    list: &[Asked],
    resource: &str,
    dimensions: &[(&'static str, String)],
) -> Vec<Query> {
    let query = |(metric, statistic, unit, gauge): &Asked| Query {
        of,
        namespace,
        metric,
        statistic,
        unit,
        gauge: *gauge,
        resource: resource.to_owned(),
        dimensions: dimensions.to_vec(),
    };
    list.iter().map(query).collect()
}
