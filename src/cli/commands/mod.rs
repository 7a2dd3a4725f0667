//! The verbs, one file each.

mod apply;
mod cancel;
mod completions;
mod controller;
mod crds;
mod delete;
mod describe;
mod exec;
mod explain;
mod generate;
mod get;
mod init;
mod resume;
mod run;
mod supervise;
mod validate;

pub(crate) use apply::apply;
pub(crate) use cancel::cancel;
pub(crate) use completions::completions;
pub(crate) use controller::controller;
pub(crate) use crds::crds;
pub(crate) use delete::delete;
pub(crate) use describe::describe;
pub(crate) use exec::exec;
pub(crate) use explain::explain;
pub(crate) use generate::generate;
pub(crate) use get::get;
pub(crate) use init::init;
pub(crate) use resume::resume;
pub(crate) use run::run;
pub(crate) use supervise::supervise;
pub(crate) use validate::validate;
