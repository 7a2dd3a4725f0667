//! Whether a pod that was found under an attempt's name is the one that was to be made. Pure.
//!
//! Name, owner and token of an attempt can be told in advance, so that an account that may create pods
//! can be first. All that a pod runs and is told is compared, and nothing may be added to it: a variable,
//! a mount, a hook or a container is enough to answer something else. A pod that an admission webhook
//! changed differs too, and is made anew. Amounts of resources are not compared: the API server writes
//! them in other words.

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
/// Parts that Mason gives no pod, and by which its processes are reached from elsewhere.
const UNWANTED: [&str; 5] =
    ["ephemeralContainers", "hostIPC", "hostNetwork", "hostPID", "shareProcessNamespace"];
/// Parts of a container that are written in other words, or that an administrator's policy sets.
const NOT_COMPARED: [&str; 2] = ["imagePullPolicy", "resources"];
/// What the API server adds to every container.
const ADDED: [&str; 2] = ["terminationMessagePath", "terminationMessagePolicy"];
/// Where the API server mounts the token of a pod's service account.
const TOKEN_MOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

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
            let is_there = |field: &&&str| !is_empty(&found[**field]);
            UNWANTED.iter().find(is_there).map(|field| format!("spec.{field}"))
        })
        .or_else(|| {
            let lists = ["initContainers", "containers"];
            lists.iter().find_map(|list| addition(list, &wanted[*list], &found[*list]))
        })
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

/// Returns what containers have beside what is wanted: another one, or a part of one.
fn addition(list: &str, wanted: &Value, found: &Value) -> Option<String> {
    items(found).iter().find_map(|container| {
        let path = format!("spec.{list}.{}", key(container).unwrap_or_default());
        let Some(same) = items(wanted).iter().find(|one| key(one) == key(container)) else {
            return Some(path);
        };
        let is_known = |field: &str| NOT_COMPARED.contains(&field) || ADDED.contains(&field);
        let part = container.as_object().into_iter().flatten().find_map(|(field, value)| {
            let is_added = match same.get(field) {
                None => !is_known(field) && !is_empty(value),
                Some(asked) => items(value).iter().any(|item| {
                    key(item).is_some_and(|name| name != TOKEN_MOUNT)
                        && items(asked).iter().all(|one| key(one) != key(item))
                }),
            };
            is_added.then_some(field)
        });
        part.map(|field| format!("{path}.{field}"))
    })
}

fn items(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
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
    fn what_the_api_server_adds_is_no_difference() {
        let found = pod(|spec| {
            let main = &mut spec["containers"][0];
            main["terminationMessagePath"] = json!("/dev/termination-log");
            main["terminationMessagePolicy"] = json!("File");
            main["env"][0] = json!({"name": "EMPTY"});
            main["resources"] = json!({"limits": {"cpu": "1"}});
            main["imagePullPolicy"] = json!("Always");
            let token = json!({"name": "kube-api-access-x", "mountPath": TOKEN_MOUNT});
            main["volumeMounts"].as_array_mut().expect("should be a list").push(token);
            let token = json!({"name": "kube-api-access-x", "projected": {"sources": []}});
            spec["volumes"].as_array_mut().expect("should be a list").push(token);
            spec.insert("dnsPolicy".to_owned(), json!("ClusterFirst"));
        });
        assert_eq!(difference(&pod(|_| ()), &found), None);
    }

    #[test]
    fn whatever_runs_otherwise_is_named() {
        type Change = fn(&mut Map<String, Value>);
        let cases: [(&str, Change); 12] = [
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
            ("spec.containers.mesh", |spec| {
                let more = json!({"name": "mesh"});
                spec["containers"].as_array_mut().expect("should be a list").push(more);
            }),
            ("spec.containers.main.env", |spec| {
                let more = json!({"name": "LD_PRELOAD", "value": "/x"});
                spec["containers"][0]["env"].as_array_mut().expect("should be a list").push(more);
            }),
            ("spec.containers.main.volumeMounts", |spec| {
                let more = json!({"name": "x", "mountPath": "/mason/bin"});
                let mounts = spec["containers"][0]["volumeMounts"].as_array_mut();
                mounts.expect("should be a list").push(more);
            }),
            ("spec.containers.main.lifecycle", |spec| {
                let command = json!({"postStart": {"exec": {"command": ["x"]}}});
                spec["containers"][0]["lifecycle"] = command;
            }),
            ("spec.ephemeralContainers", |spec| {
                spec.insert("ephemeralContainers".to_owned(), json!([{"name": "x"}]));
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
