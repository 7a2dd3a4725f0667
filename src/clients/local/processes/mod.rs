//! The processes that work on jobs: one process for one job, started for it or before it.
//!
//! A process of its own has a bound on its memory that the system enforces, and takes no other process along
//! when it ends. Whether it works is read off its job's lock; here it is only started and waited for.

mod begin;
mod process;
mod supervise;
mod warm;

pub use begin::WorkerProcesses;
pub(super) use begin::attend;
pub use process::WorkerCommand;
pub(super) use process::be_told_keys;
pub use supervise::supervise;
pub use warm::WarmWorkers;
pub(super) use warm::be_told;
