mod program;
mod server;

pub use program::{Ended, Running, run, run_with, start};
pub use server::{Reply, Request, Server};
