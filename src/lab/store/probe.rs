use super::config::{MASTER_NAME, Passwords};
use super::servers::{Location, Store};
use crate::history::StoreGauges;
use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, ConnectionAddr, ErrorKind, InfoDict, IntoConnectionInfo, RedisConnectionInfo, RedisError,
    RedisResult, TlsCertificates,
};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// Opens connections as the read-only probe user.
#[derive(Clone)]
pub(super) struct Client {
    certificates: TlsCertificates,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Client")
    }
}

const ANSWER_WITHIN: Duration = Duration::from_millis(500);

impl Client {
    pub(super) fn new(ca_pem: &[u8]) -> Client {
        Client { certificates: TlsCertificates { client_tls: None, root_cert: Some(ca_pem.to_owned()) } }
    }

    pub(super) async fn connect(&self, address: &str, passwords: &Passwords) -> RedisResult<MultiplexedConnection> {
        let no_address = || RedisError::from((ErrorKind::InvalidClientConfig, "wanted host:port"));
        let (host, port) = address.rsplit_once(':').ok_or_else(no_address)?;
        let port = port.parse().map_err(|_| no_address())?;
        let login =
            RedisConnectionInfo::default().set_username(passwords.probe_user()).set_password(passwords.probe.expose());
        let info = ConnectionAddr::TcpTls { host: host.to_owned(), port, insecure: false, tls_params: None }
            .into_connection_info()?
            .set_redis_settings(login);
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(ANSWER_WITHIN))
            .set_response_timeout(Some(ANSWER_WITHIN));
        redis::Client::build_with_tls(info, self.certificates.clone())?
            .get_multiplexed_async_connection_with_config(&config)
            .await
    }
}

impl Store {
    async fn connect_to_primary(&self) -> RedisResult<MultiplexedConnection> {
        let sentinels = match &self.location {
            Location::Direct(address) => return self.client.connect(address, &self.passwords).await,
            Location::Sentinels(sentinels) => sentinels,
        };
        let mut failure = RedisError::from((ErrorKind::Client, "no sentinel knows the primary"));
        for sentinel in sentinels {
            match self.ask_for_primary(sentinel).await {
                Ok(address) => return self.client.connect(&address, &self.passwords).await,
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    async fn ask_for_primary(&self, sentinel: &str) -> RedisResult<String> {
        let mut connection = self.client.connect(sentinel, &self.passwords).await?;
        let (host, port): (String, u16) =
            redis::cmd("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME").arg(MASTER_NAME).query_async(&mut connection).await?;
        Ok(format!("{host}:{port}"))
    }
}

/// Reads the primary's gauges each second into `gauges`; none while it does not answer.
pub(in crate::lab) async fn keep_gauges(store: Store, gauges: Arc<Mutex<Option<StoreGauges>>>) {
    let mut ticks = interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut connection = None;
    loop {
        ticks.tick().await;
        let read = match &mut connection {
            Some(open) => read_gauges(open).await,
            none => match store.connect_to_primary().await {
                Ok(mut open) => {
                    let read = read_gauges(&mut open).await;
                    *none = Some(open);
                    read
                }
                Err(error) => Err(error),
            },
        };
        if let Err(error) = &read {
            log::debug!("the store did not tell its gauges: {error}");
            connection = None;
        }
        *gauges.lock().expect("no holder of this lock panics") = read.ok();
    }
}

async fn read_gauges(connection: &mut MultiplexedConnection) -> RedisResult<StoreGauges> {
    let (info, keys): (InfoDict, u64) = redis::pipe().cmd("INFO").cmd("DBSIZE").query_async(connection).await?;
    Ok(gauges_from(&info, keys))
}

fn gauges_from(info: &InfoDict, keys: u64) -> StoreGauges {
    StoreGauges {
        used_memory_bytes: info.get("used_memory").unwrap_or_default(),
        keys,
        evicted_keys: info.get("evicted_keys").unwrap_or_default(),
        connected_clients: info.get("connected_clients").unwrap_or_default(),
        commands_per_second: info.get("instantaneous_ops_per_sec").unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gauges_come_from_info() {
        let info = InfoDict::new(
            "# Memory\r\nused_memory:1048576\r\n# Stats\r\ninstantaneous_ops_per_sec:42\r\nevicted_keys:3\r\n\
             # Clients\r\nconnected_clients:7\r\n",
        );
        assert_eq!(
            gauges_from(&info, 5),
            StoreGauges {
                used_memory_bytes: 1_048_576,
                keys: 5,
                evicted_keys: 3,
                connected_clients: 7,
                commands_per_second: 42.0
            }
        );
    }
}
