//! The reference application: a small shop that keeps nothing in its own memory that a user would miss.
//!
//! Any instance answers any request of any user, because what a user owns lives in the store: the session, the
//! cart, the preferences, running jobs. An instance may appear, drain or die at any time. It is meant to be read
//! and copied; [`Defect`](crate::app::Defect) names the ways in which it can be told to be wrong, so that tools that
//! look for such faults can be shown to find them.
//!
//! ```text
//! request ─> stamp ─> gate ─> session ─> identify ─> handler ─> store
//!            X-Instance       (tower-sessions)  who asks      (Redis, DynamoDB)
//!                     │
//!                     └ readiness, workers, queue, service time: gives the instance a capacity
//! ```

mod capacity;
mod cart;
mod catalogue;
mod config;
mod csrf;
mod defect;
mod error;
mod gate;
mod health;
mod html;
mod input;
mod jobs;
mod lifecycle;
mod login;
mod me;
mod password;
mod preferences;
mod problem;
mod router;
mod serve;
mod session;
mod stamp;
mod state;
mod store;
#[cfg(test)]
mod tests;

pub use config::{
    AppConfig, Capacity, Cookie, Credentials, Dynamodb, Generated, Jobs, PasswordCost, Reads, Secret, Sentinels,
    ServiceTime, StoreConfig, StoreLocation, Tls, Users, WarmUp,
};
pub use defect::Defect;
pub use error::AppError;
pub use serve::serve;
