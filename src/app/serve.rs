use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::ListenerExt;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

use super::config::AppConfig;
use super::defect::Defect;
use super::error::AppError;
use super::health::watch_store;
use super::jobs::Worker;
use super::lifecycle::Lifecycle;
use super::router::router;
use super::state::Instance;

/// After it has stopped accepting, an instance waits this long for the requests and jobs it has.
const LAST_REQUESTS: Duration = Duration::from_secs(5);

/// Runs one instance until it is told to end.
///
/// Prints one line on standard output once it listens, `{"listening":"127.0.0.1:PORT"}`.
/// SIGTERM and SIGINT drain it: it reports itself unready, goes on for `drain_ms`, stops accepting, answers what it
/// has (within 5 s), hands its jobs back and returns. A second signal ends it at once, as does the end of standard input
/// with `exit_on_stdin_eof`. Sleeping workers and store hiccups are no errors; see [`AppError`] for what is.
///
/// # Errors
/// When it cannot start: bad configuration, unusable certificate authority, taken port.
pub async fn serve(config: AppConfig) -> Result<(), AppError> {
    let lifecycle = Lifecycle::start(Duration::from_millis(config.boot_ms));
    config.check()?;
    lifecycle.obey_signals().map_err(AppError::Signals)?;
    if config.exit_on_stdin_eof {
        lifecycle.end_with_stdin();
    }
    let address = SocketAddr::new(config.listen, config.port);
    let refused = |source| AppError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(refused)?;
    announce(listener.local_addr().map_err(refused)?).map_err(AppError::Announce)?;
    serve_on(listener, &config, lifecycle).await
}

/// Not an error message nor a log: how whoever started the process learns the port.
fn announce(address: SocketAddr) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{}", json!({ "listening": address.to_string() }))?;
    stdout.flush()
}

/// [`serve`] on a listener that is there already, ended by `lifecycle` alone.
///
/// # Errors
/// As [`serve`].
pub(super) async fn serve_on(listener: TcpListener, config: &AppConfig, lifecycle: Lifecycle) -> Result<(), AppError> {
    // One TLS provider for the process; when someone has chosen already, theirs will do.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let app = Arc::new(Instance::new(config, lifecycle.clone()).await?);
    let jobs = tokio::spawn(Worker::new(app.clone(), &config.jobs).run());
    let watching = tokio::spawn(watch_store(app.clone()));
    let drain = Duration::from_millis(config.drain_ms);

    // Answers are written whole; Nagle's algorithm would only hold them back.
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    let stops_accepting = {
        let lifecycle = lifecycle.clone();
        async move {
            lifecycle.draining().await;
            sleep(drain).await;
        }
    };
    let server = axum::serve(listener, router(app)).with_graceful_shutdown(stops_accepting);
    let too_late = async {
        lifecycle.draining().await;
        sleep(drain + LAST_REQUESTS).await;
    };
    tokio::select! {
        served = server => served.map_err(AppError::Http)?,
        () = too_late => log::warn!("ending with requests unanswered after {LAST_REQUESTS:?}"),
        () = lifecycle.ending() => return Ok(()),
        () = lifecycle.draining(), if config.defect == Some(Defect::DrainIgnored) => return Ok(()),
    }
    watching.abort();
    // The worker has been draining as well; a job that it cannot hand back is taken over when its lease ends.
    tokio::select! {
        handed_back = timeout(LAST_REQUESTS, jobs) => {
            if handed_back.is_err() {
                log::warn!("ending with jobs not handed back");
            }
        }
        () = lifecycle.ending() => {}
    }
    Ok(())
}
