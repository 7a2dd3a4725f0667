//! What can be asked of a role, and the models that cross that boundary.
//!
//! The roles: a *metastore* knows databases and tables, *storage* keeps files, *execution* runs jobs, a
//! *scheduler* starts work at set times. A client implements the traits of the roles it fills; what it cannot do is
//! data ([`capability::ClientDescription`]) that `validate` reads, not methods that fail. May import `api` only.

pub mod answer;
pub mod bad_rows;
pub mod bindings;
pub mod by_role;
pub mod capability;
mod column_type;
pub mod counted;
pub mod error;
pub mod execution;
pub mod files;
pub mod job;
pub mod job_spec;
pub mod lookup;
pub mod metastore;
pub mod nearest;
pub mod nesting;
pub mod partitions;
pub mod planner;
pub mod reading;
pub mod reading_parameters;
pub mod request;
pub mod result;
pub mod schema;
pub mod storage;
pub mod table;
pub mod table_use;
pub mod type_words;
pub mod workers;
pub mod writing_parameters;

pub use by_role::{ByRole, Engines, Role};
pub use error::{EngineError, ErrorKind, Retry};
pub use execution::Execution;
pub use lookup::Lookup;
pub use metastore::Metastore;
pub use storage::Storage;
