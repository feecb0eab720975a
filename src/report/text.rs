use anstyle::{AnsiColor, Style as Ansi};
use std::fmt::Write as _;

/// Whether to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Plain,
    Coloured,
}

/// How a piece of text is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Heading,
    Good,
    Bad,
    Doubtful,
    Faint,
}

/// Text of a width, put together line by line.
pub(super) struct Page {
    text: String,
    width: usize,
    style: Style,
}

impl Page {
    pub(super) fn new(width: usize, style: Style) -> Page {
        Page { text: String::new(), width: width.clamp(40, 100), style }
    }

    pub(super) fn finish(self) -> String {
        self.text
    }

    pub(super) fn heading(&mut self, text: &str) {
        self.line(Some(Tone::Heading), text);
    }

    /// A line as it is, cut at the width.
    pub(super) fn line(&mut self, tone: Option<Tone>, text: &str) {
        let text = cut(text.trim_end(), self.width);
        let tone = tone.filter(|_| self.style == Style::Coloured);
        match tone.map(ansi) {
            Some(ansi) => writeln!(self.text, "{ansi}{text}{ansi:#}"),
            None => writeln!(self.text, "{text}"),
        }
        .expect("a String takes all text");
    }

    /// A paragraph behind a mark, broken at the width; what follows the first line is indented as far as the text.
    pub(super) fn paragraph(&mut self, tone: Option<Tone>, mark: &str, text: &str) {
        let indent = mark.chars().count();
        let room = self.width - indent;
        let mut line = String::new();
        let mut first = true;
        let flush = |page: &mut Page, line: &mut String, first: &mut bool| {
            let lead = if *first { mark.to_owned() } else { " ".repeat(indent) };
            page.line(tone, &format!("{lead}{line}"));
            line.clear();
            *first = false;
        };
        for word in text.split_whitespace() {
            let with_word = line.chars().count() + 1 + word.chars().count();
            if !line.is_empty() && with_word > room {
                flush(self, &mut line, &mut first);
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        flush(self, &mut line, &mut first);
    }

    /// Text that is laid out already.
    pub(super) fn block(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Columns as wide as their widest cell, the first left and the others right aligned. The first row is the head.
    pub(super) fn table(&mut self, rows: &[Vec<String>]) {
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for (index, row) in rows.iter().enumerate() {
            let mut line = String::from(" ");
            for (column, cell) in row.iter().enumerate() {
                let width = widths[column];
                let padded = if column == 0 { format!(" {cell:<width$}") } else { format!("  {cell:>width$}") };
                line.push_str(&padded);
            }
            self.line((index == 0).then_some(Tone::Faint), &line);
        }
    }
}

fn ansi(tone: Tone) -> Ansi {
    match tone {
        Tone::Heading => Ansi::new().bold(),
        Tone::Good => AnsiColor::Green.on_default().bold(),
        Tone::Bad => AnsiColor::Red.on_default().bold(),
        Tone::Doubtful => AnsiColor::Yellow.on_default().bold(),
        Tone::Faint => Ansi::new().dimmed(),
    }
}

fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width - 1).chain(['…']).collect()
}

/// What came from a response, made safe to show: a terminal must not obey it, nor be misled about its direction.
pub fn printable(text: &str) -> String {
    let misleading = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let shown = |c: char| if misleading(c) { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(shown).collect()
}

/// The same, for a table's cell.
pub(super) fn cell(text: &str) -> String {
    cut(&printable(text), 24)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_escaped() {
        assert_eq!(printable("a\u{1b}[31mb\r\u{202e}é"), "a\\u{1b}[31mb\\r\\u{202e}é");
    }

    #[test]
    fn paragraphs_are_broken_at_the_width() {
        let mut page = Page::new(40, Style::Plain);
        page.paragraph(None, "  · ", &"word ".repeat(12));
        let text = page.finish();
        assert!(text.lines().all(|line| line.chars().count() <= 40), "{text}");
        assert!(text.lines().nth(1).is_some_and(|line| line.starts_with("    word")), "{text}");
    }

    #[test]
    fn colours_only_where_asked_for() {
        let mut page = Page::new(80, Style::Coloured);
        page.line(Some(Tone::Bad), "lost");
        assert_eq!(page.finish(), "\u{1b}[1m\u{1b}[31mlost\u{1b}[0m\n");
    }
}
