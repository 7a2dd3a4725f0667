//! An API server that keeps pods in a map, with faults, and with a node if one is wanted.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http::{Method, Request, Response};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};

pub(super) type Shared = Arc<Mutex<Server>>;

/// What happens to a call instead of its usual answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Nothing is done, and this is answered.
    Before(u16),
    /// It is done, and this is answered.
    After(u16),
    /// Somebody else lets the pod go, and it gets a node, before the call is looked at.
    Released,
}

/// The pods of one namespace.
#[derive(Default)]
pub(super) struct Server {
    pub(super) pods: BTreeMap<String, Value>,
    pub(super) calls: Vec<String>,
    pub(super) faults: BTreeMap<String, Fault>,
    /// Whether there is a node that runs what is released, by the name of its image.
    pub(super) has_node: bool,
    version: u64,
}

/// Returns a client of a server.
pub(super) fn client(server: &Shared) -> Client {
    let server = Arc::clone(server);
    let answer = move |request: Request<Body>| {
        let server = Arc::clone(&server);
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect_bytes().await.unwrap();
            let body: Value = serde_json::from_slice(&body).unwrap_or_default();
            let path = parts.uri.path().to_owned();
            let (code, answer) = server.lock().unwrap().call(&parts.method, &path, &body);
            let text = match answer {
                Value::String(text) => text,
                other => other.to_string(),
            };
            Ok::<_, Infallible>(
                Response::builder().status(code).body(Body::from(text.into_bytes())).unwrap(),
            )
        }
    };
    Client::new(tower::service_fn(answer), "team")
}

fn status(code: u16, message: &str) -> (u16, Value) {
    (
        code,
        json!({"kind": "Status", "status": "Failure", "code": code, "message": message, "reason": if code == 404 { "NotFound" } else { "" }}),
    )
}

impl Server {
    fn call(&mut self, method: &Method, path: &str, body: &Value) -> (u16, Value) {
        let below = path.strip_prefix("/api/v1/namespaces/team/pods").unwrap();
        let name = below.trim_start_matches('/').to_owned();
        if let Some(name) = name.strip_suffix("/log") {
            return (
                200,
                json!(self.pods[name]["metadata"]["annotations"]["log"].as_str().unwrap_or("")),
            );
        }
        self.calls.push(method.to_string());
        let fault = self.faults.remove(method.as_str());
        if let Some(Fault::Before(code)) = fault {
            return status(code, "fault");
        }
        if fault == Some(Fault::Released) {
            self.change(&name, |pod| pod["spec"]["schedulingGates"] = json!([]));
            self.change(&name, |pod| pod["spec"]["nodeName"] = json!("n"));
        }
        let done = match *method {
            Method::GET => self.get(&name),
            Method::POST => self.create(body),
            Method::PATCH => self.patch(&name, body),
            _ => self.delete(&name, body),
        };
        if let Some(Fault::After(code)) = fault { status(code, "fault") } else { done }
    }

    pub(super) fn change(&mut self, name: &str, change: impl FnOnce(&mut Value)) {
        self.version += 1;
        let pod = self.pods.get_mut(name).unwrap();
        change(pod);
        pod["metadata"]["resourceVersion"] = json!(self.version.to_string());
    }

    fn get(&self, name: &str) -> (u16, Value) {
        self.pods.get(name).map_or_else(|| status(404, "not found"), |pod| (200, pod.clone()))
    }

    fn create(&mut self, pod: &Value) -> (u16, Value) {
        let name = pod["metadata"]["name"].as_str().unwrap().to_owned();
        if self.pods.contains_key(&name) {
            return status(409, "already exists");
        }
        let mut pod = pod.clone();
        pod["apiVersion"] = json!("v1");
        pod["kind"] = json!("Pod");
        pod["metadata"]["uid"] = json!(format!("pod-{}", self.version));
        pod["status"] = json!({"phase": "Pending"});
        self.pods.insert(name.clone(), pod);
        self.change(&name, |_| ());
        self.get(&name)
    }

    fn patch(&mut self, name: &str, patch: &Value) -> (u16, Value) {
        let Some(pod) = self.pods.get(name) else { return status(404, "not found") };
        if let Some(steps) = patch.as_array() {
            let holds =
                |step: &Value| pod.pointer(step["path"].as_str().unwrap()) == Some(&step["value"]);
            if !steps.iter().filter(|step| step["op"] == "test").all(holds) {
                return status(422, "a test does not hold");
            }
            self.change(name, |pod| {
                drop(pod["spec"]["schedulingGates"].as_array_mut().unwrap().remove(0));
            });
        } else {
            if pod["metadata"]["uid"] != patch["metadata"]["uid"] {
                return status(409, "another uid");
            }
            self.change(name, |pod| {
                for (name, value) in patch["metadata"]["annotations"].as_object().unwrap() {
                    pod["metadata"]["annotations"][name] = value.clone();
                }
                pod["spec"]["activeDeadlineSeconds"] = json!(1);
            });
        }
        self.run(name);
        self.get(name)
    }

    fn delete(&mut self, name: &str, options: &Value) -> (u16, Value) {
        let Some(pod) = self.pods.get(name) else { return status(404, "not found") };
        let wanted = &options["preconditions"];
        let holds =
            |field: &str| wanted[field].is_null() || wanted[field] == pod["metadata"][field];
        if !holds("uid") || !holds("resourceVersion") {
            return status(409, "a precondition does not hold");
        }
        let (is_bound, pod) = (pod["spec"]["nodeName"].is_string(), pod.clone());
        let has_ended = pod["status"]["phase"] != "Pending" && pod["status"]["phase"] != "Running";
        if !is_bound || has_ended {
            self.pods.remove(name);
        } else {
            self.change(name, |pod| {
                pod["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
            });
        }
        (200, pod)
    }

    /// Does what a node does with a pod that it may run.
    fn run(&mut self, name: &str) {
        let pod = &self.pods[name];
        let is_gated = !pod["spec"]["schedulingGates"].as_array().is_none_or(Vec::is_empty);
        if !self.has_node || is_gated {
            return;
        }
        let token = pod["metadata"]["annotations"]["mason.dev/token"].clone();
        let is_stopped = pod["spec"]["activeDeadlineSeconds"].is_number();
        let ended = |code: i32| {
            json!({"terminated": {"exitCode": code,
            "message": json!({"token": token, "exitCode": code, "result": {"a": 1}}).to_string()}})
        };
        let (phase, state) = match pod["spec"]["containers"][0]["image"].as_str().unwrap() {
            "endless" if is_stopped => ("Failed", ended(143)),
            "endless" => ("Running", json!({"running": {}})),
            "failing" => ("Failed", ended(3)),
            _ => ("Succeeded", ended(0)),
        };
        let main = json!([{"name": "main", "image": "i", "imageID": "i@1", "ready": false, "restartCount": 0, "state": state}]);
        self.change(name, |pod| {
            pod["spec"]["nodeName"] = json!("n");
            pod["status"] = json!({"phase": phase, "containerStatuses": main});
        });
    }
}
