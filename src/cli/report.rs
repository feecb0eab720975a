use super::exit::Exit;
use super::github;
use super::judge::{Judged, judge};
use crate::report::{Style, summary_json, terminal};
use clap::Args;
use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;

#[derive(Args)]
pub struct ReportArgs {
    /// A run directory, or one that holds `latest`, such as results/quickstart.
    pub run: PathBuf,
    /// Print the summary as one JSON object instead of text.
    #[arg(long)]
    pub json: bool,
    /// Write the charts as PNG, too, beside the SVG.
    #[cfg(feature = "png")]
    #[arg(long)]
    pub png: bool,
}

pub fn run(args: &ReportArgs) -> anyhow::Result<Exit> {
    let judged = judge(&args.run)?;
    #[cfg(feature = "png")]
    if args.png {
        write_png(&judged)?;
    }
    print(&judged, args.json)?;
    Ok(Exit::Verdict(judged.verdict.exit_code))
}

/// Prints a judged run's summary on standard output.
pub fn print(judged: &Judged, as_json: bool) -> anyhow::Result<()> {
    for what in &judged.trouble {
        eprintln!("warning: {what}");
    }
    let subject = judged.subject();
    if let Err(error) = github::append_summary(&subject) {
        eprintln!("warning: {error:#}");
    }
    let text = if as_json {
        summary_json(&subject)
    } else {
        let text = terminal(&subject, WIDTH, style());
        github::log(&subject, &text).unwrap_or(text)
    };
    print_text(&text)
}

/// How text for standard output is to look.
pub fn style() -> Style {
    let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    if colour { Style::Coloured } else { Style::Plain }
}

/// Prints on standard output.
pub fn print_text(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    // A reader that closed the pipe has seen what it wanted.
    match writeln!(out, "{}", text.trim_end()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

#[cfg(feature = "png")]
fn write_png(judged: &Judged) -> anyhow::Result<()> {
    let Some(painter) = crate::report::Painter::new() else {
        anyhow::bail!("no font was found to write the charts' words with; install one, such as DejaVu Sans");
    };
    for chart in crate::report::charts(&judged.subject()) {
        let path = judged.run.directory.path().join(format!("charts/{}.png", chart.name));
        crate::record::write_whole(&path, &painter.png(&chart))?;
    }
    Ok(())
}

/// Columns of the summary.
pub const WIDTH: usize = 100;
