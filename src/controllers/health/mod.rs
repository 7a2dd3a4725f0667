//! `/healthz`, `/readyz` and `/metrics`, on a thread and runtime of their own: no work of the controller
//! can starve them. The watchdog looks from there as well.

mod gate;
mod server;
#[cfg(test)]
mod tests;
mod watchdog;

pub(super) use gate::Gate;
pub(super) use server::{Health, ServeError, Serving};
