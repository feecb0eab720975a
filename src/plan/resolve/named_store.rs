use super::context::Context;
use crate::plan::{Secret, StoreAccess, StoreLocation, StoreLogin, StoreNode, StoreTransport};
use crate::profile::{At, SecretFile, SentinelsFile, StoreFile, TransportFile};

const CANARY_PREFIX: &str = "rhprobe:";
/// Whom Redis takes those for who give a password only.
const DEFAULT_USER: &str = "default";
/// More replicas than anybody waits for.
const MOST_REPLICAS: u32 = 5;

impl Context<'_> {
    /// The store that the profile names, for a fleet that is not the lab.
    pub fn named_store(&mut self, file: &At<StoreFile>, lab: bool) -> Option<StoreAccess> {
        if lab {
            let help = "set it up under `fleet.store`, or set `fleet.provider = \"observe\"`";
            self.error(&file.span, "the lab has a store of its own", help);
            return None;
        }
        let location = self.location(file);
        let nodes = match &location {
            Some(StoreLocation::Direct(address)) if file.nodes.is_empty() => vec![StoreNode::at(address)],
            _ => file.nodes.iter().filter_map(|node| self.node(&node.address, node.zone.as_deref())).collect(),
        };
        let transport = self.transport(file);
        let login = self.login(file.user.as_ref(), file.password.as_ref());
        let sentinels = file.sentinels.as_ref();
        let sentinel_login = sentinels.and_then(|s| self.login(s.user.as_ref(), s.password.as_ref()));
        let app_login = file.application.as_ref().and_then(|app| self.login(app.user.as_ref(), Some(&app.password)));
        let (session_prefixes, canary_prefix) = self.prefixes(file);
        if let Some(many) = file.wait_for_replicas.as_ref().filter(|replicas| replicas.value > MOST_REPLICAS) {
            let help = format!("0 to {MOST_REPLICAS}, as many as the application waits for");
            self.error(&many.span, format!("{} replicas are not possible", many.value), help);
        }
        Some(StoreAccess {
            location: location?,
            nodes,
            transport,
            login,
            sentinel_login,
            app_login,
            session_prefixes,
            canary_prefix,
            wait_for_replicas: file.wait_for_replicas.as_ref().map_or(0, |replicas| replicas.value),
        })
    }

    fn location(&mut self, file: &At<StoreFile>) -> Option<StoreLocation> {
        match (&file.address, &file.sentinels) {
            (Some(address), None) => self.address(address).map(StoreLocation::Direct),
            (None, Some(sentinels)) => self.sentinels(sentinels),
            (Some(address), Some(_)) => {
                self.error(&address.span, "`address` beside `sentinels`", "the sentinels tell it: leave one out");
                None
            }
            (None, None) => {
                let help = "give `address = \"host:6379\"`, or `sentinels = { addresses = […], name = \"…\" }`";
                self.error(&file.span, "this does not say where the store is", help);
                None
            }
        }
    }

    fn sentinels(&mut self, file: &At<SentinelsFile>) -> Option<StoreLocation> {
        if file.addresses.is_empty() {
            self.error(&file.addresses.span, "no sentinel at all", "give host and port of each");
        }
        if file.name.is_empty() {
            self.error(&file.name.span, "the sentinels know no primary without a name", "that of `sentinel monitor`");
        }
        let addresses = file.addresses.iter().filter_map(|address| self.address(address)).collect();
        Some(StoreLocation::Sentinels { addresses, name: file.name.value.clone() })
    }

    fn node(&mut self, address: &At<String>, zone: Option<&str>) -> Option<StoreNode> {
        let node = StoreNode::at(self.address(address)?);
        Some(StoreNode { zone: zone.unwrap_or_default().to_owned(), ..node })
    }

    fn address(&mut self, written: &At<String>) -> Option<String> {
        let port = |port: &str| port.parse::<u16>().is_ok_and(|port| port > 0);
        match written.rsplit_once(':') {
            Some((host, number)) if !host.is_empty() && !host.contains(['/', '@', ' ']) && port(number) => {
                Some(written.value.clone())
            }
            _ => {
                let help =
                    "host and port, such as `redis.example.com:6379`; users and passwords have keys of their own";
                self.error(&written.span, "this is not an address", help);
                None
            }
        }
    }

    fn transport(&mut self, file: &At<StoreFile>) -> StoreTransport {
        let plain = file.transport.as_ref().is_some_and(|transport| transport.value == TransportFile::Plain);
        match &file.ca_file {
            Some(path) if plain => {
                let help = "leave it out, or leave out `transport = \"plain\"`";
                self.error(&path.span, "nobody shows a certificate in plain text", help);
                StoreTransport::Plain
            }
            None if plain => StoreTransport::Plain,
            path => StoreTransport::Tls {
                ca_pem: path.as_ref().and_then(|path| self.authority(path)).map(String::into_bytes),
            },
        }
    }

    fn login(&mut self, user: Option<&At<SecretFile>>, password: Option<&At<SecretFile>>) -> Option<StoreLogin> {
        let Some(password) = password else {
            if let Some(user) = user {
                self.error(&user.span, "`user` without `password`", "add `password = { env = \"NAME\" }`");
            }
            return None;
        };
        let password = self.secret(password)?;
        let user = match user {
            Some(user) => self.secret(user)?,
            None => Secret::new(DEFAULT_USER),
        };
        Some(StoreLogin { user: user.expose().to_owned(), password })
    }

    /// Of sessions, and of the probe's own keys.
    fn prefixes(&mut self, file: &At<StoreFile>) -> (Vec<String>, String) {
        let canary = file.canary_prefix.as_ref().map_or(CANARY_PREFIX.to_owned(), |prefix| prefix.value.clone());
        if let Some(empty) = file.canary_prefix.as_ref().filter(|prefix| prefix.is_empty()) {
            let help = "such as `rhprobe:`, under which nobody else keeps anything";
            self.error(&empty.span, "the probe's keys would be among everybody's", help);
        }
        for prefix in &file.session_prefixes {
            if prefix.is_empty() {
                let help = "what keys of sessions start with, such as `session:`";
                self.error(&prefix.span, "every key would be a session's", help);
            } else if prefix.starts_with(&canary) || (canary.starts_with(prefix.as_str()) && !canary.is_empty()) {
                let message = format!("the probe's keys (`{canary}`) would be taken for sessions, or sessions for its");
                self.error(&prefix.span, message, "give `canary_prefix` a beginning of its own");
            }
        }
        (file.session_prefixes.iter().map(|prefix| prefix.value.clone()).collect(), canary)
    }
}
