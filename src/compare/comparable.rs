use crate::plan::Plan;
use serde_json::Value;

/// Two runs whose difference would say nothing about what they tested.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the runs cannot be compared: they differ in {}; compare runs of one profile, or run the new one with the same values",
    keys.join(", ")
)]
pub struct Incomparable {
    /// As they are in the plans of the manifests, with both values.
    pub keys: Vec<String>,
}

/// What runs may differ in and still be compared. The system under test is what a comparison is about, so what it is made
/// of may change; the load it is under, what users do, and what is done to it may not.
const MAY_DIFFER: [&str; 23] = [
    "name",
    "description",
    "target",
    "workload.seed",
    // These follow from how fast the fleet is thought to be.
    "workload.max_sessions",
    "workload.grace",
    "user_count",
    "fleet.users",
    "fleet.workers",
    "fleet.service_time",
    "fleet.boot_time",
    "fleet.warm_up",
    "fleet.drain",
    "fleet.health_interval",
    "fleet.tls",
    "fleet.store.kind",
    "fleet.store.reads",
    "fleet.defect",
    // What a run may do is not what it does: that is the timeline.
    "fleet.allow",
    // After the load.
    "fleet.cloudwatch_settle",
    "publish",
    // Judged by the new run's.
    "objectives",
    "compare",
];

/// The differences that are worth a word and do no harm.
///
/// # Errors
/// [`Incomparable`] names the differences that do.
pub fn comparable(base: &Plan, new: &Plan) -> Result<Vec<String>, Incomparable> {
    let value = |plan: &Plan| serde_json::to_value(plan).expect("a plan has only text for keys");
    let mut found = Vec::new();
    differences("", &value(base), &value(new), &mut found);
    let may_differ = |key: &str| {
        MAY_DIFFER
            .iter()
            .any(|known| key.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
    };
    let (harmless, harmful): (Vec<_>, Vec<_>) = found.into_iter().partition(|(key, _)| may_differ(key));
    let told =
        |list: Vec<(String, String)>| list.into_iter().map(|(key, values)| format!("{key} ({values})")).collect();
    if harmful.is_empty() { Ok(told(harmless)) } else { Err(Incomparable { keys: told(harmful) }) }
}

/// Keys at which two values differ, and how.
fn differences(at: &str, base: &Value, new: &Value, found: &mut Vec<(String, String)>) {
    let below = |key: &str| if at.is_empty() { key.to_owned() } else { format!("{at}.{key}") };
    match (base, new) {
        (Value::Object(a), Value::Object(b)) => {
            let mut keys: Vec<&String> = a.keys().chain(b.keys()).collect();
            keys.sort_unstable();
            keys.dedup();
            for key in keys {
                let (a, b) = (a.get(key).unwrap_or(&Value::Null), b.get(key).unwrap_or(&Value::Null));
                differences(&below(key), a, b, found);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                differences(&below(&index.to_string()), a, b, found);
            }
        }
        _ if base == new => {}
        _ => found.push((at.to_owned(), format!("{} → {}", short(base), short(new)))),
    }
}

fn short(value: &Value) -> String {
    match value {
        Value::Array(list) => format!("{} entries", list.len()),
        Value::Object(_) => "a table".to_owned(),
        other => other.to_string().chars().take(60).collect(),
    }
}
