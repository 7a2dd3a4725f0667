//! The resources users write and read: `mason.dev/v1alpha1`.
//!
//! These are the only wire types: the CRDs under `crds/`, the documents the command line reads and
//! the objects a controller reconciles are the same Rust types. Nothing here performs an effect or
//! knows a client; this module imports nothing of ours.

pub mod conditions;
pub mod crds;
pub mod duration;
pub mod endpoint;
pub mod labels;
pub mod names;
pub mod parameters;
pub mod quantity;
pub mod resource;
pub mod rules;
pub mod s3_address;
pub mod v1alpha1;

/// The API group of every Mason resource.
pub const GROUP: &str = "mason.dev";
/// The `apiVersion` every Mason resource has.
pub const API_VERSION: &str = "mason.dev/v1alpha1";
