use crate::history::{FleetGauges, Notice};
use crate::plan::{Action, StoreAccess};
use std::path::{Path, PathBuf};
use std::pin::Pin;

pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Where a provider tells what happens, from the moment it is started.
pub type NoticeSender = tokio::sync::mpsc::UnboundedSender<Notice>;

#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    #[error("the fleet `{provider}` cannot do `{action}`")]
    Unsupported { provider: &'static str, action: String },
    #[error("`{action}` was refused: {reason}")]
    Refused { action: String, reason: String },
    #[error("{what} failed: {reason}")]
    Failed { what: String, reason: String },
    /// A call of the provider's, which the text names with what it was about and the remedy.
    #[error("{0}")]
    Call(String),
}

/// A fleet that is up.
pub trait Fleet: Send + Sync {
    fn provider(&self) -> &'static str;

    /// Base URL of the balancer, where the provider knows it.
    fn url(&self) -> Option<String>;

    /// The certificate authority that the balancer's certificate comes from, where that is the provider's own.
    fn target_ca(&self) -> Option<PathBuf>;

    /// Carries out an action of the fleet and says what it came to, such as which instances were chosen. What happens
    /// meanwhile arrives as notices. A changed capacity is done once it is accepted: instances take their time.
    ///
    /// Several actions may be under way at a time; one that cannot be beside another is refused. Dropping the future
    /// gives the action up where it stands.
    fn apply<'a>(&'a self, action: &'a Action) -> BoxFuture<'a, Result<String, FleetError>>;

    /// The run's directory, told before the first action: what would be needed to put the fleet back after a crash is
    /// kept there.
    fn recorded_in(&self, _directory: &Path) {}

    /// Puts back what actions changed and did not put back themselves. What comes of it arrives as notices.
    fn put_back(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }

    /// What it looks like now; None where it cannot be known.
    fn gauges(&self) -> Option<FleetGauges>;

    /// Whether as many instances as desired are there, all healthy, and none besides.
    fn settled(&self) -> bool {
        self.gauges().is_some_and(|g| g.healthy == g.desired && g.launched == g.desired)
    }

    /// How to reach the store; None where it cannot be known.
    fn store(&self) -> Option<StoreAccess>;

    /// Ends everything this provider started and waits until it is gone.
    fn shut_down(self: Box<Self>) -> BoxFuture<'static, ()>;
}
