use ratatui::backend::{Backend, ClearType, CrosstermBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};
use std::io::{self, Stderr};

/// The terminal behind standard error, whose cursor is asked for once and then remembered. The question goes out
/// through standard output, which is turned away while there is load.
pub struct Screen {
    terminal: CrosstermBackend<Stderr>,
    cursor: Position,
}

impl Screen {
    pub fn open() -> io::Result<Screen> {
        let mut terminal = CrosstermBackend::new(io::stderr());
        let cursor = terminal.get_cursor_position()?;
        Ok(Screen { terminal, cursor })
    }
}

impl Backend for Screen {
    type Error = io::Error;

    fn draw<'a, I: Iterator<Item = (u16, u16, &'a Cell)>>(&mut self, content: I) -> io::Result<()> {
        self.terminal.draw(content)
    }

    fn append_lines(&mut self, lines: u16) -> io::Result<()> {
        let last = self.size()?.height.saturating_sub(1);
        self.cursor = Position { x: 0, y: self.cursor.y.saturating_add(lines).min(last) };
        self.terminal.append_lines(lines)
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        self.terminal.hide_cursor()
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        self.terminal.show_cursor()
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(self.cursor)
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        self.cursor = position.into();
        self.terminal.set_cursor_position(self.cursor)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.terminal.clear()
    }

    fn clear_region(&mut self, region: ClearType) -> io::Result<()> {
        self.terminal.clear_region(region)
    }

    fn size(&self) -> io::Result<Size> {
        self.terminal.size()
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        self.terminal.window_size()
    }

    fn flush(&mut self) -> io::Result<()> {
        Backend::flush(&mut self.terminal)
    }
}
