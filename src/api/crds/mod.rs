//! The custom resource definitions that the types amount to, for clusters and for validation.
//!
//! What the derive gives is completed here: bounds and words for conditions (whose type is not
//! ours), statuses that are owned as a whole, and no titles. Nothing else may make a schema.

mod schemas;

pub use schemas::{crd, crds, crds_yaml, schema, yaml};
