//! From what a person wrote to values that hold no more surprises, or *all* problems at once.
//!
//! Everything here is pure: no client, no clock, no environment. Documents are checked as values
//! against the generated schema, then by the schema's own rules; a run is checked together with its
//! definition, its config and what actions and clients there are. May import `api`, `engines` and `sql`.

mod action;
mod config_reference;
mod digest;
mod document;
mod mason_config;
mod matching;
mod one_lake;
mod operator_definition;
mod operator_run;
mod parameter;
mod problem;
mod result;
mod rules;
mod schedule;
mod valid_run;
mod workflow;

pub use config_reference::config_namespace;
pub use digest::{digest, digest_of, workflow_digest};
pub use document::{Origin, check, read_bytes, read_documents, read_with_origins};
pub use mason_config::validate_config;
pub use operator_definition::validate_definition;
pub use operator_run::validate;
pub use parameter::PARAMETER_BYTES;
pub use problem::{Problem, Problems, did_you_mean};
pub use result::result_problem;
pub use rules::{Maxima, Rules};
pub use schedule::{Schedule, Times, ValidSchedule, validate_schedule};
pub use valid_run::{ActionDescription, Inputs, ValidAction, ValidRun};
pub use workflow::{
    Condition, DEEPEST, Group, Nested, Path, Root, Scope, StepField, StepOutcome, Unresolved,
    UnresolvedKind, ValidWorkflow, effective_spec, is_by_item, nodes, order, references_in,
    resolve, step_run, validate_workflow, validate_workflow_run,
};
