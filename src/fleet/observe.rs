use super::{BoxFuture, Fleet, FleetError};
use crate::history::FleetGauges;
use crate::plan::{Action, StoreAccess};
use std::path::PathBuf;

/// Somebody else's fleet: nothing is known of it but what responses tell, and nothing is changed.
pub struct Observed;

impl Fleet for Observed {
    fn provider(&self) -> &'static str {
        "observe"
    }

    fn url(&self) -> Option<String> {
        None
    }

    fn target_ca(&self) -> Option<PathBuf> {
        None
    }

    fn apply<'a>(&'a self, action: &'a Action) -> BoxFuture<'a, Result<String, FleetError>> {
        Box::pin(
            async move { Err(FleetError::Unsupported { provider: self.provider(), action: action.name().to_owned() }) },
        )
    }

    fn gauges(&self) -> Option<FleetGauges> {
        None
    }

    fn store(&self) -> Option<StoreAccess> {
        None
    }

    fn shut_down(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async {})
    }
}
