//! One field of a spec, set beside the manager of the rest of the object.

use kube::ResourceExt;
use kube::api::{Patch, PatchParams};
use kube::core::DynamicObject;
use serde_json::{Value, json};

use super::answer::{failed, readable};
use super::kubernetes_store::KubernetesStore;
use super::objects::api_resource;
use crate::store::{Key, Resource, StoreError};

/// Where `kubectl apply` keeps what it applied last.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// One field of a spec and the value it gets.
#[derive(Debug, Clone, PartialEq)]
pub struct Declaration {
    /// The field's name, `suspend`.
    pub field: &'static str,
    /// Its value.
    pub value: Value,
    /// The field manager that sets it: one for each field, because what a manager
    /// leaves out of its next apply is removed.
    pub manager: &'static str,
}

impl KubernetesStore {
    /// Sets one field of a resource's spec by a server-side apply of nothing else, and returns the
    /// resource as it is then; nothing when it does not exist. Nothing is written when the field has the
    /// value already.
    ///
    /// A client that created the object once and never applies it again has no claim on the field. One that applies
    /// it again and again, as `GitOps` tools do, would set it back: then nothing is changed, unless
    /// `takes_over`.
    ///
    /// # Errors
    /// [`StoreError::OwnedByOthers`] when others apply the field; `Refused` when a rule refuses the
    /// value; or the API server fails.
    pub async fn declare(
        &self,
        key: &Key,
        declaration: &Declaration,
        takes_over: bool,
    ) -> Result<Option<Resource>, StoreError> {
        let what = key.to_string();
        let api = self.of(key);
        let found = api.get_opt(&key.name).await;
        let Some(object) = found.map_err(|error| failed("read", &what, error))? else {
            return Ok(None);
        };
        if object.data["spec"][declaration.field] == declaration.value {
            return readable(key.kind, object).map(Some);
        }
        let owners = owners(&object, declaration);
        if !owners.is_empty() && !takes_over {
            return Err(StoreError::OwnedByOthers { what, fields: owners });
        }
        let resource = api_resource(key.kind);
        let wanted = json!({
            "apiVersion": resource.api_version,
            "kind": resource.kind,
            // Without the uid, an object that is deleted meanwhile would come into being again.
            "metadata": {"name": key.name, "namespace": key.namespace, "uid": object.uid()},
            "spec": {declaration.field: declaration.value},
        });
        let parameters = PatchParams::apply(declaration.manager).force();
        let after = api.patch(&key.name, &parameters, &Patch::Apply(wanted)).await;
        readable(key.kind, after.map_err(|error| failed("change", &what, error))?).map(Some)
    }
}

impl KubernetesStore {
    /// Takes one field out of a resource's spec, whichever manager has set it.
    ///
    /// # Errors
    /// When the API server refuses or fails.
    pub async fn withdraw(
        &self,
        key: &Key,
        (field, manager): (&str, &str),
    ) -> Result<(), StoreError> {
        let parameters =
            PatchParams { field_manager: Some(manager.to_owned()), ..PatchParams::default() };
        let patch = Patch::Merge(json!({"spec": {field: null}}));
        let after = self.of(key).patch(&key.name, &parameters, &patch).await;
        after.map(drop).map_err(|error| failed("change", &key.to_string(), error))
    }
}

/// Returns the manager that applies a field again and again, with another value.
fn owners(object: &DynamicObject, declaration: &Declaration) -> Vec<String> {
    let path = format!("/f:spec/f:{}", declaration.field);
    let entries = object.metadata.managed_fields.iter().flatten();
    let appliers = entries.filter(|entry| {
        let has_field = entry.fields_v1.as_ref().is_some_and(|one| one.0.pointer(&path).is_some());
        let is_other = entry.manager.as_deref() != Some(declaration.manager);
        entry.operation.as_deref() == Some("Apply") && is_other && has_field
    });
    let field = declaration.field;
    let mut owners: Vec<String> = appliers
        .map(|entry| format!("spec.{field}: `{}`", entry.manager.as_deref().unwrap_or_default()))
        .collect();
    let last = object.annotations().get(LAST_APPLIED);
    let last = last.and_then(|text| serde_json::from_str::<Value>(text).ok());
    let kept = last.as_ref().and_then(|last| last.get("spec")?.get(field));
    if kept.is_some_and(|kept| *kept != declaration.value) {
        owners.push(format!("spec.{field}: `kubectl apply`"));
    }
    owners
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suspend(value: bool) -> Declaration {
        Declaration { field: "suspend", value: value.into(), manager: "mason-suspend" }
    }

    #[expect(clippy::needless_pass_by_value, reason = "a test makes it for this call")]
    fn object(metadata: Value) -> DynamicObject {
        let document = json!({
            "apiVersion": "mason.dev/v1alpha1", "kind": "OperatorRun", "metadata": metadata,
        });
        serde_json::from_value(document).expect("should be an object")
    }

    #[test]
    fn who_applies_a_field_owns_it_and_who_created_it_once_does_not() {
        let entry = |manager: &str, operation: &str, fields: Value| {
            json!({"manager": manager, "operation": operation, "fieldsType": "FieldsV1",
                   "apiVersion": "mason.dev/v1alpha1", "fieldsV1": fields})
        };
        let field = || json!({"f:spec": {"f:suspend": {}}});
        let of = |entries: Vec<Value>| {
            owners(&object(json!({"name": "x", "managedFields": entries})), &suspend(true))
        };
        assert_eq!(of(vec![entry("argocd", "Apply", field())]), ["spec.suspend: `argocd`"]);
        assert!(of(vec![entry("kubectl-create", "Update", field())]).is_empty());
        assert!(of(vec![entry("mason-suspend", "Apply", field())]).is_empty());
        assert!(of(vec![entry("argocd", "Apply", json!({"f:spec": {"f:ttl": {}}}))]).is_empty());
    }

    #[test]
    fn what_kubectl_applied_from_a_file_stands_there_again_with_the_next_apply() {
        let of = |last: Value| {
            let annotations = json!({LAST_APPLIED: last.to_string()});
            let object = object(json!({"name": "x", "annotations": annotations}));
            owners(&object, &suspend(true)).len()
        };
        assert_eq!(of(json!({"spec": {"suspend": false}})), 1);
        assert_eq!(of(json!({"spec": {"suspend": true}})), 0);
        assert_eq!(of(json!({"spec": {"operator": "table/query"}})), 0);
    }
}
