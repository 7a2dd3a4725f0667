//! Which of several replicas reconciles: the one that holds a Lease.
//!
//! Only an optimisation, so that replicas do not do the same work and refuse each other's writes. Safety
//! rests on compare-and-swap, tokens and fences, never on being alone: a holder whose lease was taken
//! over may still have writes on their way.

mod decide;
mod leadership;
mod lease;

pub(super) use leadership::Leadership;
pub use leadership::LeaseSettings;
