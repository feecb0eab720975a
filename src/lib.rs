//! Load testing and autoscaling benchmarks for stateless, session-heavy applications.
//!
//! ```text
//! profile ──> plan ──> run ──┬─ fleet / lab: watch and change it ──── events ────────┐
//! (TOML)   (resolved)        ├─ load (goose users, hyper connections) ─ observations ┤
//!                            └─ store probe ────────────────────────── samples ──────┤
//!                                                                                    v
//!  exit code <── verdict, compare <── analysis + session oracle (pure) <─────── record
//!                       └──> report
//! ```
//!
//! `load` and `fleet` only observe and act. Everything after `record` is a pure function of what is
//! on disk, so a run can be judged again without running it again.

/// Response time, scale-out stages, balance: pure functions of a recorded run.
pub mod analysis;
/// The reference stateless application that the lab runs and anyone can deploy.
pub mod app;
/// A deployment against known good practice, check by check.
pub mod audit;
/// One file a command; the only place that prints.
pub mod cli;
/// Two runs, or a series of them, to what changed: pure.
pub mod compare;
/// The fleet as a thing that can be watched and changed.
pub mod fleet;
/// What was seen: observations, events, ids, the run's clock. No I/O.
pub mod history;
/// The fleet on this machine: HAProxy, Redis, application instances, autoscaler.
pub mod lab;
/// Users, pacing, connections, cookies, per-session ledger: sends and records, never judges.
pub mod load;
/// The profile validated and resolved: immutable.
pub mod plan;
/// What the user wrote: TOML to file structs, with errors that point at the line.
pub mod profile;
/// A run's results to where dashboards and alarms are.
pub mod publish;
/// The run directory: layout, manifest, writers, readers.
pub mod record;
/// Bytes people and tools read: terminal text.
pub mod report;
/// The conductor: phases, timeline, tear-down on every path out.
pub mod run;
/// The session oracle: pure.
pub mod session;
/// The probe of the session store: what it does during a run, seen by a client of its own.
pub mod store;
/// Objectives, validity and session fates to a verdict: pure.
pub mod verdict;
