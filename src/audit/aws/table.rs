use super::judge::Look;
use crate::audit::check::{Check, Practice};
use crate::audit::store::AT_REST;
use crate::audit::table::{DELETED, RECOVERY};
use crate::fleet::aws::TableSetup;

pub(super) const LOOKS: [Look<TableSetup>; 3] = [(DELETED, deleted), (RECOVERY, recovered), (AT_REST, at_rest)];

fn deleted(practice: Practice, table: &TableSetup) -> Check {
    let told = table
        .expires_by
        .as_ref()
        .map_or("time to live is off".to_owned(), |by| format!("time to live is on, on `{by}`"));
    practice.holds(table.expires_by.is_some(), told)
}

fn recovered(practice: Practice, table: &TableSetup) -> Check {
    let on = if table.recovers { "on" } else { "off" };
    practice.holds(table.recovers, format!("point-in-time recovery is {on}"))
}

/// DynamoDB encrypts every table; what it tells of a key is which one.
fn at_rest(practice: Practice, table: &TableSetup) -> Check {
    let key = table.key.as_ref().map_or_else(|| "with a key of DynamoDB's own".to_owned(), |key| format!("with {key}"));
    practice.holds(true, key)
}
