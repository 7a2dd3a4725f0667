//! Runs in a simulated world: by scripts that interleave processes and crashes, and driven to the end.

mod deletion;
pub(super) mod driven;
mod guards;
mod properties;
mod remote;
mod scripts;
mod simulation;
mod waiting;
