//! Makes the definitions and their schemas.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::{Map, Value, json};

use crate::api::resource::{Kind, PerKind};

/// Returns the custom resource definition of a kind.
///
/// # Panics
/// Never: a schema is JSON, and only bounds are added to it.
#[must_use]
pub fn crd(kind: Kind) -> CustomResourceDefinition {
    let mut crd = kind.derived_crd();
    for version in &mut crd.spec.versions {
        let Some(validation) = &mut version.schema else { continue };
        let Some(derived) = validation.open_api_v3_schema.take() else { continue };
        let mut schema = serde_json::to_value(derived).expect("should be JSON: it is a schema");
        complete(&mut schema);
        own_as_a_whole(&mut schema["properties"]["status"]);
        leave_lists_as_given(&mut schema["properties"]["spec"], false);
        validation.open_api_v3_schema = Some(
            serde_json::from_value(schema).expect("should be a schema: only bounds were added"),
        );
    }
    crd
}

/// Makes a status atomic: it has one writer, and what the API server would note of each of its fields is a
/// quarter of a run's bytes, which every write of it pays for.
///
/// # Source
/// <https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy>
fn own_as_a_whole(status: &mut Value) {
    status["x-kubernetes-map-type"] = "atomic".into();
}

/// Takes the defaults out of what stands in lists. `kubectl apply` without `--server-side` compares a list as a
/// whole: filled in by the API server it never equals what was applied, and every apply reports a change. The
/// program knows the defaults all the same, and the descriptions name them.
fn leave_lists_as_given(schema: &mut Value, in_list: bool) {
    let Value::Object(object) = schema else { return };
    if in_list {
        object.remove("default");
    }
    if let Some(items) = object.get_mut("items") {
        leave_lists_as_given(items, true);
    }
    if let Some(values) = object.get_mut("additionalProperties") {
        leave_lists_as_given(values, in_list);
    }
    if let Some(Value::Object(properties)) = object.get_mut("properties") {
        properties.values_mut().for_each(|property| leave_lists_as_given(property, in_list));
    }
}

/// Returns the custom resource definitions of all kinds, in the order of the docs.
#[must_use]
pub fn crds() -> Vec<CustomResourceDefinition> {
    Kind::ALL.into_iter().map(crd).collect()
}

/// Returns the structural schema of a kind's newest version: `spec` and `status`, without metadata.
#[must_use]
pub fn schema(kind: Kind) -> &'static Value {
    static SCHEMAS: PerKind<Value> = PerKind::new(schema_of);
    SCHEMAS.of(kind)
}

fn schema_of(kind: Kind) -> Value {
    let mut crd = serde_json::to_value(crd(kind)).expect("should be JSON: it is a definition");
    crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"].take()
}

/// Returns a custom resource definition as YAML.
///
/// # Panics
/// Never: a definition can be written as YAML.
#[must_use]
pub fn yaml(kind: Kind) -> String {
    serde_saphyr::to_string(&crd(kind)).expect("should be YAML: it is a definition")
}

/// Returns the custom resource definitions of all kinds as one text of several documents.
#[must_use]
pub fn crds_yaml() -> String {
    let documents = Kind::ALL.into_iter().map(yaml).collect::<Vec<_>>();
    format!("---\n{}", documents.join("---\n"))
}

fn complete(schema: &mut Value) {
    let Value::Object(object) = schema else { return };
    if object.get("type").is_some_and(Value::is_string) {
        object.remove("title");
    }
    if is_condition(object) {
        *schema = condition();
        return;
    }
    for child in ["items", "additionalProperties"] {
        if let Some(child) = object.get_mut(child) {
            complete(child);
        }
    }
    if let Some(Value::Object(properties)) = object.get_mut("properties") {
        properties.values_mut().for_each(complete);
    }
}

fn is_condition(schema: &Map<String, Value>) -> bool {
    schema
        .get("properties")
        .is_some_and(|properties| properties.get("lastTransitionTime").is_some())
}

/// A condition with the bounds that Kubernetes itself puts on its own.
///
/// # Source
/// <https://github.com/kubernetes/apimachinery/blob/master/pkg/apis/meta/v1/types.go>
fn condition() -> Value {
    json!({
        "type": "object",
        "description": "One thing that is true, false or not known, and why.",
        "required": ["lastTransitionTime", "message", "reason", "status", "type"],
        "properties": {
            "type": {
                "type": "string", "maxLength": 316,
                "description": "What the condition says something about, for example `Ready`.",
            },
            "status": {
                "type": "string", "enum": ["True", "False", "Unknown"],
                "description": "Whether it holds.",
            },
            "reason": {
                "type": "string", "minLength": 1, "maxLength": 1024,
                "pattern": "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$",
                "description": "Why, as one word of the documented list.",
            },
            "message": {
                "type": "string", "maxLength": 32768,
                "description": "Why, in words.",
            },
            "lastTransitionTime": {
                "type": "string", "format": "date-time",
                "description": "When `status` last changed.",
            },
            "observedGeneration": {
                "type": "integer", "format": "int64", "minimum": 0,
                "description": "The generation of the spec that the condition describes.",
            },
        },
    })
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
