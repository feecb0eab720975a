//! The session oracle: what each response says about its session, what became of the sessions that were there when
//! the fleet changed, and what the losses have in common. A pure function of a run's rows and events, fed one row at a
//! time; what it keeps grows with the sessions alive, not with the requests.

mod adoption;
mod answer_seconds;
mod causes;
mod cohort;
mod failovers;
mod findings;
mod finish;
mod gone;
mod ledger;
mod live;
mod losses;
mod oracle;
mod restore;
mod symptoms;

pub use adoption::Brought;
pub use findings::*;
pub use oracle::Oracle;

#[cfg(test)]
mod tests;
