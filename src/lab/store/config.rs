use super::super::certificates::Certificates;
use crate::plan::{Defect, LabStore, Persistence, Secret, StoreKind, StoreLogin};
use crate::store::{PROBE_COMMANDS, SENTINEL_COMMANDS};
use std::fmt::Write as _;
use std::path::Path;

/// Everything the application keeps is under this; its ACL user reaches nothing else.
pub(in crate::lab) const KEY_PREFIX: &str = "rh:";
/// The name under which sentinels know the primary.
pub(in crate::lab) const MASTER_NAME: &str = "sessions";
/// What the store's probe writes is under this.
pub(super) const CANARY_PREFIX: &str = "rhprobe:";
/// In which a node of a cluster keeps what it knows of it.
pub(super) const NODES_FILE: &str = "nodes.conf";
/// What fills the store up when its memory is to be short.
pub(super) const BALLAST_PREFIX: &str = "rhballast:";
/// Replicas connect from this loopback address, so that a relay can tell replication from everything else, which is
/// encrypted.
pub(super) const REPLICATION_SOURCE: &str = "127.0.0.2";

const APP_USER: &str = "app";
const PROBE_USER: &str = "probe";
const OPERATOR: &str = "operator";

/// The passwords of a lab's Redis users: random, good for this lab only.
#[derive(Clone, Debug)]
pub(in crate::lab) struct Passwords {
    pub(in crate::lab) app: Secret,
    pub(in crate::lab) probe: Secret,
    /// Carries out the timeline.
    operator: Secret,
    replica: Secret,
    sentinel: Secret,
}

impl Passwords {
    pub(super) fn random() -> Passwords {
        let password = || Secret::new(format!("{:032x}", rand::random::<u128>()));
        Passwords {
            app: password(),
            probe: password(),
            operator: password(),
            replica: password(),
            sentinel: password(),
        }
    }

    pub(in crate::lab) fn app_login(&self) -> StoreLogin {
        StoreLogin { user: APP_USER.to_owned(), password: self.app.clone() }
    }

    pub(in crate::lab) fn probe_login(&self) -> StoreLogin {
        StoreLogin { user: PROBE_USER.to_owned(), password: self.probe.clone() }
    }

    pub(super) fn operator_login(&self) -> StoreLogin {
        StoreLogin { user: OPERATOR.to_owned(), password: self.operator.clone() }
    }
}

/// The ACL file of the data servers. The rights of replica and sentinel are the least that Redis' documentation
/// names for them (redis.io, "Security / ACL", "ACL rules for Sentinel and Replicas"). The probe reads what the
/// application keeps and writes only its own keys.
///
/// The default user has all rights although nobody can be it: a server loads its append-only log as this user, and leaves
/// out each transaction that it has no right to (seen with Redis 7.0.15).
pub(super) fn acl(passwords: &Passwords, kind: StoreKind, defect: Option<Defect>) -> String {
    let Passwords { app, probe, operator, replica, sentinel } = passwords;
    let default = match defect {
        Some(Defect::DefaultUserOn) => "on nopass",
        _ => "off",
    };
    // To find the primaries of a cluster; to see how it is; to change roles in it.
    let (find, look, lead) = match kind {
        StoreKind::Cluster => (
            " +cluster|slots",
            " +cluster|slots +cluster|info +cluster|keyslot +readonly",
            " +cluster|slots +cluster|info +cluster|keyslot +cluster|failover",
        ),
        StoreKind::Sentinel | StoreKind::Single | StoreKind::Dynamodb => ("", "", ""),
    };
    format!(
        "user default {default} ~* &* +@all\n\
         user {APP_USER} on >{} ~{KEY_PREFIX}* resetchannels \
         -@all +@read +@write +@connection +@transaction +@scripting -@admin -@dangerous +role +time +wait{find}\n\
         user {PROBE_USER} on >{} %R~{KEY_PREFIX}* ~{CANARY_PREFIX}* resetchannels \
         -@all {PROBE_COMMANDS} +config|get +object|idletime +object|freq{look}\n\
         user {OPERATOR} on >{} ~{BALLAST_PREFIX}* resetchannels \
         -@all +ping +info +role +set +dump +restore +config|set +bgsave +shutdown +replicaof +client|pause +client|unpause \
         +client|kill{lead}\n\
         user replica on >{} resetkeys resetchannels -@all +psync +replconf +ping\n\
         user sentinel on >{} resetkeys allchannels -@all +multi +slaveof +ping +exec +subscribe +config|rewrite \
         +role +publish +info +client|setname +client|kill +script|kill\n",
        app.expose(),
        probe.expose(),
        operator.expose(),
        replica.expose(),
        sentinel.expose(),
    )
}

/// Where a data server listens, and what it follows.
#[derive(Clone, Copy, Debug)]
pub(super) struct ServerPorts {
    /// Where everybody finds it.
    pub(super) announced: u16,
    /// Where it listens: behind a relay, if that is another port.
    pub(super) listening: u16,
    /// Where it listens without TLS, if it is told to be that wrong.
    pub(super) plain: u16,
    /// Where nodes of a cluster talk to each other.
    pub(super) bus: Option<u16>,
    /// Its primary. Nodes of a cluster know that themselves.
    pub(super) follows: Option<u16>,
}

/// The configuration of a data server. Nothing is evicted behind the application's back until the timeline says so.
pub(super) fn server(
    ports: ServerPorts,
    plan: &LabStore,
    directory: &Path,
    acl: &Path,
    certificates: &Certificates,
    passwords: &Passwords,
) -> String {
    let ServerPorts { announced, listening: port, plain, bus, follows } = ports;
    let mut text = listening(port, plain, directory, certificates);
    let persistence = match plan.persistence {
        Persistence::None => "save \"\"\nappendonly no\n",
        Persistence::Snapshot => "save 10 1\nappendonly no\n",
        Persistence::AppendOnly => "save \"\"\nappendonly yes\nappendfsync everysec\n",
    };
    let _ = write!(
        text,
        "databases 1\nmaxclients 2000\nmaxmemory 256mb\nmaxmemory-policy noeviction\n\
         {persistence}\
         repl-diskless-sync yes\nrepl-diskless-sync-delay 0\nrepl-diskless-load swapdb\n\
         min-replicas-to-write {}\nmin-replicas-max-lag 2\n\
         aclfile {}\nmasteruser replica\nmasterauth {}\n",
        plan.min_replicas_to_write,
        acl.display(),
        passwords.replica.expose(),
    );
    if announced != port {
        let _ = writeln!(
            text,
            "replica-announce-ip 127.0.0.1\nreplica-announce-port {announced}\nbind-source-addr {REPLICATION_SOURCE}"
        );
    }
    if let Some(bus) = bus {
        text.push_str(&in_cluster(announced, bus, plan));
    }
    if let Some(primary) = follows {
        let _ = writeln!(text, "replicaof 127.0.0.1 {primary}");
    }
    text
}

/// A shard that is away takes none of the others along, and replicas stay in their zones.
fn in_cluster(announced: u16, bus: u16, plan: &LabStore) -> String {
    format!(
        "cluster-enabled yes\ncluster-config-file {NODES_FILE}\ncluster-port {bus}\ntls-cluster yes\n\
         cluster-announce-ip 127.0.0.1\ncluster-announce-tls-port {announced}\ncluster-announce-bus-port {bus}\n\
         cluster-node-timeout {}\ncluster-require-full-coverage no\ncluster-allow-replica-migration no\n",
        plan.down_after.as_millis(),
    )
}

/// Whom the sentinels watch, and each other.
#[derive(Clone, Debug)]
pub(super) struct Watched {
    pub(super) primary: u16,
    pub(super) replicas: Vec<u16>,
    /// Port and id of each sentinel.
    pub(super) sentinels: Vec<(u16, String)>,
}

/// The configuration of sentinel `index`. All know each other and the replicas from the start: left to themselves they
/// would find each other within seconds, and the replicas within ten.
pub(super) fn sentinel(
    index: usize,
    watched: &Watched,
    plan: &LabStore,
    directory: &Path,
    certificates: &Certificates,
    passwords: &Passwords,
) -> String {
    let Watched { primary, replicas, sentinels } = watched;
    let (port, id) = &sentinels[index];
    let mut text = listening(*port, 0, directory, certificates);
    let quorum = sentinels.len() / 2 + 1;
    let (name, between) = (MASTER_NAME, passwords.sentinel.expose());
    let _ = write!(
        text,
        "user default off\n\
         user {APP_USER} on >{} -@all +ping +sentinel|get-master-addr-by-name\n\
         user {PROBE_USER} on >{} -@all {SENTINEL_COMMANDS}\n\
         user {OPERATOR} on >{} -@all +ping +sentinel|get-master-addr-by-name +sentinel|failover\n\
         user sentinel on >{between} allchannels +@all\n\
         sentinel sentinel-user sentinel\nsentinel sentinel-pass {between}\n\
         sentinel myid {id}\n\
         sentinel monitor {name} 127.0.0.1 {primary} {quorum}\n\
         sentinel auth-user {name} sentinel\nsentinel auth-pass {name} {between}\n\
         sentinel down-after-milliseconds {name} {}\n\
         sentinel failover-timeout {name} 10000\nsentinel parallel-syncs {name} 1\n",
        passwords.app.expose(),
        passwords.probe.expose(),
        passwords.operator.expose(),
        plan.down_after.as_millis(),
    );
    for replica in replicas {
        let _ = writeln!(text, "sentinel known-replica {name} 127.0.0.1 {replica}");
    }
    for (_, (other, id)) in sentinels.iter().enumerate().filter(|(other, _)| *other != index) {
        let _ = writeln!(text, "sentinel known-sentinel {name} 127.0.0.1 {other} {id}");
    }
    text
}

/// TLS only (no plain port is port 0), loopback only, in the foreground, log to standard output.
fn listening(port: u16, plain: u16, directory: &Path, certificates: &Certificates) -> String {
    format!(
        "bind 127.0.0.1\nport {plain}\ntls-port {port}\n\
         tls-cert-file {}\ntls-key-file {}\ntls-ca-cert-file {}\ntls-auth-clients no\ntls-replication yes\n\
         daemonize no\nlogfile \"\"\ndir {}\n",
        certificates.certificate.display(),
        certificates.key.display(),
        certificates.ca.display(),
        directory.display(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn passwords() -> Passwords {
        let secret = Secret::new;
        let [app, probe, operator] = ["A", "P", "O"].map(secret);
        Passwords { app, probe, operator, replica: secret("R"), sentinel: secret("S") }
    }

    fn certificates() -> Certificates {
        let path = |name: &str| PathBuf::from(format!("/lab/{name}"));
        Certificates {
            ca: path("ca.pem"),
            certificate: path("server.pem"),
            key: path("server.key"),
            bundle: path("haproxy.pem"),
            ca_pem: Vec::new(),
        }
    }

    #[test]
    fn nobody_gets_in_without_a_password_of_its_own() {
        insta::assert_snapshot!(acl(&passwords(), StoreKind::Sentinel, None));
    }

    #[test]
    fn a_replica_listens_with_tls_on_loopback_only() {
        let acl = PathBuf::from("/lab/users.acl");
        let ports = ServerPorts { announced: 7002, listening: 7002, plain: 0, bus: None, follows: Some(7001) };
        let plan = LabStore { min_replicas_to_write: 1, ..LabStore::default() };
        insta::assert_snapshot!(server(ports, &plan, Path::new("/lab"), &acl, &certificates(), &passwords()));
    }

    #[test]
    fn behind_a_relay_a_server_is_announced_as_the_relay_and_persists_as_told() {
        let acl = PathBuf::from("/lab/users.acl");
        let ports = ServerPorts { announced: 7001, listening: 7101, plain: 0, bus: None, follows: None };
        let plan = LabStore { persistence: Persistence::AppendOnly, ..LabStore::default() };
        let text = server(ports, &plan, Path::new("/lab"), &acl, &certificates(), &passwords());
        for line in ["tls-port 7101", "replica-announce-port 7001", "bind-source-addr 127.0.0.2", "appendonly yes"] {
            assert!(text.lines().any(|found| found == line), "no {line:?} in\n{text}");
        }
    }

    #[test]
    fn a_node_of_a_cluster_is_found_where_it_is_announced_and_may_be_asked_who_has_what() {
        let acl_file = PathBuf::from("/lab/users.acl");
        let ports = ServerPorts { announced: 7001, listening: 7101, plain: 0, bus: Some(7201), follows: None };
        let plan = LabStore { kind: StoreKind::Cluster, ..LabStore::default() };
        let text = server(ports, &plan, Path::new("/lab"), &acl_file, &certificates(), &passwords());
        for line in ["cluster-port 7201", "cluster-announce-tls-port 7001", "cluster-node-timeout 2000"] {
            assert!(text.lines().any(|found| found == line), "no {line:?} in\n{text}");
        }
        let rules = acl(&passwords(), StoreKind::Cluster, None);
        let failover: Vec<&str> = rules.lines().filter(|line| line.contains("+cluster|failover")).collect();
        assert!(matches!(failover.as_slice(), [line] if line.starts_with("user operator ")), "{rules}");
    }

    #[test]
    fn a_sentinel_knows_the_others_and_the_replicas() {
        let sentinels = [(1, 'a'), (2, 'b'), (3, 'c')].map(|(port, id)| (port, String::from(id).repeat(40)));
        let watched = Watched { primary: 7001, replicas: vec![7002, 7003], sentinels: sentinels.to_vec() };
        let plan = LabStore::default();
        let text = sentinel(1, &watched, &plan, Path::new("/lab/s2"), &certificates(), &passwords());
        insta::assert_snapshot!(text);
    }

    #[test]
    fn random_passwords_differ_and_are_hidden() {
        let passwords = Passwords::random();
        assert_ne!(passwords.app, passwords.probe);
        assert!(!format!("{passwords:?}").contains(passwords.app.expose()));
    }
}
