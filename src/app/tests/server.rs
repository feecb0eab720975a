use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

use super::super::config::{AppConfig, Capacity, Cookie, Generated, Jobs, PasswordCost, Secret, StoreConfig, Users};
use super::super::defect::Defect;
use super::super::error::AppError;
use super::super::lifecycle::Lifecycle;
use super::super::serve::serve_on;
use super::client::Client;
use super::redis_server::until;
use super::running_store::RunningStore;

/// An instance with a runtime of its own, so that it can be killed with everything it was doing.
pub struct Server {
    pub address: SocketAddr,
    pub lifecycle: Lifecycle,
    runtime: Option<Runtime>,
    task: Option<JoinHandle<Result<(), AppError>>>,
}

impl Server {
    pub fn start(config: AppConfig) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("non-blocking");
        let address = listener.local_addr().expect("an address");
        let lifecycle = Lifecycle::start(std::time::Duration::from_millis(config.boot_ms));
        let task = {
            let lifecycle = lifecycle.clone();
            runtime.spawn(async move {
                serve_on(TcpListener::from_std(listener).expect("a listener"), &config, lifecycle).await
            })
        };
        Self { address, lifecycle, runtime: Some(runtime), task: Some(task) }
    }

    /// Instance `name` in zone `zone-NAME` over `store`, ready to serve.
    pub fn ready(store: &dyn RunningStore, name: &str, change: impl FnOnce(&mut AppConfig)) -> Self {
        let mut config = config(store, name);
        change(&mut config);
        let server = Self::start(config);
        until("the instance is ready", || Client::of(&server).get("/healthz").status == 200);
        server
    }

    pub fn with_defect(store: &dyn RunningStore, name: &str, defect: Defect) -> Self {
        Self::ready(store, name, |config| config.defect = Some(defect))
    }

    /// As by SIGKILL.
    pub fn kill(mut self) {
        self.runtime.take().expect("still runs").shutdown_background();
    }

    /// Waits for it to end by itself.
    pub fn ended(mut self) {
        let (runtime, task) = (self.runtime.take().expect("still runs"), self.task.take().expect("still runs"));
        runtime.block_on(task).expect("no panic").expect("no error");
        runtime.shutdown_background();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

pub fn config(store: &dyn RunningStore, name: &str) -> AppConfig {
    AppConfig {
        instance: name.into(),
        zone: format!("zone-{name}"),
        listen: Ipv4Addr::LOCALHOST.into(),
        port: 0,
        store: StoreConfig {
            location: store.location(),
            username: None,
            password: None,
            key_prefix: "test:".into(),
            tls: None,
            timeout_ms: 1_000,
            grace_ms: 600,
            wait_for_replicas: 0,
        },
        users: Users::Generated(Generated { count: 100, prefix: "user".into(), password: Secret::new("open sesame") }),
        password_cost: PasswordCost::Lab,
        cookie: Cookie::default(),
        session_ttl_ms: 60_000,
        absolute_timeout_ms: 3_600_000,
        user_data_ttl_ms: 3_600_000,
        capacity: Capacity::default(),
        jobs: Jobs::default(),
        boot_ms: 0,
        drain_ms: 0,
        exit_on_stdin_eof: false,
        defect: None,
    }
}
