use std::sync::Arc;

use super::super::config::{AppConfig, StoreLocation};
use super::super::error::AppError;
use super::Keys;
use super::operations::Store;
use super::redis_operations::Redis;

/// The store that the configuration names. Prepares to connect; the first question does.
///
/// # Errors
/// [`AppError::CaFile`], [`AppError::WithoutDynamodb`].
pub async fn open(config: &AppConfig, keys: Keys) -> Result<Arc<dyn Store>, AppError> {
    match &config.store.location {
        StoreLocation::Direct(_) | StoreLocation::Sentinels(_) | StoreLocation::Cluster(_) => {
            Ok(Arc::new(Redis::new(config, keys)?))
        }
        #[cfg(feature = "aws")]
        StoreLocation::Dynamodb(table) => Ok(Arc::new(super::dynamodb::Dynamodb::new(config, table, keys).await)),
        #[cfg(not(feature = "aws"))]
        StoreLocation::Dynamodb(_) => Err(AppError::WithoutDynamodb),
    }
}
