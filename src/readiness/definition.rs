//! The readiness of a definition.

use jiff::Timestamp;

use super::{Readiness, set_readiness};
use crate::api::conditions::Reason;
use crate::api::v1alpha1::{OperatorDefinition, OperatorDefinitionStatus};
use crate::validate::{self, Problems};

/// Whether a definition can be used.
#[derive(Debug, Clone, PartialEq)]
pub enum Usability {
    /// It can.
    Usable,
    /// It is wrong.
    Wrong(Problems),
    /// The namespace has an older definition of the same operator, of this name.
    Duplicate(String),
}

/// Returns the status of a definition.
#[must_use]
pub fn definition_readiness(
    definition: &OperatorDefinition,
    usability: &Usability,
    now: Timestamp,
) -> OperatorDefinitionStatus {
    let mut status = definition.status.clone().unwrap_or_default();
    status.observed_generation = definition.metadata.generation;
    status.digest = validate::digest(definition);
    let (readiness, message) = match usability {
        Usability::Usable => ((Readiness::Ready, Reason::Checked), String::new()),
        Usability::Wrong(problems) => ((Readiness::Stalled, Reason::Invalid), problems.to_string()),
        Usability::Duplicate(older) => {
            let operator = &definition.spec.operator;
            let message = format!("`{older}` defines `{operator}` already and is older");
            ((Readiness::Stalled, Reason::DuplicateOperator), message)
        }
    };
    let generation = definition.metadata.generation;
    set_readiness(&mut status.conditions, readiness, &message, generation, now);
    status
}
