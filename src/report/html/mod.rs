//! `report.html`: one file that loads nothing, led by the verdict. Templates are [maud]'s, which escapes all text.

mod baseline;
mod charts;
mod lead;
mod page;
mod sessions;
mod setup;
mod stages;
mod table;
mod times;

pub use page::html;
