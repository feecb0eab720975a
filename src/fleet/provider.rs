use crate::history::{FleetGauges, Notice, StoreGauges};
use crate::plan::Action;
use std::path::PathBuf;
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
}

/// A fleet that is up.
pub trait Fleet: Send + Sync {
    fn provider(&self) -> &'static str;

    /// Base URL of the balancer, where the provider knows it.
    fn url(&self) -> Option<String>;

    /// The certificate authority that the balancer's certificate comes from, where that is the provider's own.
    fn target_ca(&self) -> Option<PathBuf>;

    /// Begins an action; what comes of it arrives as notices. Returns once it is accepted.
    fn apply<'a>(&'a self, action: &'a Action) -> BoxFuture<'a, Result<(), FleetError>>;

    /// What it looks like now; None where it cannot be known.
    fn gauges(&self) -> Option<FleetGauges>;

    fn store_gauges(&self) -> Option<StoreGauges>;

    /// Ends everything this provider started and waits until it is gone.
    fn shut_down(self: Box<Self>) -> BoxFuture<'static, ()>;
}
