//! What people and tools read. Returns text, prints nothing.

mod json;
mod sections;
mod terminal;
mod text;

pub use json::json;
pub use terminal::terminal;
pub use text::Style;

#[cfg(test)]
mod tests;
