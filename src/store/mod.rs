//! Where resources are kept: a cluster, or a folder of files on a machine without one.
//!
//! May import `api` and `metrics` only.

mod attachments;
pub mod directory;
mod error;
pub mod kubernetes;
pub mod library;
mod resource_store;

pub use attachments::{Attached, Attachments};
pub use error::StoreError;
pub use resource_store::{Applied, Document, Store};

pub use crate::api::resource::{Key, Kind, Resource};
