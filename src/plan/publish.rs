use serde::{Deserialize, Serialize};

/// Where results go besides the run directory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publish {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloudwatch: Option<CloudWatchPlan>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloudWatchPlan {
    pub namespace: String,
    /// None: the one that the SDK is told.
    pub region: Option<String>,
    /// Of what is tested; None: rushhour's own.
    pub version: Option<String>,
}
