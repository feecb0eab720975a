use crate::fleet::aws::call::CallError;
use crate::fleet::aws::clients::Clients;
use aws_sdk_dynamodb::types::{PointInTimeRecoveryStatus, TimeToLiveStatus};

/// A table of DynamoDB.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableSetup {
    /// The attribute by which items expire; None: they do not.
    pub expires_by: Option<String>,
    /// Its state of any second of the last weeks can be had back.
    pub recovers: bool,
    /// The key that it is encrypted with, where that is not DynamoDB's own.
    pub key: Option<String>,
}

impl Clients {
    pub(super) async fn table_setup(&self, name: &str) -> Result<TableSetup, CallError> {
        let on = || format!("the table `{name}`");
        let call = self.call("DescribeTimeToLive", on());
        let answer = self.dynamodb.describe_time_to_live().table_name(name).send().await;
        let ttl = answer.map_err(|error| call.failed(error))?.time_to_live_description;
        let expires = [Some(&TimeToLiveStatus::Enabled), Some(&TimeToLiveStatus::Enabling)];
        let ttl = ttl.filter(|ttl| expires.contains(&ttl.time_to_live_status()));
        let call = self.call("DescribeContinuousBackups", on());
        let answer = self.dynamodb.describe_continuous_backups().table_name(name).send().await;
        let backups = answer.map_err(|error| call.failed(error))?.continuous_backups_description;
        let recovery = backups.and_then(|backups| backups.point_in_time_recovery_description);
        let call = self.call("DescribeTable", on());
        let answer = self.dynamodb.describe_table().table_name(name).send().await;
        let table = answer.map_err(|error| call.failed(error))?.table;
        Ok(TableSetup {
            expires_by: ttl.and_then(|ttl| ttl.attribute_name),
            recovers: recovery.and_then(|recovery| recovery.point_in_time_recovery_status)
                == Some(PointInTimeRecoveryStatus::Enabled),
            key: table.and_then(|table| table.sse_description?.kms_master_key_arn),
        })
    }
}
