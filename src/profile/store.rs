use super::{At, SecretFile};
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::PathBuf;

/// The Redis that keeps the sessions of a fleet that somebody else runs. Where it is named, it is watched during a run,
/// losses are put down to what happened to it, and `rushhour audit` looks at it. The lab has a store of its own.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StoreFile {
    /// Host and port of the primary, or of the endpoint that leads to it, such as `redis.example.com:6379`. Either this
    /// or `sentinels`.
    pub address: Option<At<String>>,
    /// The sentinels that know the primary.
    pub sentinels: Option<At<SentinelsFile>>,
    /// All data nodes, so that their roles can be followed. Default: those that the sentinels know, or the one at
    /// `address`.
    #[serde(default)]
    pub nodes: Vec<At<StoreNodeFile>>,
    /// How it is spoken to. Default: `tls`.
    pub transport: Option<At<TransportFile>>,
    /// The certificate authority that its certificates come from, PEM; relative to the profile. Default: those this
    /// machine trusts.
    pub ca_file: Option<At<PathBuf>>,
    /// The probe's user: from the environment or a file. `rushhour check` prints the rights it needs. Default, beside a
    /// `password`: the store's user `default`.
    pub user: Option<At<SecretFile>>,
    /// The probe's password: from the environment or a file. Default: none, as with a store that asks for none.
    pub password: Option<At<SecretFile>>,
    /// The application's own user: the audit tries what it may not do. Default: that is not looked at.
    pub application: Option<At<StoreLoginFile>>,
    /// What the keys of sessions start with, such as `["session:"]`. Default: they are not looked at.
    #[serde(default)]
    pub session_prefixes: Vec<At<String>>,
    /// What the keys start with that the probe writes. Default: `rhprobe:`.
    pub canary_prefix: Option<At<String>>,
    /// A write of the probe counts as acknowledged once this many replicas have it (`WAIT`): as many as the application
    /// waits for. Default: 0.
    pub wait_for_replicas: Option<At<u32>>,
}

/// The sentinels that know the primary.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SentinelsFile {
    /// Host and port of each.
    pub addresses: At<Vec<At<String>>>,
    /// The name under which they know the primary.
    pub name: At<String>,
    /// The probe's user at the sentinels. Default, beside a `password`: their user `default`.
    pub user: Option<At<SecretFile>>,
    /// Its password there. Default: none, as with sentinels that ask for none.
    pub password: Option<At<SecretFile>>,
}

/// A data node of the store.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StoreNodeFile {
    /// Host and port.
    pub address: At<String>,
    /// Its availability zone. Default: not known.
    pub zone: Option<String>,
}

/// A user of the store: from the environment or a file, never written here.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StoreLoginFile {
    /// Default: the store's user `default`.
    pub user: Option<At<SecretFile>>,
    /// Its password.
    pub password: At<SecretFile>,
}

/// How the store is spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TransportFile {
    /// Over TLS.
    #[default]
    Tls,
    /// In plain text: whoever is on the way reads passwords and sessions.
    Plain,
}
