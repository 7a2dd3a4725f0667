//! Resources as objects of the API server, and what an apply declares of them. Pure.

use kube::core::{ApiResource, DynamicObject};
use serde_json::Value;

use crate::api::API_VERSION;
use crate::api::resource::{Key, Kind, Resource};
use crate::store::StoreError;

/// Returns how the API server addresses a kind.
pub(super) fn api_resource(kind: Kind) -> ApiResource {
    let (group, version) = API_VERSION.split_once('/').unwrap_or(("", API_VERSION));
    ApiResource {
        group: group.to_owned(),
        version: version.to_owned(),
        api_version: API_VERSION.to_owned(),
        kind: kind.as_str().to_owned(),
        plural: kind.plural().to_owned(),
    }
}

/// Returns what an apply declares of a resource: everything but the status and what only the API server
/// sets.
pub(super) fn wanted(resource: &Resource) -> Value {
    let mut document = resource.to_document();
    if let Some(document) = document.as_object_mut() {
        document.remove("status");
    }
    if let Some(metadata) = document["metadata"].as_object_mut() {
        metadata.retain(|field, _| {
            matches!(
                field.as_str(),
                "name"
                    | "namespace"
                    | "generateName"
                    | "labels"
                    | "annotations"
                    | "finalizers"
                    | "ownerReferences"
            )
        });
    }
    document["metadata"]["namespace"] = resource.key().namespace.into();
    claim_no_defaults(&mut document["spec"]);
    document
}

/// Leaves out the switches of a run that are off: an apply that repeats them would take back what
/// others ask of the run.
fn claim_no_defaults(spec: &mut Value) {
    if let Some(spec) = spec.as_object_mut() {
        spec.retain(|field, value| {
            !matches!(field.as_str(), "suspend" | "cancel" | "dryRun")
                || *value != Value::Bool(false)
        });
    }
}

/// Returns a document as an object of kube.
pub(super) fn object_of(document: Value, key: &Key) -> Result<DynamicObject, StoreError> {
    serde_json::from_value(document).map_err(|error| StoreError::Unreadable {
        what: key.to_string(),
        message: error.to_string(),
    })
}
