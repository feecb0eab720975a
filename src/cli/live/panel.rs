//! The live panel, in the last lines of the terminal; events scroll by above it.

use super::screen::Screen;
use super::tally::Tally;
use super::wording;
use crate::plan::Model;
use crate::report::printable;
use crate::run::Begins;
use ratatui::backend::Backend as _;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Gauge, Paragraph};
use ratatui::{Frame, Terminal, TerminalOptions, Viewport};
use std::io;

const INSTANCE_LINES: u16 = 8;
const LINES: u16 = 6 + INSTANCE_LINES;

pub struct Panel {
    terminal: Terminal<Screen>,
}

impl Panel {
    /// # Errors
    /// There is no terminal, or it has no size, as a bare pty: drawing on that would never end.
    pub fn open() -> io::Result<Panel> {
        let backend = Screen::open()?;
        let size = backend.size()?;
        if size.width == 0 || size.height == 0 {
            return Err(io::Error::other("the terminal has no size"));
        }
        let options = TerminalOptions { viewport: Viewport::Inline(LINES) };
        Ok(Panel { terminal: Terminal::with_options(backend, options)? })
    }

    /// A line above the panel, for good.
    pub fn say(&mut self, text: &str) -> io::Result<()> {
        self.terminal.insert_before(1, |buffer| {
            buffer.set_string(0, 0, text, Style::default());
        })
    }

    pub fn draw(&mut self, begins: &Begins, tally: &Tally) -> io::Result<()> {
        self.terminal.draw(|frame| draw(frame, begins, tally)).map(drop)
    }

    /// Takes the panel off the screen; what was said above it stays.
    pub fn close(mut self) -> io::Result<()> {
        let top = self.terminal.get_frame().area().as_position();
        self.terminal.clear()?;
        self.terminal.backend_mut().set_cursor_position(top)?;
        self.terminal.show_cursor()
    }
}

fn draw(frame: &mut Frame<'_>, begins: &Begins, tally: &Tally) {
    let area = frame.area();
    let [time, load, response, sessions, _, instances] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(INSTANCE_LINES),
    ])
    .areas(area);
    draw_time(frame, time, begins);
    frame.render_widget(Paragraph::new(load_line(begins, tally)), load);
    frame.render_widget(Paragraph::new(response_line(tally)), response);
    frame.render_widget(Paragraph::new(session_line(tally)), sessions);
    frame.render_widget(Paragraph::new(instance_lines(begins, tally, area.width)), instances);
}

fn draw_time(frame: &mut Frame<'_>, area: Rect, begins: &Begins) {
    let now = begins.clock.now().as_secs_f64();
    let total = begins.plan.workload.curve.duration().as_secs_f64();
    let label = match total - now {
        left if left >= 0.0 => format!(
            "{}  {} of {}, {} left",
            begins.plan.name,
            wording::clock(now),
            wording::clock(total),
            wording::clock(left)
        ),
        _ => format!("{}  last sessions are finishing", begins.plan.name),
    };
    let ratio = (now / total).clamp(0.0, 1.0);
    let gauge =
        Gauge::default().ratio(ratio).label(label).gauge_style(Style::new().fg(Color::Blue).bg(Color::DarkGray));
    frame.render_widget(gauge, area);
}

fn load_line(begins: &Begins, tally: &Tally) -> Line<'static> {
    let now = begins.clock.now().as_secs_f64();
    let offered = begins.plan.workload.curve.value_at(now);
    let offered = match begins.plan.workload.model {
        Model::Sessions => format!("{offered:.1} sessions/s"),
        Model::Arrivals => format!("{offered:.1} requests/s"),
        Model::Users => format!("{offered:.0} users"),
    };
    let gauges = &tally.sample.generator;
    let owed = Span::raw(format!("   owed {}", gauges.arrivals_owed));
    Line::from(vec![
        Span::raw(format!(
            "offered {offered}   achieved {} requests/s   in flight {} sessions",
            tally.rate(),
            gauges.sessions_in_flight
        )),
        if gauges.arrivals_owed > 0 { owed.yellow() } else { owed },
    ])
}

fn response_line(tally: &Tally) -> Line<'static> {
    let time = tally.response_time();
    Line::raw(format!(
        "response time (last 10 s)   p50 {}   p90 {}   p99 {}   max {}",
        wording::milliseconds(time.p50),
        wording::milliseconds(time.p90),
        wording::milliseconds(time.p99),
        wording::milliseconds(time.max)
    ))
}

fn session_line(tally: &Tally) -> Line<'static> {
    let counted = |what: &str, count: u64| {
        let span = Span::raw(format!("{what} {count}   "));
        if count > 0 { span.red() } else { span }
    };
    Line::from(vec![
        counted("re-logins", tally.relogins),
        counted("wrong user", tally.wrong_user),
        counted("state missing", tally.state_missing),
        counted("failed requests", tally.failed),
    ])
}

fn instance_lines(begins: &Begins, tally: &Tally, width: u16) -> Vec<Line<'static>> {
    let widest = f64::from(width.saturating_sub(30).min(60));
    let mut shares: Vec<_> =
        tally.shares().into_iter().map(|(id, share)| (printable(&begins.names.name(id)), share)).collect();
    shares.sort_by(|(a, _), (b, _)| a.cmp(b));
    shares
        .into_iter()
        .take(usize::from(INSTANCE_LINES))
        .map(|(name, share)| {
            let bar = "█".repeat((share * widest).round() as usize);
            Line::from(vec![Span::raw(format!("{name:<20.20} {:>4.0} % ", share * 100.0)), bar.cyan()])
        })
        .collect()
}
