pub mod app;
pub mod guard;
pub mod lab;
