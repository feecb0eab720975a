use super::{At, LimitFile, Span};
use schemars::JsonSchema;
use serde::Deserialize;

/// When a difference between two runs of the profile counts. It is a regression when it is larger than is said here, and
/// also unlikely to be chance.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CompareFile {
    /// A response time must grow by more than this share of itself. Default: `10%`.
    pub response_time: Option<At<LimitFile>>,
    /// And by more than this time. Default: `2ms`.
    pub response_time_floor: Option<At<Span>>,
    /// The share of requests that go wrong must grow by more than this. Default: `0.5%`.
    pub error_rate: Option<At<LimitFile>>,
    /// A stage of a scale-out must take longer by more than this share of itself. Default: `25%`.
    pub stage: Option<At<LimitFile>>,
    /// And by more than this time. Default: `1s`.
    pub stage_floor: Option<At<Span>>,
    /// How sure it must be that there is any regression at all, over everything that is compared. Default: `95%`.
    pub confidence: Option<At<LimitFile>>,
    /// The unit of chance: requests within this time of each other are taken to depend on each other. Default: `5s`.
    pub block: Option<At<Span>>,
}
