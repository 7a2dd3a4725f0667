//! Runs in a simulated world: by scripts that interleave processes and crashes, and driven to the end.

mod deletion;
mod driven;
mod guards;
mod properties;
mod remote;
mod scripts;
mod simulation;
mod waiting;
