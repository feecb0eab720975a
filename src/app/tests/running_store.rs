use std::time::Duration;

use super::super::config::StoreLocation;

/// A store of one test's own, and what tests look at behind the application's back.
pub trait RunningStore {
    fn location(&self) -> StoreLocation;

    /// Keys of all sessions.
    fn sessions(&self) -> Vec<String>;

    /// How long a session has to live.
    fn time_left(&self, key: &str) -> Duration;

    fn set_time_left(&self, key: &str, left: Duration);

    fn remove(&self, key: &str);

    fn unfinished_jobs(&self) -> usize;
}

/// Makes a test over each store of functions that take one.
macro_rules! over_each_store {
    ($($test:ident),+ $(,)?) => {
        $(
            mod $test {
                #[test]
                fn over_redis() {
                    super::$test(&super::super::redis_server::RedisServer::start());
                }

                #[cfg(feature = "aws")]
                #[test]
                fn over_dynamodb() {
                    super::$test(&super::super::dynamodb_server::DynamodbServer::start());
                }
            }
        )+
    };
}

pub(super) use over_each_store;
