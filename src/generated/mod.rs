//! The makers of committed files: CRDs, dashboards, alerts, and the reference pages of the docs.
//!
//! Each file follows from the types, tables and definitions of this program, so that it cannot say
//! anything else than the program does. [`write`] writes them all, and a test fails when one is stale.
//! Nothing here takes part in the work of a run; only the command line imports it.

mod error;
mod files;
mod monitoring;
mod operators_page;
mod resources_page;
mod write;

pub use error::GenerateError;
pub use write::write;
