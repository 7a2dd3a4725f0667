//! The readiness of configs, definitions and workflows: the conditions of their status. Pure.
//!
//! It is the same for every door: the command line stores it when a resource is applied, a controller
//! keeps it up to date. Runs have conditions of their own. May import `api`, `engines` and `validate`.

mod conditions;
mod config;
mod definition;
#[cfg(test)]
mod tests;
mod workflow;

use conditions::{Readiness, set_readiness};
pub use config::{ClientProbe, config_readiness};
pub use definition::{Usability, definition_readiness};
pub use workflow::workflow_readiness;
