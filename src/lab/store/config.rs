use super::super::certificates::Certificates;
use crate::plan::Secret;
use std::fmt::Write as _;
use std::path::Path;

/// Everything the application keeps is under this; its ACL user reaches nothing else.
pub(in crate::lab) const KEY_PREFIX: &str = "rh:";
/// The name under which sentinels know the primary.
pub(in crate::lab) const MASTER_NAME: &str = "sessions";
pub(super) const SENTINELS: usize = 3;

const APP_USER: &str = "app";
const PROBE_USER: &str = "probe";

/// The passwords of a lab's Redis users: random, good for this lab only.
#[derive(Clone, Debug)]
pub(in crate::lab) struct Passwords {
    pub(in crate::lab) app: Secret,
    pub(in crate::lab) probe: Secret,
    replica: Secret,
    sentinel: Secret,
}

impl Passwords {
    pub(super) fn random() -> Passwords {
        let password = || Secret::new(format!("{:032x}", rand::random::<u128>()));
        Passwords { app: password(), probe: password(), replica: password(), sentinel: password() }
    }

    pub(in crate::lab) fn app_user(&self) -> &'static str {
        APP_USER
    }

    pub(in crate::lab) fn probe_user(&self) -> &'static str {
        PROBE_USER
    }
}

/// The ACL file of the data servers. The rights of replica and sentinel are the least that Redis' documentation
/// names for them (redis.io, "Security / ACL", "ACL rules for Sentinel and Replicas").
pub(super) fn acl(passwords: &Passwords) -> String {
    let Passwords { app, probe, replica, sentinel } = passwords;
    format!(
        "user default off\n\
         user {APP_USER} on >{} ~{KEY_PREFIX}* resetchannels \
         -@all +@read +@write +@connection +@transaction +@scripting -@admin -@dangerous +role +time\n\
         user {PROBE_USER} on >{} resetkeys resetchannels -@all +info +dbsize +ping\n\
         user replica on >{} resetkeys resetchannels -@all +psync +replconf +ping\n\
         user sentinel on >{} resetkeys allchannels -@all +multi +slaveof +ping +exec +subscribe +config|rewrite \
         +role +publish +info +client|setname +client|kill +script|kill\n",
        app.expose(),
        probe.expose(),
        replica.expose(),
        sentinel.expose(),
    )
}

/// The configuration of a data server: nothing is written to disk, and nothing is evicted behind the application's back.
pub(super) fn server(
    port: u16,
    primary: Option<u16>,
    directory: &Path,
    acl: &Path,
    certificates: &Certificates,
    passwords: &Passwords,
) -> String {
    let mut text = listening(port, directory, certificates);
    let _ = write!(
        text,
        "databases 1\nmaxclients 2000\nmaxmemory 256mb\nmaxmemory-policy noeviction\n\
         save \"\"\nappendonly no\n\
         repl-diskless-sync yes\nrepl-diskless-sync-delay 0\nrepl-diskless-load swapdb\n\
         aclfile {}\nmasteruser replica\nmasterauth {}\n",
        acl.display(),
        passwords.replica.expose(),
    );
    if let Some(primary) = primary {
        let _ = writeln!(text, "replicaof 127.0.0.1 {primary}");
    }
    text
}

/// The configuration of sentinel `index`. All know each other and the replica from the start: left to themselves they
/// would find each other within seconds, and the replica within ten.
pub(super) fn sentinel(
    index: usize,
    ports: &[u16; SENTINELS],
    ids: &[String; SENTINELS],
    (primary, replica): (u16, u16),
    directory: &Path,
    certificates: &Certificates,
    passwords: &Passwords,
) -> String {
    let mut text = listening(ports[index], directory, certificates);
    let quorum = SENTINELS / 2 + 1;
    let (name, between) = (MASTER_NAME, passwords.sentinel.expose());
    let _ = write!(
        text,
        "user default off\n\
         user {APP_USER} on >{} -@all +ping +sentinel|get-master-addr-by-name\n\
         user {PROBE_USER} on >{} -@all +ping +sentinel|get-master-addr-by-name +sentinel|ckquorum\n\
         user sentinel on >{between} allchannels +@all\n\
         sentinel sentinel-user sentinel\nsentinel sentinel-pass {between}\n\
         sentinel myid {}\n\
         sentinel monitor {name} 127.0.0.1 {primary} {quorum}\n\
         sentinel auth-user {name} sentinel\nsentinel auth-pass {name} {between}\n\
         sentinel down-after-milliseconds {name} 1000\n\
         sentinel failover-timeout {name} 10000\nsentinel parallel-syncs {name} 1\n\
         sentinel known-replica {name} 127.0.0.1 {replica}\n",
        passwords.app.expose(),
        passwords.probe.expose(),
        ids[index],
    );
    for other in (0..SENTINELS).filter(|other| *other != index) {
        let _ = writeln!(text, "sentinel known-sentinel {name} 127.0.0.1 {} {}", ports[other], ids[other]);
    }
    text
}

/// TLS only, loopback only, in the foreground, log to standard output.
fn listening(port: u16, directory: &Path, certificates: &Certificates) -> String {
    format!(
        "bind 127.0.0.1\nport 0\ntls-port {port}\n\
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
        Passwords { app: secret("A"), probe: secret("P"), replica: secret("R"), sentinel: secret("S") }
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
        insta::assert_snapshot!(acl(&passwords()));
    }

    #[test]
    fn a_replica_listens_with_tls_on_loopback_only() {
        let acl = PathBuf::from("/lab/users.acl");
        insta::assert_snapshot!(server(7002, Some(7001), Path::new("/lab"), &acl, &certificates(), &passwords()));
    }

    #[test]
    fn a_sentinel_knows_the_others_and_the_replica() {
        let ids = ["a".repeat(40), "b".repeat(40), "c".repeat(40)];
        let text = sentinel(1, &[1, 2, 3], &ids, (7001, 7002), Path::new("/lab/s2"), &certificates(), &passwords());
        insta::assert_snapshot!(text);
    }

    #[test]
    fn random_passwords_differ_and_are_hidden() {
        let passwords = Passwords::random();
        assert_ne!(passwords.app, passwords.probe);
        assert!(!format!("{passwords:?}").contains(passwords.app.expose()));
    }
}
