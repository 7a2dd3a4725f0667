//! Runs as the verbs handle them: driven here or followed on a cluster, and changed by a person.

mod edit;
mod engines;
mod follow;
mod follow_workflow;
mod schedules;
mod store;

pub(crate) use edit::{Change, answer, change};
pub(crate) use engines::{KINDS, probe, run_context};
pub(crate) use follow::{Followed, follow};
pub(crate) use follow_workflow::follow_workflow;
pub(crate) use schedules::keep_schedules;
pub(crate) use store::{leave_name_free, say_created, store_run};
