use crate::report::text::printable;
use maud::{Markup, html};

/// A column: its head, and whether figures stand in it.
#[derive(Clone, Copy)]
pub(super) enum Column<'a> {
    Text(&'a str),
    Figure(&'a str),
}

impl Column<'_> {
    fn name(&self) -> &str {
        let (Column::Text(name) | Column::Figure(name)) = self;
        name
    }

    fn class(&self) -> Option<&'static str> {
        matches!(self, Column::Figure(_)).then_some("figure")
    }
}

/// A table with a caption, in a box of its own that scrolls where the screen is narrow. The first cell of a row is its
/// head.
pub(super) fn table(caption: &str, columns: &[Column], rows: &[Vec<Markup>]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(caption) {
            table {
                caption { (caption) }
                thead { tr { @for column in columns {
                    th scope="col" class=[column.class()] { (text(column.name())) }
                } } }
                tbody { @for row in rows {
                    tr { @for (index, (cell, column)) in row.iter().zip(columns).enumerate() {
                        @if index == 0 { th scope="row" class=[column.class()] { (cell) } }
                        @else { td class=[column.class()] { (cell) } }
                    } }
                } }
            }
        }
    }
}

/// Names and what is known by them.
pub(super) fn facts(list: &[(&str, String)]) -> Markup {
    html! {
        dl.facts { @for (name, value) in list {
            div { dt { (name) } dd { (text(value)) } }
        } }
    }
}

/// Text from anywhere: what would act on the page, or mislead about its direction, is shown and not obeyed.
pub(super) fn text(text: &str) -> Markup {
    html! { (printable(text)) }
}

/// A heading with an address, and what is under it.
pub(super) fn section(id: &str, heading: &str, body: Markup) -> Markup {
    html! {
        section id=(id) aria-labelledby={ (id) "-heading" } {
            h2 id={ (id) "-heading" } { (heading) }
            (body)
        }
    }
}

/// A word on how something ended, marked by colour and by a sign.
pub(super) fn mark(tone: Tone, word: &str) -> Markup {
    let (class, sign) = match tone {
        Tone::Good => ("good", "✓"),
        Tone::Bad => ("bad", "✗"),
        Tone::Doubtful => ("doubtful", "?"),
    };
    html! { span.mark.(class) { span aria-hidden="true" { (sign) " " } (word) } }
}

#[derive(Clone, Copy)]
pub(super) enum Tone {
    Good,
    Bad,
    Doubtful,
}
