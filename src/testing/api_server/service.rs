//! The connection: answers each request, wrongly where a fault is scripted.

use std::task::{Context, Poll};

use axum::body::Body;
use futures::future::{BoxFuture, FutureExt};
use http::{Method, Request, Response};
use serde_json::{Value, json};
use tower::{BoxError, Service};

use super::answer::Answer;
use super::faults::ApiFault;
use super::objects::{Address, refusals};
use super::request::Asked;
use super::{ApiServer, State, watches};

/// What a client sends its requests into.
#[derive(Clone)]
pub(super) struct Connection(pub(super) ApiServer);

impl Service<Request<kube::client::Body>> for Connection {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Response<Body>, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<kube::client::Body>) -> Self::Future {
        let server = self.0.clone();
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect_bytes().await?;
            // Others go first, as they may while a request is on its way.
            tokio::task::yield_now().await;
            match Asked::read(&parts, &body) {
                Some(asked) => answered(&server, &asked),
                None => Ok(Answer::failure(404, "no such path").into_response()),
            }
        }
        .boxed()
    }
}

fn answered(server: &ApiServer, asked: &Asked) -> Result<Response<Body>, BoxError> {
    let mut state = server.state();
    let fault = state.faults.pop_front().unwrap_or(ApiFault::Nothing);
    let broken = || Err(BoxError::from(std::io::Error::from(std::io::ErrorKind::ConnectionReset)));
    let answer = match fault {
        ApiFault::Lost => None,
        ApiFault::Refused(code) => Some(Answer::failure(code, "scripted")),
        ApiFault::Denied(code) => {
            state.serve(asked);
            Some(Answer::failure(code, "scripted, after it took effect"))
        }
        ApiFault::Unanswered => {
            state.serve(asked);
            None
        }
        ApiFault::Stale(changes) if asked.method == Method::GET => {
            Some(state.stale(asked, changes))
        }
        ApiFault::Nothing | ApiFault::Stale(_) if asked.is_watch() => {
            state.requests.push((asked.line(), 200));
            drop(state);
            return Ok(watches::open(server, asked));
        }
        ApiFault::Nothing | ApiFault::Stale(_) => Some(state.serve(asked)),
    };
    state.requests.push((asked.line(), answer.as_ref().map_or(0, |answer| answer.code)));
    answer.map_or_else(broken, |answer| Ok(answer.into_response()))
}

impl State {
    fn serve(&mut self, asked: &Asked) -> Answer {
        let is_one = !asked.address.name.is_empty();
        match (&asked.method, is_one) {
            (&Method::GET, true) => self.get(&asked.address),
            (&Method::GET, false) => self.list(asked),
            (&Method::POST, false) => self.create(asked),
            (&Method::PUT, true) => self.replace(asked, asked.body.clone()),
            (&Method::PATCH, true) => self.patch(asked),
            (&Method::DELETE, true) => self.delete(asked),
            _ => Answer::failure(405, "no such verb"),
        }
    }

    fn get(&self, address: &Address) -> Answer {
        let found = self.objects.get(address).cloned();
        found.map_or_else(|| missing(address), Answer::ok)
    }

    fn stale(&mut self, asked: &Asked, changes: usize) -> Answer {
        let former = self.objects.former(&asked.address, changes).cloned();
        former.map_or_else(|| self.serve(asked), Answer::ok)
    }

    /// Lists from where the last page ended, which its token says.
    fn list(&self, asked: &Asked) -> Answer {
        let all = self.objects.all(&asked.address);
        let from =
            usize::try_from(asked.number("continue").unwrap_or_default()).unwrap_or_default();
        let limit = asked.number("limit").and_then(|limit| usize::try_from(limit).ok());
        let to = limit.map_or(all.len(), |limit| all.len().min(from + limit));
        let more = if to < all.len() { to.to_string() } else { String::new() };
        let items: Vec<Value> = all[from.min(to)..to].iter().map(|&item| item.clone()).collect();
        let version = self.objects.version().to_string();
        Answer::ok(json!({
            "kind": "List", "apiVersion": "v1", "items": items,
            "metadata": {"resourceVersion": version, "continue": more},
        }))
    }

    fn create(&mut self, asked: &Asked) -> Answer {
        let mut document = asked.body.clone();
        let given = document["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let beginning = document["metadata"]["generateName"].as_str().unwrap_or_default();
        let drawn = uuid::Uuid::new_v4().simple().to_string();
        let name = if given.is_empty() { format!("{beginning}{}", &drawn[..5]) } else { given };
        let address = Address { name, ..asked.address.clone() };
        if self.objects.get(&address).is_some() {
            let mut answer = Answer::failure(409, "exists already");
            answer.body["reason"] = json!("AlreadyExists");
            return answer;
        }
        if let Some(object) = document.as_object_mut().filter(|_| address.kind().is_some()) {
            object.remove("status");
        }
        let refused = refusals(&address, &document, None);
        if !refused.is_empty() {
            return Answer::invalid(&refused);
        }
        Answer::created(self.objects.insert(address, document))
    }

    /// Replaces the spec or the status of an object that is as the writer has seen it.
    fn replace(&mut self, asked: &Asked, given: Value) -> Answer {
        let Some(before) = self.objects.get(&asked.address).cloned() else {
            return missing(&asked.address);
        };
        if given["metadata"]["resourceVersion"].as_str().unwrap_or_default().is_empty() {
            return Answer::invalid(&[("metadata.resourceVersion".into(), "must be given".into())]);
        }
        self.swap(asked, &before, given)
    }

    fn patch(&mut self, asked: &Asked) -> Answer {
        match self.objects.get(&asked.address).cloned() {
            Some(before) => {
                let mut wanted = before.clone();
                wanted["metadata"]["resourceVersion"] = Value::Null;
                merge(&mut wanted, &asked.body);
                self.swap(asked, &before, wanted)
            }
            None if asked.query.contains_key("fieldManager") && !asked.is_status => {
                let address = Address { name: String::new(), ..asked.address.clone() };
                self.create(&Asked { address, ..asked.clone() })
            }
            None => missing(&asked.address),
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "it is the body of the request")]
    fn swap(&mut self, asked: &Asked, before: &Value, given: Value) -> Answer {
        for field in ["resourceVersion", "uid"] {
            let (given, now) = (&given["metadata"][field], &before["metadata"][field]);
            if !given.is_null() && given != now {
                return Answer::failure(409, "the object has been modified");
            }
        }
        let mut after = if asked.is_status { before.clone() } else { given.clone() };
        let status = if asked.is_status { &given["status"] } else { &before["status"] };
        match (status, after.as_object_mut()) {
            (Value::Null, Some(after)) => {
                after.remove("status");
            }
            (status, _) => after["status"] = status.clone(),
        }
        for field in ["uid", "generation", "creationTimestamp", "resourceVersion"] {
            after["metadata"][field] = before["metadata"][field].clone();
        }
        let refused = refusals(&asked.address, &after, Some(before));
        if !refused.is_empty() {
            return Answer::invalid(&refused);
        }
        Answer::ok(self.objects.change(&asked.address, after, !asked.is_status))
    }

    fn delete(&mut self, asked: &Asked) -> Answer {
        let Some(before) = self.objects.get(&asked.address) else {
            return missing(&asked.address);
        };
        for field in ["resourceVersion", "uid"] {
            let wanted = &asked.body["preconditions"][field];
            if !wanted.is_null() && *wanted != before["metadata"][field] {
                return Answer::failure(409, "the precondition does not hold");
            }
        }
        let removed = self.objects.remove(&asked.address);
        removed.map_or_else(|| missing(&asked.address), Answer::ok)
    }
}

fn missing(address: &Address) -> Answer {
    Answer::failure(404, &format!("{} \"{}\" not found", address.resource, address.name))
}

/// Merges a patch into a document: objects by field, null removes, all else replaces.
fn merge(document: &mut Value, patch: &Value) {
    let (Value::Object(fields), Value::Object(patch)) = (&mut *document, patch) else {
        *document = patch.clone();
        return;
    };
    for (name, value) in patch {
        if value.is_null() {
            fields.remove(name);
        } else {
            merge(fields.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}
