use super::Secret;

/// How to reach the store that keeps the sessions, and what in it belongs to whom. Holds passwords, so it is no part of
/// a [`super::Plan`] and never serialised: whoever runs the store hands it over when the store is up, or the profile
/// names it.
#[derive(Clone, Debug)]
pub struct StoreAccess {
    pub location: StoreLocation,
    /// All data nodes; of a store with one node, that one. Empty: its sentinels are still to be asked.
    pub nodes: Vec<StoreNode>,
    pub transport: StoreTransport,
    /// May read what the application keeps, and write under `canary_prefix`. None: whoever the store takes a stranger
    /// for.
    pub login: Option<StoreLogin>,
    /// The same, at the sentinels.
    pub sentinel_login: Option<StoreLogin>,
    /// The application's own, where it is known: the audit tries what it may not do.
    pub app_login: Option<StoreLogin>,
    /// What keys of sessions start with. Empty: not known.
    pub session_prefixes: Vec<String>,
    /// What the probe's own keys start with.
    pub canary_prefix: String,
    /// A write counts as acknowledged once this many replicas have it.
    pub wait_for_replicas: u32,
}

/// Where to find the primary: addresses as `host:port`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreLocation {
    Direct(String),
    Sentinels {
        addresses: Vec<String>,
        /// The name under which they know the primary.
        name: String,
    },
}

/// How a store is spoken to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreTransport {
    /// `ca_pem`: the certificate authority that the nodes' certificates come from; None: those this machine trusts.
    Tls { ca_pem: Option<Vec<u8>> },
    /// In plain text.
    Plain,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreNode {
    pub name: String,
    /// Empty: not known.
    pub zone: String,
    pub address: String,
}

#[derive(Clone, Debug)]
pub struct StoreLogin {
    pub user: String,
    pub password: Secret,
}

impl StoreNode {
    /// A node of which no more is known than where it is.
    pub fn at(address: impl Into<String>) -> StoreNode {
        let address = address.into();
        StoreNode { name: address.clone(), zone: String::new(), address }
    }
}
