//! The loop that all controllers share: a watch, a queue of objects, bounded passes, back-off, and what a
//! pass leaves behind.
//!
//! A controller implements [`Reconcile`]; [`run`] watches its kind, makes the passes, and requeues each
//! object when its [`Action`] says so. Knows no kind: what a pass does is the controller's.

mod backoff;
mod error;
mod reconcile;
mod requeue;
mod status;
mod unreadable;
mod watch;

pub(super) use error::Error;
pub(super) use reconcile::{Cache, Neighbours, Pass, Reconcile, Wakes};
pub(super) use requeue::Action;
pub(super) use status::store_status;
pub(super) use watch::{is_expired, run};
