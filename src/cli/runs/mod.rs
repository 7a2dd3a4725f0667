//! Runs as the verbs handle them: driven here or followed on a cluster, and changed by a person.

mod edit;
mod engines;
mod follow;

pub(crate) use edit::{Change, answer, change};
pub(crate) use engines::{KINDS, probe, run_context};
pub(crate) use follow::{Followed, follow};
