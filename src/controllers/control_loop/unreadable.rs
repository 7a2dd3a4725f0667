//! Objects that do not parse as their kind: the problem is written to their own status, as far as their
//! schema allows, and other objects are reconciled as before.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use kube::core::ApiResource;
use kube::{Client, Error};
use serde_json::{Value, json};

use crate::api::conditions::{ConditionType, Reason, Truth, set_condition};
use crate::controllers::scope::Watched;

/// Most characters of the message.
const MESSAGE: usize = 1_000;

/// Writes to the status of an object that it cannot be read. Writes nothing when the status says so already,
/// when another writer changes the object meanwhile, or when the status cannot be read either.
pub(crate) async fn report<K: Watched>(
    client: &Client,
    (namespace, name): (&str, &str),
    why: &str,
    now: Timestamp,
) {
    let kind = K::kind(&());
    tracing::warn!(%kind, namespace, name, error = why, "an object is not readable");
    let api: Api<DynamicObject> =
        Api::namespaced_with(client.clone(), namespace, &ApiResource::erase::<K>(&()));
    let Ok(Some(object)) = api.get_opt(name).await else { return };
    let Some(status) = status_of(&kind, &object, why, now) else { return };
    let patch = json!({
        "metadata": {"resourceVersion": object.metadata.resource_version}, "status": status,
    });
    match api.patch_status(name, &writing(&kind), &Patch::Merge(patch)).await {
        Ok(_) => {}
        Err(Error::Api(status)) if status.code == 409 => {}
        Err(error) => {
            tracing::warn!(%kind, namespace, name, %error, "it cannot say that it is not readable");
        }
    }
}

/// Returns how the controller of a kind writes: each status has one writer.
fn writing(kind: &str) -> PatchParams {
    let mut manager = "mason".to_owned();
    for letter in kind.chars() {
        if letter.is_ascii_uppercase() {
            manager.push('-');
        }
        manager.push(letter.to_ascii_lowercase());
    }
    PatchParams { field_manager: Some(manager), ..PatchParams::default() }
}

/// Returns the status to write; nothing when the object has it already or cannot have it.
fn status_of(kind: &str, object: &DynamicObject, why: &str, now: Timestamp) -> Option<Value> {
    let before: Vec<Condition> = match object.data.pointer("/status/conditions") {
        Some(conditions) => serde_json::from_value(conditions.clone()).ok()?,
        None => Vec::new(),
    };
    let message: String = why.chars().take(MESSAGE).collect();
    let mut conditions = before.clone();
    let truths = [
        (ConditionType::Ready, Truth::False),
        (ConditionType::Reconciling, Truth::False),
        (ConditionType::Stalled, Truth::True),
    ];
    for (condition, truth) in truths {
        let said = (condition, truth, Reason::Unreadable);
        set_condition(&mut conditions, said, &message, object.metadata.generation, now);
    }
    if conditions == before {
        return None;
    }
    let mut status = json!({"conditions": conditions});
    if kind == "OperatorRun" {
        status["columns"] = json!({"reason": Reason::Unreadable, "message": message});
    }
    Some(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(status: &Value) -> DynamicObject {
        serde_json::from_value(json!({
            "apiVersion": "mason.dev/v1alpha1", "kind": "OperatorRun",
            "metadata": {"name": "x", "generation": 2}, "status": status,
        }))
        .expect("should be an object")
    }

    #[test]
    fn it_is_written_as_the_controller_of_the_kind_writes() {
        let manager = writing("OperatorRun").field_manager;
        assert_eq!(manager.as_deref(), Some("mason-operator-run"));
    }

    #[test]
    fn an_object_says_once_that_it_cannot_be_read() {
        let now = Timestamp::UNIX_EPOCH;
        let report = status_of("OperatorRun", &object(&json!({})), "no number", now);
        let report = report.expect("should be reported");
        assert_eq!(report["columns"]["reason"], "Unreadable");
        let of = |kind: &str| {
            let all = report["conditions"].as_array().expect("should be a list").iter();
            all.clone().find(|one| one["type"] == kind).map(|one| one["status"].clone())
        };
        assert_eq!((of("Ready"), of("Stalled")), (Some(json!("False")), Some(json!("True"))));
        assert_eq!(status_of("OperatorRun", &object(&report), "no number", now), None);
        assert!(status_of("OperatorRun", &object(&report), "no text", now).is_some());
        let broken = object(&json!({"conditions": "none"}));
        assert_eq!(status_of("OperatorRun", &broken, "no number", now), None);
    }
}
