//! What people and tools read. Returns text, prints nothing.

mod terminal;

pub use terminal::{Style, json, terminal};
