use super::At;
use schemars::JsonSchema;
use serde::Deserialize;

/// Where results go besides the run directory.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PublishFile {
    /// Amazon CloudWatch: verdict, survival, adoption time, response times and more, as custom metrics.
    pub cloudwatch: Option<At<CloudWatchFile>>,
}

/// Results as custom metrics of Amazon CloudWatch, once for the profile (dimension `Profile`), so that alarms can follow
/// it from run to run, and once for the run (`Profile`, `Version`, `Run`). Response times have the dimension `Phase`, too.
/// That they cannot be published is told, and changes no verdict. CloudWatch bills custom metrics.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CloudWatchFile {
    /// Default: `rushhour`.
    pub namespace: Option<At<String>>,
    /// Default: the one that the AWS SDK is told (`AWS_REGION`, a profile, the instance's own).
    pub region: Option<At<String>>,
    /// Version of what is tested, such as a build number. Default: rushhour's own.
    pub version: Option<At<String>>,
}
