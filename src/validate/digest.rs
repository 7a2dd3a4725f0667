//! The digest by which a run remembers the definition it used.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::api::v1alpha1::OperatorDefinition;

/// Returns `sha256:` and the digest of a definition's spec as canonical JSON: keys sorted at every
/// level, no white space, fields at their default written out.
///
/// # Panics
/// Never: no map of a definition has keys other than texts.
#[must_use]
pub fn digest(definition: &OperatorDefinition) -> String {
    let mut spec = serde_json::to_value(&definition.spec)
        .expect("should be JSON: no map of a definition has keys other than texts");
    spec.sort_all_objects();
    format!("sha256:{}", hex::encode(Sha256::digest(Value::to_string(&spec))))
}
