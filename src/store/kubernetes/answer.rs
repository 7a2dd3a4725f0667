//! What an answer of the API server means here: one function for each sort of answer.

use kube::core::{DynamicObject, Status};

use crate::api::resource::{Key, Kind, Resource};
use crate::store::StoreError;

/// Reads an object of the API server; one that does not fit its type is an error of its own, with its key.
///
/// # Errors
/// [`StoreError::Unreadable`], with the first misfit.
pub fn readable(kind: Kind, object: DynamicObject) -> Result<Resource, StoreError> {
    let key = Key {
        kind,
        namespace: object.metadata.namespace.clone().unwrap_or_default(),
        name: object.metadata.name.clone().unwrap_or_default(),
    };
    let mut object = object;
    object.metadata.managed_fields = None;
    let unreadable = |error: serde_json::Error| StoreError::Unreadable {
        what: key.to_string(),
        message: error.to_string(),
    };
    let document = serde_json::to_value(object).map_err(unreadable)?;
    Resource::from_document(kind, document).map_err(unreadable)
}

/// Returns what a failure means: another writer was first, a rule refuses it, or the server fails.
pub(super) fn failed(operation: &'static str, what: &str, error: kube::Error) -> StoreError {
    let what = what.to_owned();
    match &error {
        kube::Error::Api(status) if status.code == 409 && is_of_owners(status) => {
            StoreError::OwnedByOthers { what, fields: causes(status) }
        }
        kube::Error::Api(status) if status.code == 409 => StoreError::Conflict { what },
        kube::Error::Api(status) if status.code == 422 => {
            StoreError::Refused { what, problems: causes(status) }
        }
        _ => StoreError::ApiServer { operation, what, source: Box::new(error) },
    }
}

/// Returns whether the object does not exist.
pub(super) fn is_missing(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404)
}

/// Returns whether the place in a list is no longer known.
pub(super) fn is_expired(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 410)
}

/// Returns whether an apply would change fields of other managers.
fn is_of_owners(status: &Status) -> bool {
    let mut causes = status.details.iter().flat_map(|details| &details.causes);
    causes.any(|cause| cause.reason == "FieldManagerConflict")
}

/// Returns every cause that a refusal names, else its message.
fn causes(status: &Status) -> Vec<String> {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    let problems: Vec<String> = causes
        .map(|cause| match cause.field.as_str() {
            "" => cause.message.clone(),
            field => format!("{field}: {}", cause.message),
        })
        .collect();
    if problems.is_empty() { vec![status.message.clone()] } else { problems }
}
