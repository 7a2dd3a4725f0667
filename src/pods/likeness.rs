//! Whether a pod that was found under an attempt's name is the one that was to be made. Pure.
//!
//! Name, owner and token of an attempt can be told in advance, so that an account that may create pods
//! can be first. What such a pod runs and what it is told is compared. Parts that the API server or an
//! admission webhook adds are no difference, unless they reach the volumes of the work. Amounts of
//! resources are not compared: the API server writes them in other words.

use k8s_openapi::api::core::v1::Pod;
use serde_json::Value;

/// The parts of a pod that say what it runs, with which rights.
const COMPARED: [&str; 7] = [
    "automountServiceAccountToken",
    "containers",
    "initContainers",
    "securityContext",
    "serviceAccountName",
    "terminationGracePeriodSeconds",
    "volumes",
];
/// Parts by which another container reaches the processes of the work.
const SHARING: [&str; 4] = ["hostIPC", "hostNetwork", "hostPID", "shareProcessNamespace"];
/// Parts of a container that are written in other words, or that an administrator's policy sets.
const NOT_COMPARED: [&str; 2] = ["imagePullPolicy", "resources"];

/// Returns the first field in which a pod differs from the one that was to be made, if there is one.
pub(super) fn difference(wanted: &Pod, found: &Pod) -> Option<String> {
    #[cfg(test)]
    if crate::faults::Precondition::PodWork.is_removed() {
        return None;
    }
    let annotations = |pod: &Pod| serde_json::to_value(&pod.metadata.annotations).ok();
    let spec = |pod: &Pod| serde_json::to_value(&pod.spec).ok();
    let (Some(wanted_words), Some(found_words)) = (annotations(wanted), annotations(found)) else {
        return Some("metadata".to_owned());
    };
    let (Some(wanted), Some(found)) = (spec(wanted), spec(found)) else {
        return Some("spec".to_owned());
    };
    missing("metadata.annotations", &wanted_words, &found_words)
        .or_else(|| {
            let mut fields = COMPARED.iter();
            fields.find_map(|field| {
                missing(&format!("spec.{field}"), &wanted[*field], &found[*field])
            })
        })
        .or_else(|| {
            let shares = |field: &&&str| wanted[**field] != found[**field];
            SHARING.iter().find(shares).map(|field| format!("spec.{field}"))
        })
        .or_else(|| intruder(&wanted, &found))
}

/// Returns the path of what is wanted and is not found as it is wanted. What is empty may be left out.
fn missing(path: &str, wanted: &Value, found: &Value) -> Option<String> {
    match (wanted, found) {
        (wanted, _) if is_empty(wanted) => None,
        (Value::Object(wanted), Value::Object(found)) => wanted
            .iter()
            .filter(|(field, _)| !NOT_COMPARED.contains(&field.as_str()))
            .find_map(|(field, value)| {
                let there = found.get(field).unwrap_or(&Value::Null);
                missing(&format!("{path}.{field}"), value, there)
            }),
        (Value::Array(wanted), Value::Array(found)) if wanted.iter().all(Value::is_object) => {
            wanted.iter().find_map(|value| {
                let there = found.iter().find(|other| key(other) == key(value));
                let path = format!("{path}.{}", key(value).unwrap_or_default());
                missing(&path, value, there.unwrap_or(&Value::Null))
            })
        }
        _ => (wanted != found).then(|| path.to_owned()),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    }
}

/// Returns what an item of a list is known by: two mounts of one volume have different paths.
fn key(item: &Value) -> Option<&str> {
    ["mountPath", "name"].iter().find_map(|field| item[*field].as_str())
}

/// Returns a container beside those that are wanted which reaches their volumes.
fn intruder(wanted: &Value, found: &Value) -> Option<String> {
    const LISTS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];
    let items = |list: &Value| list.as_array().cloned().unwrap_or_default();
    let volumes = items(&wanted["volumes"]);
    let is_of_the_work = |mount: &Value| volumes.iter().any(|one| one["name"] == mount["name"]);
    LISTS.iter().find_map(|list| {
        let known = items(&wanted[*list]);
        let mut others = items(&found[*list]).into_iter();
        let found = others.find(|container| {
            known.iter().all(|one| one["name"] != container["name"])
                && items(&container["volumeMounts"]).iter().any(is_of_the_work)
        })?;
        Some(format!("spec.{list}.{}", found["name"].as_str().unwrap_or_default()))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::*;

    fn pod(change: impl FnOnce(&mut Map<String, Value>)) -> Pod {
        let mut spec = json!({
            "containers": [{
                "name": "main", "image": "job:1", "command": ["run", "it"],
                "env": [{"name": "EMPTY", "value": ""}, {"name": "A", "value": "1"}],
                "resources": {"limits": {"cpu": "1000m"}},
                "volumeMounts": [{"name": "work", "mountPath": "/work"}, {"name": "work", "mountPath": "/b"}],
            }],
            "volumes": [{"name": "work", "emptyDir": {}}],
            "automountServiceAccountToken": false,
        });
        change(spec.as_object_mut().expect("should be an object"));
        let metadata = json!({"annotations": {"token": "t"}});
        serde_json::from_value(json!({"metadata": metadata, "spec": spec}))
            .expect("should be a pod")
    }

    #[test]
    fn what_the_api_server_and_webhooks_add_is_no_difference() {
        let found = pod(|spec| {
            let main = &mut spec["containers"][0];
            main["terminationMessagePath"] = json!("/dev/termination-log");
            main["env"][0] = json!({"name": "EMPTY"});
            main["resources"] = json!({"limits": {"cpu": "1"}});
            main["imagePullPolicy"] = json!("Always");
            let mesh =
                json!({"name": "mesh", "volumeMounts": [{"name": "its", "mountPath": "/x"}]});
            spec["containers"].as_array_mut().expect("should be a list").insert(0, mesh);
            spec["volumes"].as_array_mut().expect("should be a list").push(json!({"name": "its"}));
            spec.insert("dnsPolicy".to_owned(), json!("ClusterFirst"));
        });
        assert_eq!(difference(&pod(|_| ()), &found), None);
    }

    #[test]
    fn whatever_runs_otherwise_is_named() {
        type Change = fn(&mut Map<String, Value>);
        let cases: [(&str, Change); 7] = [
            ("spec.containers.main.image", |spec| spec["containers"][0]["image"] = json!("evil")),
            ("spec.containers.main.command", |spec| {
                spec["containers"][0]["command"] = json!(["run"]);
            }),
            ("spec.containers.main.env.A.value", |spec| {
                spec["containers"][0]["env"][1]["value"] = json!("2");
            }),
            ("spec.volumes.work.emptyDir", |spec| {
                spec["volumes"] = json!([{"name": "work", "hostPath": {"path": "/"}}]);
            }),
            ("spec.automountServiceAccountToken", |spec| {
                spec["automountServiceAccountToken"] = json!(true);
            }),
            ("spec.shareProcessNamespace", |spec| {
                spec.insert("shareProcessNamespace".to_owned(), json!(true));
            }),
            ("spec.initContainers.more", |spec| {
                let mounts = json!([{"name": "work", "mountPath": "/w"}]);
                let more = json!([{"name": "more", "volumeMounts": mounts}]);
                spec.insert("initContainers".to_owned(), more);
            }),
        ];
        for (field, change) in cases {
            assert_eq!(difference(&pod(|_| ()), &pod(change)).as_deref(), Some(field));
        }
        let mut other = pod(|_| ());
        other.metadata.annotations = None;
        let found = difference(&pod(|_| ()), &other);
        assert_eq!(found.as_deref(), Some("metadata.annotations"));
    }
}
