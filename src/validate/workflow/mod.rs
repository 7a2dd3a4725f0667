//! A workflow and a run of it: its graph, conditions and references, and each step with its definition and config.
//!
//! References and conditions are parsed here and evaluated in `plan`, over what steps came to: both are pure.

mod check;
mod condition;
mod graph;
mod kinds;
mod nested;
mod promised;
mod races;
mod reference_parser;
mod references;
mod run;
mod scope;
mod stated;
mod steps;
mod uses;

pub use check::validate_workflow;
pub use condition::Condition;
pub use graph::order;
pub use nested::{DEEPEST, Nested};
pub use references::{Unresolved, UnresolvedKind, references_in, resolve};
pub use run::{Group, ValidWorkflow, effective_spec, step_run, validate_workflow_run};
pub use scope::{Path, Root, Scope, StepField, StepOutcome};
pub use steps::{is_by_item, nodes};
