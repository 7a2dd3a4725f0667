//! The digest by which a run remembers the definition it used.

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::api::v1alpha1::{OperatorDefinition, Workflow};

/// Returns `sha256:` and the digest of a definition's spec as canonical JSON: keys sorted at every
/// level, no white space, fields at their default written out.
#[must_use]
pub fn digest(definition: &OperatorDefinition) -> String {
    digest_of(&definition.spec)
}

/// Returns the digest of a workflow's spec, as [`digest`] does that of a definition.
#[must_use]
pub fn workflow_digest(workflow: &Workflow) -> String {
    digest_of(&workflow.spec)
}

/// Returns the digest of a part of a resource, as [`digest`] does that of a definition's spec.
#[must_use]
#[expect(clippy::missing_panics_doc, reason = "no map of a resource has keys other than texts")]
pub fn digest_of(spec: &impl Serialize) -> String {
    let mut spec = serde_json::to_value(spec)
        .expect("should be JSON: no map of a resource has keys other than texts");
    spec.sort_all_objects();
    format!("sha256:{}", hex::encode(Sha256::digest(Value::to_string(&spec))))
}
