//! Evaluates the rules of a schema over a document.

use kube::core::cel::{CompiledSchema, ErrorKind, Validator, compile_schema};
use serde_json::Value;

use crate::api::crds::schema;
use crate::api::resource::{Kind, PerKind};

/// A rule that a resource breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenRule {
    /// The field the rule stands on, `spec`.
    pub path: String,
    /// The rule in words.
    pub message: String,
    /// Whether the rule is broken for certain; otherwise it could not be evaluated, as happens when
    /// a value has the wrong type.
    pub is_certain: bool,
}

/// Returns every rule that a whole resource breaks: those on one object, and with the resource as it
/// was before, also those on the change. A broken rule of the status is among them.
#[must_use]
pub fn broken_rules(kind: Kind, document: &Value, before: Option<&Value>) -> Vec<BrokenRule> {
    let Err(errors) = Validator::new().validate_compiled(compiled(kind), document, before) else {
        return Vec::new();
    };
    let broken = errors.into_vec().into_iter();
    let rules = broken.map(|error| BrokenRule {
        path: error.field_path,
        message: error.message,
        is_certain: matches!(error.kind, ErrorKind::ValidationFailure),
    });
    rules.collect()
}

fn compiled(kind: Kind) -> &'static CompiledSchema {
    static COMPILED: PerKind<CompiledSchema> = PerKind::new(|kind| compile_schema(schema(kind)));
    COMPILED.of(kind)
}
