//! Whether the CRDs of a cluster are those that this program was built with.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::Api;
use serde_json::Value;

use super::checks::Check;
use super::cluster::failure;
use crate::api::{API_VERSION, GROUP};
use crate::cli::cluster::Cluster;
use crate::cli::words::kinds::crd_of;
use crate::store::{Kind, StoreError};

const INSTALL: &str =
    "`mason crds | kubectl apply --server-side -f -` installs those of this version";

pub(super) async fn checks(cluster: &Cluster) -> Vec<Check> {
    let api: Api<CustomResourceDefinition> = Api::all(cluster.connection.client.clone());
    let mut checks = Vec::new();
    for kind in Kind::ALL {
        let (name, check) =
            (format!("{}.{GROUP}", kind.plural()), format!("crd {}", kind.plural()));
        checks.push(match api.get_opt(&name).await {
            Ok(Some(found)) => compared(kind, &check, &found),
            Ok(None) => Check::failed(&check, "is not there", INSTALL),
            Err(kube::Error::Api(status)) if status.code == 403 => {
                served(cluster, kind, &check).await
            }
            Err(source) => {
                let source = Box::new(source);
                failure(&check, StoreError::ApiServer { operation: "read", what: name, source })
            }
        });
    }
    checks
}

/// Checks whether a kind is served at all, for a person who may not read CRDs.
async fn served(cluster: &Cluster, kind: Kind, check: &str) -> Check {
    match cluster.connection.client.list_api_group_resources(API_VERSION).await {
        Ok(list) if list.resources.iter().any(|one| one.name == kind.plural()) => Check::ok(
            check,
            "is there; a person who may read CRDs can compare it with this version's",
        ),
        _ => Check::failed(check, "is not there", INSTALL),
    }
}

fn compared(kind: Kind, check: &str, found: &CustomResourceDefinition) -> Check {
    let conditions = found.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let mut established = conditions.filter(|one| one.type_ == "Established");
    if !established.any(|one| one.status == "True") {
        return Check::failed(check, "is not established yet", "wait a moment and look again");
    }
    let own = crd_of(kind).spec.versions.first().map(comparable);
    let version = own.as_ref().and_then(|own| own["name"].as_str()).unwrap_or_default();
    let theirs = found.spec.versions.iter().find(|one| one.name == version).map(comparable);
    match (&own, &theirs) {
        (Some(own), Some(theirs)) => match difference(theirs, own, "") {
            None => Check::ok(check, format!("is the {version} of this version of Mason")),
            Some(at) => {
                Check::failed(check, format!("is of another version of Mason: {at}"), INSTALL)
            }
        },
        _ => Check::failed(check, format!("does not serve {version}"), INSTALL),
    }
}

/// Returns what of a version has to be alike: its schema, columns and selectable fields.
fn comparable(version: &impl serde::Serialize) -> Value {
    serde_json::to_value(version).unwrap_or_default()
}

/// Returns where two documents differ first, `spec.retry.limit is missing` for example. What is null or
/// empty counts as absent, as the API server leaves it out.
fn difference(theirs: &Value, own: &Value, path: &str) -> Option<String> {
    match (theirs, own) {
        (Value::Object(left), Value::Object(right)) => {
            let mut names: Vec<&String> = left.keys().chain(right.keys()).collect();
            names.sort();
            names.dedup();
            names.into_iter().find_map(|name| {
                let at = joined(path, name);
                let (left, right) = (set(left.get(name)), set(right.get(name)));
                match (left, right) {
                    (Some(left), Some(right)) => difference(left, right, &at),
                    (None, Some(_)) => Some(format!("{at} is missing")),
                    (Some(_), None) => Some(format!("{at} is there, but not in this version")),
                    (None, None) => None,
                }
            })
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            let mut pairs = left.iter().zip(right).enumerate();
            pairs.find_map(|(index, (left, right))| {
                difference(left, right, &format!("{path}[{index}]"))
            })
        }
        (left, right) if left.as_f64().is_some() && left.as_f64() == right.as_f64() => None,
        (left, right) => (left != right).then(|| format!("{path} differs")),
    }
}

fn set(value: Option<&Value>) -> Option<&Value> {
    value.filter(|value| match value {
        Value::Null => false,
        Value::Array(items) => !items.is_empty(),
        _ => true,
    })
}

/// Joins a path as people write it: without the words of the schema between the fields.
fn joined(path: &str, name: &str) -> String {
    match (path, name) {
        (path, "schema" | "openAPIV3Schema" | "properties") => path.to_owned(),
        ("", name) => name.to_owned(),
        (path, name) => format!("{path}.{name}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_field_that_differs_is_named() {
        let schema = |fields: Value| {
            json!({"name": "v1alpha1", "schema": {"openAPIV3Schema": {"properties": {"spec": {
                "properties": fields}}}}})
        };
        let own = schema(json!({"ttl": {"type": "object"}, "retry": {"maximum": 10.0}}));
        let at = |theirs: Value| difference(&schema(theirs), &own, "");
        assert_eq!(at(json!({"ttl": {"type": "object"}, "retry": {"maximum": 10}})), None);
        assert_eq!(at(json!({"retry": {"maximum": 10}})).as_deref(), Some("spec.ttl is missing"));
        assert_eq!(
            at(json!({"ttl": {"type": "string"}, "retry": {"maximum": 10}})).as_deref(),
            Some("spec.ttl.type differs")
        );
    }
}
