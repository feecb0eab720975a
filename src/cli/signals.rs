use crate::run::{Stop, StopSignal};
use anyhow::Context as _;
use ratatui::crossterm::{cursor, execute};
use std::io::{self, IsTerminal as _};
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::watch;

/// The first Ctrl-C (or SIGTERM) asks the run to end cleanly; the second ends the process at once, and whoever
/// watches over the lab takes it down. Ours must be installed before goose's, which would only end the load.
pub fn stop_signal() -> anyhow::Result<StopSignal> {
    let (ask, stop) = watch::channel(Stop::No);
    let asked = AtomicBool::new(false);
    ctrlc::set_handler(move || {
        if asked.swap(true, Ordering::SeqCst) {
            show_cursor();
            std::process::exit(i32::from(super::exit::Exit::Interrupted.code()));
        }
        ask.send_replace(Stop::Asked);
    })
    .context("signals could not be listened for")?;
    Ok(stop)
}

/// The live panel hides the cursor, and a shell does not show it again by itself.
fn show_cursor() {
    let mut terminal = io::stderr();
    if terminal.is_terminal() {
        // The terminal may have gone meanwhile; so has the cursor then.
        let _ = execute!(terminal, cursor::Show);
    }
}
