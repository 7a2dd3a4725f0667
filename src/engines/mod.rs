//! What can be asked of a role, and the models that cross that boundary.
//!
//! Three roles: a *metastore* knows databases and tables, *storage* keeps files, *execution* runs
//! jobs. A client implements the traits of the roles it fills; what it cannot do is data
//! ([`capability::ClientDescription`]) that `validate` reads, not methods that fail. May import
//! `api` only.

pub mod bad_rows;
pub mod capability;
mod column_type;
pub mod counted;
pub mod error;
pub mod execution;
pub mod files;
pub mod job;
pub mod job_spec;
pub mod metastore;
pub mod nearest;
pub mod nesting;
pub mod reading;
pub mod reading_parameters;
pub mod result;
pub mod schema;
pub mod storage;
pub mod table;
pub mod type_words;
pub mod workers;

use std::sync::Arc;

pub use error::{EngineError, ErrorKind, Retry};
pub use execution::Execution;
pub use metastore::Metastore;
pub use storage::Storage;

/// The one client of each role that matching picked for a run.
#[derive(Clone)]
pub struct Engines {
    /// Knows databases and tables.
    pub metastore: Arc<dyn Metastore>,
    /// Keeps files.
    pub storage: Arc<dyn Storage>,
    /// Runs jobs.
    pub execution: Arc<dyn Execution>,
}
