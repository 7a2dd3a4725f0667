//! The verbs, one file each.

mod apply;
mod cancel;
mod completions;
mod controller;
mod crds;
mod delete;
mod describe;
mod doctor;
mod explain;
mod generate;
mod get;
mod init;
mod logs;
mod resume;
mod retry;
mod run;
mod suspend;
mod validate;

pub(crate) use apply::apply;
pub(crate) use cancel::cancel;
pub(crate) use completions::completions;
pub(crate) use controller::controller;
pub(crate) use crds::crds;
pub(crate) use delete::delete;
pub(crate) use describe::describe;
pub(crate) use doctor::doctor;
pub(crate) use explain::explain;
pub(crate) use generate::generate;
pub(crate) use get::get;
pub(crate) use init::init;
pub(crate) use logs::logs;
pub(crate) use resume::{needs_driving, resume};
pub(crate) use retry::retry;
pub(crate) use run::run;
pub(crate) use suspend::suspend;
pub(crate) use validate::validate;
