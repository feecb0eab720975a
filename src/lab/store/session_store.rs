#[cfg(feature = "aws")]
use super::emulator::Emulator;
use super::host::Host;
use super::servers::{Store, StoreStart};
use crate::fleet::NoticeSender;
use crate::lab::LabError;
#[cfg(feature = "aws")]
use crate::plan::StoreKind;
use crate::plan::{Action, Outage, StoreAccess};

/// What keeps the lab's sessions.
#[derive(Clone, Debug)]
pub(in crate::lab) enum SessionStore {
    Redis(Store),
    #[cfg(feature = "aws")]
    Dynamodb(Emulator),
}

impl SessionStore {
    /// Starts it and returns once it could be used.
    pub(in crate::lab) async fn start(start: StoreStart<'_>) -> Result<SessionStore, LabError> {
        match start.plan.store.kind {
            #[cfg(feature = "aws")]
            StoreKind::Dynamodb => Emulator::start(start).await.map(SessionStore::Dynamodb),
            _ => Store::start(start).await.map(SessionStore::Redis),
        }
    }

    pub(in crate::lab) fn hosts(&self) -> Box<dyn Iterator<Item = &Host> + '_> {
        match self {
            SessionStore::Redis(store) => Box::new(store.hosts()),
            #[cfg(feature = "aws")]
            SessionStore::Dynamodb(emulator) => Box::new(std::iter::once(emulator.host())),
        }
    }

    /// How the probe reaches it.
    pub(in crate::lab) fn access(&self) -> StoreAccess {
        match self {
            SessionStore::Redis(store) => StoreAccess::Redis(store.access()),
            #[cfg(feature = "aws")]
            SessionStore::Dynamodb(emulator) => StoreAccess::Dynamodb(emulator.access().clone()),
        }
    }

    pub(in crate::lab) async fn apply(&self, action: &Action, notices: &NoticeSender) -> Result<String, String> {
        match self {
            SessionStore::Redis(store) => store.apply(action, notices).await,
            #[cfg(feature = "aws")]
            SessionStore::Dynamodb(emulator) => emulator.apply(action),
        }
    }

    /// What of it is in the zone goes dark. DynamoDB is in all of them.
    pub(in crate::lab) async fn zone_goes_dark(&self, zone: &str, how: Outage) {
        match self {
            SessionStore::Redis(store) => store.zone_goes_dark(zone, how).await,
            #[cfg(feature = "aws")]
            SessionStore::Dynamodb(_) => {}
        }
    }

    pub(in crate::lab) async fn zone_comes_back(&self, zone: &str) -> Result<String, String> {
        match self {
            SessionStore::Redis(store) => store.zone_comes_back(zone).await,
            #[cfg(feature = "aws")]
            SessionStore::Dynamodb(_) => Ok("was there all the while".to_owned()),
        }
    }
}
