//! `mason get`: lists resources, or shows those named.

mod list;
mod resource_watch;
mod watch;

pub(crate) use list::get;
pub(super) use list::{one, print_documents};
