use super::exit::Exit;
use crate::lab::{RelayOptions, run_relay};
use anyhow::Context as _;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

#[derive(Debug, clap::Args)]
pub struct RelayArgs {
    #[arg(long)]
    pub listen: SocketAddr,
    #[arg(long)]
    pub to: SocketAddr,
    /// Connections from this address are delayed.
    #[arg(long)]
    pub slow_from: IpAddr,
    #[arg(long)]
    pub delay_ms: u64,
}

/// The network of one of the lab's store nodes, started by the lab alone; runs until it is killed.
///
/// # Errors
/// The address is taken.
pub fn run(args: &RelayArgs) -> anyhow::Result<Exit> {
    let options = RelayOptions {
        listen: args.listen,
        to: args.to,
        slow_from: args.slow_from,
        delay: Duration::from_millis(args.delay_ms),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run_relay(options)).with_context(|| format!("the relay at {}", args.listen))?;
    Ok(Exit::Pass)
}
