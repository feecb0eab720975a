use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use thiserror::Error;

/// Why an instance could not start or go on. A store that does not answer is none of these: the instance starts,
/// reports itself unready and tries again.
#[derive(Debug, Error)]
pub enum AppError {
    /// The configuration is not what it should be.
    #[error("cannot read the application's configuration: {0}; see AppConfig for the fields")]
    ConfigSyntax(#[source] serde_json::Error),
    /// A value makes no sense.
    #[error("the application's configuration has {field} = {found}; wanted: {wanted}")]
    ConfigValue {
        /// Where it is.
        field: &'static str,
        /// What it says.
        found: String,
        /// What it may say.
        wanted: &'static str,
    },
    /// The authority's certificate cannot be used.
    #[error("cannot use {} as the store's certificate authority: {reason}; give a readable PEM file", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// TLS to the store cannot be had.
    #[error("cannot use TLS to the store: {0}; give its certificate authority as a PEM file")]
    Tls(#[source] rustls::Error),
    /// The program was built without the feature `aws`.
    #[error("the store is to be DynamoDB, which this build knows nothing of; build it with `--features aws`")]
    WithoutDynamodb,
    /// The port is taken or not allowed, or the address is not this machine's.
    #[error("cannot listen on {address}: {source}; choose another port, or 0 for a free one")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The address could not be told to whoever started the process.
    #[error("cannot announce the address on standard output: {0}; keep its reader alive until the line has come")]
    Announce(#[source] io::Error),
    /// The signals cannot be heard.
    #[error("cannot listen for signals: {0}")]
    Signals(#[source] io::Error),
    /// Hashing failed.
    #[error("cannot hash the users' password: {0}")]
    PasswordHash(String),
    /// The server stopped by itself.
    #[error("the http server failed: {0}")]
    Http(#[source] io::Error),
}
