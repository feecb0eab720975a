//! What the probe may do, and no more.

use crate::plan::{StoreAccess, StoreLogin};

/// The commands that the probe sends to data nodes, as rules of a Redis ACL.
pub const PROBE_COMMANDS: &str = "+ping +info +dbsize +role +scan +pttl +rpush +lrange +ltrim +expire +del +wait";
/// Those that it and the audit send to sentinels.
pub const SENTINEL_COMMANDS: &str = "+ping +sentinel|get-master-addr-by-name +sentinel|replicas +sentinel|ckquorum";

/// The line that gives the probe's user its rights at the store; `PASSWORD` stands for its password. `%R~` (to read and
/// not to write) is of Redis 7: before that it is `~`.
pub fn probe_rule(access: &StoreAccess) -> String {
    let read: String = access.session_prefixes.iter().map(|prefix| format!("%R~{prefix}* ")).collect();
    let user = user(access.login.as_ref());
    format!(
        "ACL SETUSER {user} on >PASSWORD resetkeys {read}~{}* resetchannels -@all {PROBE_COMMANDS}",
        access.canary_prefix
    )
}

/// The same at the sentinels.
pub fn sentinel_rule(access: &StoreAccess) -> String {
    let user = user(access.sentinel_login.as_ref());
    format!("ACL SETUSER {user} on >PASSWORD resetchannels -@all {SENTINEL_COMMANDS}")
}

/// Everybody without a name of their own is `default`: its rights are not the probe's to change.
fn user(login: Option<&StoreLogin>) -> &str {
    login.map(|login| login.user.as_str()).filter(|user| *user != "default").unwrap_or("rushhour")
}
