//! How a deployment is set up, as AWS tells it: what an audit judges. Nothing is judged here.

mod cache;
mod model;
mod read;
mod table;

pub use cache::{CacheSetup, Encryption, UserSetup};
pub use model::{AlarmSetup, BalancerSetup, GroupSetup, ListenerSetup, PolicySetup, Setup, TargetGroupSetup, Told};
#[cfg(test)]
pub(super) use read::setup_of;
pub use read::{read_setup, setup_calls};
pub use table::TableSetup;
